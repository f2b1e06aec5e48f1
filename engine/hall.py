"""A hall as data (``assets/halls``): its room, stage, risers, cameras and surfaces, hall frame, metres."""

import math
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..assets import asset_path
from .errors import SceneError
from .types import Vector

SHOEBOX = "musikverein"
"""The hall where nobody chose another."""


@dataclass(frozen=True, slots=True)
class Riser:
    """A raised ring of the stage floor round the podium; angles counter-clockwise from +X."""

    inner_radius_m: float
    outer_radius_m: float
    from_deg: float
    to_deg: float
    height_m: float


@dataclass(frozen=True, slots=True)
class Camera:
    """A place to look from."""

    position_m: Vector
    look_at_m: Vector
    field_deg: float


@dataclass(frozen=True, slots=True)
class Surface:
    """A kind of surface of the room: absorption coefficients by octave band of ``Hall.bands_hz``."""

    name: str
    area_m2: float
    absorption: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Cover:
    """What a side of the box (one of ``SIDES``) is covered with: absorption by octave band, the share of sound that it
    scatters (0–1), and where it stands on its axis, if not at the box."""

    side: str
    absorption: tuple[float, ...]
    scattering: float
    place_m: float | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """Where the audience sits. Ears are ``EAR_HEIGHT_M`` over the floor; ``rise_m`` is what each row is higher than the
    one before. ``balcony_m`` is the floor of a seat in the middle of the front row of the rear balcony."""

    first_y_m: float
    last_y_m: float
    pitch_m: float
    x_m: float
    floor_z_m: float
    rise_m: float = 0.0
    balcony_m: Vector | None = None

    @property
    def count(self) -> int:
        return max(1, math.floor((self.first_y_m - self.last_y_m) / self.pitch_m + 1e-9) + 1)


@dataclass(frozen=True, slots=True)
class Hall:
    """One hall. ``low_m`` and ``high_m`` are the corners of the room's box; ``volume_m3`` is what it encloses, where
    that is not the box; ``open_air`` has no reverberation; ``picture`` is what is shown of it (one of
    ``picture_names``); ``response`` a recording of how it rings."""

    key: str
    name: str
    low_m: Vector
    high_m: Vector
    stage_front_y_m: float
    stage_rear_y_m: float
    stage_half_width_m: float
    podium_height_m: float
    risers: tuple[Riser, ...]
    cameras: dict[str, Camera]
    bands_hz: tuple[float, ...]
    surfaces: tuple[Surface, ...]
    covers: tuple[Cover, ...] = ()
    rows: Rows | None = None
    volume_m3: float | None = None
    open_air: bool = False
    picture: str = SHOEBOX
    response: Path | None = None

    def riser_height_m(self, x_m: float, y_m: float) -> float:
        """Height of the stage floor at a place."""
        radius, angle = math.hypot(x_m, y_m), math.degrees(math.atan2(y_m, x_m))
        for riser in self.risers:
            if riser.inner_radius_m <= radius < riser.outer_radius_m and riser.from_deg <= angle <= riser.to_deg:
                return riser.height_m
        return 0.0

    def on_stage(self, x_m: float, y_m: float) -> bool:
        """Whether a player can sit there."""
        return abs(x_m) <= self.stage_half_width_m and self.stage_front_y_m < y_m < self.stage_rear_y_m


OUTSIDE = "open-air"
"""The picture of a hall that is none."""
SIDES = ("left", "right", "back", "rear", "floor", "ceiling")
"""The audience's left and right; ``back`` is behind the stage, ``rear`` behind the audience."""
EAR_HEIGHT_M = 1.2
"""Ears of someone who sits (ISO 3382-1 measures there)."""


def hall_names() -> tuple[str, ...]:
    """The halls that ship with Tutti."""
    return tuple(sorted(path.stem for path in asset_path("halls").glob("*.toml")))


def picture_names() -> tuple[str, ...]:
    """What a hall can look like: the models that ship with Tutti."""
    return tuple(sorted(path.stem for path in asset_path("models", "halls").glob("*.glb")))


def read_hall(name: str | Path = SHOEBOX) -> Hall:
    """A shipped hall by name, a user's description by path, or the golden shoebox ringing as a measured impulse
    response (a WAV file) does. Raises ``SceneError``."""
    if Path(name).suffix.lower() == ".wav":
        if not Path(name).is_file():
            raise SceneError(f"{name}: no such impulse response")
        return replace(read_hall(), key=Path(name).stem, name=Path(name).stem, response=Path(name))
    path = asset_path("halls", f"{name}.toml")
    if not path.is_file():
        path = Path(name)
    if not path.is_file():
        raise SceneError(
            f"no hall named {name}: choose one of {', '.join(hall_names())}, or give a TOML file or a measured impulse "
            "response (WAV)"
        )
    try:
        with path.open("rb") as file:
            tables = _completed(tomllib.load(file))
        return _hall_from_tables(path.stem, tables)
    except (tomllib.TOMLDecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise SceneError(f"{path}: not a hall ({error}); compare it with assets/halls/musikverein.toml") from error


def _completed(tables: dict[str, Any]) -> dict[str, Any]:
    """A hall that is ``like`` another has that one's stage, and what else it does not say of itself. Without a picture
    of its own it looks like that one too, or where nothing encloses it, like the meadow."""
    like = tables.get("like")
    if like is None:
        return tables
    if like not in hall_names():
        raise ValueError(f"like = {like!r} is no hall that ships with Tutti")
    with asset_path("halls", f"{like}.toml").open("rb") as file:
        other = _completed(tomllib.load(file))
    outside = bool(tables["acoustics"].get("open_air", False))
    shared = {name: other[name] for name in ("stage", "podium", "risers", "cameras", "seats")}
    return shared | {"picture": OUTSIDE if outside else other.get("picture", like)} | tables


def _hall_from_tables(key: str, tables: dict[str, Any]) -> Hall:
    room, stage, acoustics = tables["room"], tables["stage"], tables["acoustics"]
    half_width_m = float(room["half_width_m"])
    bands = len(acoustics["bands_hz"])
    surfaces = {str(table["name"]): _absorption(table, bands) for table in acoustics["surfaces"]}
    volume_m3 = acoustics.get("volume_m3")
    return Hall(
        key=key,
        name=str(tables["name"]),
        low_m=(-half_width_m, float(room["house_end_y_m"]), float(room["house_floor_z_m"])),
        high_m=(half_width_m, float(room["stage_end_y_m"]), float(room["ceiling_z_m"])),
        stage_front_y_m=float(stage["front_y_m"]),
        stage_rear_y_m=float(stage["rear_y_m"]),
        stage_half_width_m=float(stage["usable_half_width_m"]),
        podium_height_m=float(tables["podium"]["height_m"]),
        risers=tuple(Riser(**{name: float(value) for name, value in table.items()}) for table in tables["risers"]),
        cameras={
            name: Camera(_vector(table["position_m"]), _vector(table["look_at_m"]), float(table["field_deg"]))
            for name, table in tables["cameras"].items()
        },
        bands_hz=tuple(float(band) for band in acoustics["bands_hz"]),
        surfaces=tuple(
            Surface(str(table["name"]), float(table["area_m2"]), surfaces[str(table["name"])])
            for table in acoustics["surfaces"]
        ),
        covers=tuple(_cover(side, table, surfaces) for side, table in acoustics.get("sides", {}).items()),
        rows=_rows(tables["seats"], room, tables.get("balcony")) if "seats" in tables else None,
        volume_m3=None if volume_m3 is None else float(volume_m3),
        open_air=bool(acoustics.get("open_air", False)),
        picture=_picture(str(tables.get("picture", key if key in picture_names() else SHOEBOX))),
    )


def _picture(name: str) -> str:
    if name not in picture_names():
        raise ValueError(f"picture = {name!r} is none that there is: choose one of {', '.join(picture_names())}")
    return name


def _absorption(table: dict[str, Any], bands: int) -> tuple[float, ...]:
    values = tuple(float(value) for value in table["absorption"])
    if len(values) != bands or not all(0.0 <= value <= 1.0 for value in values):
        raise ValueError(f"absorption of {table['name']} needs {bands} values from 0 to 1")
    return values


def _cover(side: str, table: dict[str, Any], surfaces: dict[str, tuple[float, ...]]) -> Cover:
    """A side covered with equal shares of the ``surfaces`` it names."""
    if side not in SIDES:
        raise ValueError(f"{side} is no side of a hall: there are {', '.join(SIDES)}")
    kinds = [surfaces[str(name)] for name in table["surfaces"]]
    mean = tuple(sum(values) / len(values) for values in zip(*kinds, strict=True))
    place_m = table.get("place_m")
    return Cover(side, mean, float(table["scattering"]), None if place_m is None else float(place_m))


def _rows(seats: dict[str, Any], room: dict[str, Any], balcony: dict[str, Any] | None) -> Rows:
    """Seats a little beside the middle, where an aisle may be."""
    place_m: Vector | None = None
    if balcony is not None:
        depth_m = float(balcony.get("rear_depth_m", 3.0))
        place_m = (0.0, float(room["house_end_y_m"]) + depth_m - 0.8, float(balcony["floor_z_m"]))
    return Rows(
        float(seats["first_row_y_m"]),
        float(seats["last_row_y_m"]),
        float(seats["row_pitch_m"]),
        float(seats.get("listener_x_m", 1.4)),
        float(seats.get("floor_z_m", room["house_floor_z_m"])),
        float(seats.get("rise_per_row_m", 0.0)),
        place_m,
    )


def _vector(values: list[float]) -> Vector:
    x, y, z = (float(value) for value in values)
    return (x, y, z)
