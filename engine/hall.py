"""A hall as data (``assets/halls``): its room, stage, risers, cameras and surfaces, hall frame, metres."""

import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..assets import asset_path
from .errors import SceneError
from .types import Vector


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
class Hall:
    """One hall. ``low_m`` and ``high_m`` are the corners of the room's box."""

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


def hall_names() -> tuple[str, ...]:
    """The halls that ship with Tutti."""
    return tuple(sorted(path.stem for path in asset_path("halls").glob("*.toml")))


def read_hall(name: str | Path = "musikverein") -> Hall:
    """A shipped hall by name or a user's description by path. Raises ``SceneError``."""
    path = asset_path("halls", f"{name}.toml")
    if not path.is_file():
        path = Path(name)
    if not path.is_file():
        raise SceneError(f"no hall named {name}: choose one of {', '.join(hall_names())} or give a TOML file")
    try:
        with path.open("rb") as file:
            tables = tomllib.load(file)
        return _hall_from_tables(path.stem, tables)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise SceneError(f"{path}: not a hall ({error}); compare it with assets/halls/musikverein.toml") from error


def _hall_from_tables(key: str, tables: dict[str, Any]) -> Hall:
    room, stage, acoustics = tables["room"], tables["stage"], tables["acoustics"]
    half_width_m = float(room["half_width_m"])
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
            Surface(str(table["name"]), float(table["area_m2"]), tuple(float(a) for a in table["absorption"]))
            for table in acoustics["surfaces"]
        ),
    )


def _vector(values: list[float]) -> Vector:
    x, y, z = (float(value) for value in values)
    return (x, y, z)
