"""From the score's parts to players with positions: seating plans as data (``assets/seating``)."""

import json
import math
import re
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..assets import asset_path
from .errors import SeatingError
from .hall import Hall
from .instruments import catalogue
from .score import Part, Score
from .types import PlayerPlacement

MAX_PLAYERS = 128
"""More than the largest romantic orchestra on this stage; the audio engine is built for as many."""

STRINGS = frozenset({"violin", "viola", "cello", "contrabass"})
VOICES = frozenset({"soprano", "alto", "tenor", "bass"})


@dataclass(frozen=True, slots=True)
class Group:
    """A section of a plan: who sits in it and how many a full one has."""

    section: str
    instruments: tuple[str, ...]
    players: int
    order: int = 0
    """1 or 2: first or second violins; 0: whoever plays the instrument."""
    spacing_m: float = 0.0
    gap_m: float = 0.0
    """Free space to the right of the group in its rank."""


@dataclass(frozen=True, slots=True)
class Wedge:
    """A string section on concentric arcs, front arcs first."""

    group: Group
    from_deg: float
    to_deg: float
    radii_m: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Rank:
    """One arc on which groups sit side by side, from left to right."""

    groups: tuple[Group, ...]
    radius_m: float
    centre_deg: float


@dataclass(frozen=True, slots=True)
class SeatingPlan:
    """A seating plan: ``kind`` is orchestra, chamber, choir or band."""

    name: str
    title: str
    kind: str
    wedges: tuple[Wedge, ...]
    ranks: tuple[Rank, ...]

    @property
    def groups(self) -> tuple[Group, ...]:
        return tuple(wedge.group for wedge in self.wedges) + tuple(g for rank in self.ranks for g in rank.groups)


@dataclass(frozen=True, slots=True)
class _Seat:
    radius_m: float
    angle_deg: float


def plan_names() -> tuple[str, ...]:
    """The plans that ship with Tutti."""
    return tuple(sorted(path.stem for path in asset_path("seating").glob("*.toml")))


def read_plan(name: str | Path) -> SeatingPlan:
    """A shipped plan by name, or a user's plan from a TOML file. Raises ``SeatingError``."""
    path = asset_path("seating", f"{name}.toml")
    if not path.is_file():
        path = Path(name)
    if not path.is_file():
        raise SeatingError(f"no seating plan named {name}: choose one of {', '.join(plan_names())} or give a TOML file")
    try:
        with path.open("rb") as file:
            tables = tomllib.load(file)
        return _plan_from_tables(path.stem, tables)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise SeatingError(
            f"{path}: not a seating plan ({error}); compare it with assets/seating/american.toml"
        ) from error


def _plan_from_tables(name: str, tables: dict[str, Any]) -> SeatingPlan:
    known = catalogue()

    def group(table: dict[str, Any], spacing_m: float) -> Group:
        unknown = [key for key in table["instrument"] if key not in known]
        if unknown:
            raise ValueError(f"section {table['section']} names an unknown instrument: {unknown[0]}")
        return Group(
            section=str(table["section"]),
            instruments=tuple(table["instrument"]),
            players=int(table.get("players", 0)),
            order=int(table.get("order", 0)),
            spacing_m=float(table.get("spacing_m", spacing_m)),
            gap_m=float(table.get("gap_m", 0.0)),
        )

    wedges = tuple(
        Wedge(
            group=group(table, 0.0),
            from_deg=float(table["from_deg"]),
            to_deg=float(table["to_deg"]),
            radii_m=tuple(float(radius) for radius in table["radii_m"]),
        )
        for table in tables.get("wedge", [])
    )
    ranks = tuple(
        Rank(
            groups=tuple(group(entry, float(table["spacing_m"])) for entry in table["groups"]),
            radius_m=float(table["radius_m"]),
            centre_deg=float(table["centre_deg"]),
        )
        for table in tables.get("rank", [])
    )
    plan = SeatingPlan(name, str(tables["title"]), str(tables["kind"]), wedges, ranks)
    if not plan.groups:
        raise ValueError("it has no wedge and no rank")
    return plan


def choose_plan(score: Score) -> str:
    """The plan that suits a score: by which instruments its parts ask for."""
    instruments = [part.instrument for part in score.parts]
    families = {catalogue()[key].family for key in instruments}
    strings = sum(key in STRINGS for key in instruments)
    voices = sum(key in VOICES for key in instruments)
    winds = sum(catalogue()[key].family in ("woodwind", "brass") for key in instruments)
    if voices and voices >= strings + winds:
        return "choir"
    if strings == 0 and winds >= 5:
        return "wind-band"
    if winds == 0 and not families & {"brass", "percussion"}:
        return "string-quartet" if len(score.parts) <= 5 and "contrabass" not in instruments else "chamber-orchestra"
    if len(score.parts) <= 5:
        return "string-quartet"
    if strings == 0:
        return "wind-band"
    return "american" if winds + voices > 6 or "brass" in families else "chamber-orchestra"


def place_players(score: Score, plan: SeatingPlan, hall: Hall) -> tuple[PlayerPlacement, ...]:
    """Seat every part of the score: sections sized as the plan says, scaled to the piece.

    A part that names its players ("2 Flutes") keeps them. Sections that get fewer or more players than they have
    parts still seat every part. Raises ``SeatingError`` when the piece asks for more than ``MAX_PLAYERS``.
    """
    groups = _assign_groups(score.parts, plan)
    scale = _section_scale(score.parts, plan)
    numbers = {
        part: _players_of(score.parts[part], groups[part], scale, sharing=list(groups.values()).count(groups[part]))
        for part in groups
    }
    if sum(numbers.values()) > MAX_PLAYERS:
        numbers = _shrink(numbers)
    members = {group: [part for part in groups if groups[part] is group] for group in groups.values()}
    placements: list[PlayerPlacement] = []

    def seat(group: Group, seats: Sequence[_Seat]) -> None:
        """Parts that share a section sit in score order; in a wedge that is from the front desks backwards."""
        queue = [part for part in members[group] for _ in range(numbers[part])]
        for desk, (part, place) in enumerate(zip(queue, seats, strict=True)):
            placements.append(_placement(len(placements), part, group, score.parts[part], place, desk, hall))

    for wedge in plan.wedges:
        if wedge.group in members:
            count = sum(numbers[part] for part in members[wedge.group])
            seat(wedge.group, _wedge_seats(wedge, count))
    for rank in plan.ranks:
        present = [group for group in rank.groups if group in members]
        counts = [sum(numbers[part] for part in members[group]) for group in present]
        for group, seats in zip(present, _rank_seats(rank, present, counts), strict=True):
            seat(group, seats)
    return tuple(placements)


def _assign_groups(parts: Sequence[Part], plan: SeatingPlan) -> dict[int, Group]:
    result: dict[int, Group] = {}
    violins = [index for index, part in enumerate(parts) if part.instrument == "violin"]
    for index, part in enumerate(parts):
        fitting = [group for group in plan.groups if part.instrument in group.instruments]
        if not fitting:
            family = catalogue()[part.instrument].family
            fitting = [g for g in plan.groups if any(catalogue()[key].family == family for key in g.instruments)]
        ordered = [group for group in fitting if group.order]
        if ordered:
            order = _violin_order(part, violins.index(index) if index in violins else 0, len(violins))
            fitting = [group for group in ordered if group.order == order] or ordered
        result[index] = fitting[0] if fitting else plan.groups[-1]
    return result


def _violin_order(part: Part, place_among_violins: int, violins: int) -> int:
    """1 or 2: by the part's name if it says, else the upper half of the violin parts are firsts."""
    name = part.name.lower()
    if re.search(r"(\b(ii|2|2nd|second|seconda?|secondo|zweite)\b)", name):
        return 2
    if re.search(r"(\b(i|1|1st|first|prima|primo|erste|solo)\b)", name):
        return 1
    return 1 if place_among_violins < (violins + 1) // 2 else 2


def _section_scale(parts: Sequence[Part], plan: SeatingPlan) -> float:
    """String sections scaled to the piece: a Haydn orchestra has about half the strings of a Mahler orchestra."""
    if plan.kind != "orchestra":
        return 1.0
    winds = sum(max(1, part.players) for part in parts if catalogue()[part.instrument].family in ("woodwind", "brass"))
    return 1.0 if winds >= 12 else 0.75 if winds >= 8 else 0.6


def _players_of(part: Part, group: Group, scale: float, sharing: int) -> int:
    """How many play one part. ``sharing`` parts of the score share the section between them."""
    if part.players:
        return min(part.players, 16)
    if group.players == 0:
        return 1
    section = max(1, round(group.players * scale))
    return max(1, round(section / sharing))


def _shrink(numbers: dict[int, int]) -> dict[int, int]:
    if len(numbers) > MAX_PLAYERS:
        raise SeatingError(
            f"the score has {len(numbers)} parts but the stage seats {MAX_PLAYERS}: leave some parts out"
        )
    factor = MAX_PLAYERS / sum(numbers.values())
    smaller = {part: max(1, math.floor(count * factor)) for part, count in numbers.items()}
    while sum(smaller.values()) > MAX_PLAYERS:
        largest = max(smaller, key=lambda part: smaller[part])
        smaller[largest] -= 1
    return smaller


def _wedge_seats(wedge: Wedge, count: int) -> list[_Seat]:
    """Seats on the arcs in proportion to their length (largest remainders), rounding to the front."""
    shares = [count * radius / sum(wedge.radii_m) for radius in wedge.radii_m]
    per_row = [math.floor(share) for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda row: (per_row[row] - shares[row], row))
    for row in by_remainder[: count - sum(per_row)]:
        per_row[row] += 1
    seats = []
    for radius, here in zip(wedge.radii_m, per_row, strict=True):
        for place in range(here):
            share = (place + 0.5) / here
            seats.append(_Seat(radius, wedge.from_deg + (wedge.to_deg - wedge.from_deg) * share))
    return seats


def _rank_seats(rank: Rank, groups: Sequence[Group], counts: Sequence[int]) -> list[list[_Seat]]:
    """Groups side by side on the arc, the whole row centred; a row too long for its arc closes up."""
    widths = [count * group.spacing_m + group.gap_m for group, count in zip(groups, counts, strict=True)]
    squeeze = min(1.0, math.radians(165.0) * rank.radius_m / max(sum(widths), 1e-9))
    along_m = -0.5 * sum(widths) * squeeze
    rows = []
    for group, count, width in zip(groups, counts, widths, strict=True):
        seats = []
        for place in range(count):
            offset_m = along_m + (place + 0.5) * group.spacing_m * squeeze
            seats.append(_Seat(rank.radius_m, rank.centre_deg - math.degrees(offset_m / rank.radius_m)))
        rows.append(seats)
        along_m += width * squeeze
    return rows


def _placement(
    player: int, part: int, group: Group, written: Part, seat: _Seat, desk: int, hall: Hall
) -> PlayerPlacement:
    angle = math.radians(seat.angle_deg)
    x, y = seat.radius_m * math.cos(angle), seat.radius_m * math.sin(angle)
    return PlayerPlacement(
        player=player,
        part=part,
        section=group.section,
        instrument=written.instrument,
        position_m=(x, y, hall.riser_height_m(x, y)),
        heading_deg=math.degrees(math.atan2(x, -y)),
        desk=desk,
    )


def move_player(
    placements: Sequence[PlayerPlacement], player: int, position_m: tuple[float, float], hall: Hall
) -> tuple[PlayerPlacement, ...]:
    """The placements with one player moved on the floor plan; they turn to face the podium.

    Raises ``SeatingError`` when the place is off the stage or there is no such player.
    """
    x, y = position_m
    if not hall.on_stage(x, y):
        raise SeatingError(f"({x:.1f}, {y:.1f}) m is off the stage: choose a place on it")
    if not any(placement.player == player for placement in placements):
        raise SeatingError(f"there is no player {player}: players are numbered 0 to {len(placements) - 1}")
    heading = math.degrees(math.atan2(x, -y))
    return tuple(
        replace(placement, position_m=(x, y, hall.riser_height_m(x, y)), heading_deg=heading)
        if placement.player == player
        else placement
        for placement in placements
    )


def save_placements(path: Path, placements: Sequence[PlayerPlacement]) -> None:
    """Write placements as JSON; the old file stays until the new one is whole. Raises ``SeatingError``."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(json.dumps({"placements": [asdict(placement) for placement in placements]}, indent=1))
        part.replace(path)
    except OSError as error:
        raise SeatingError(f"{path}: cannot be written ({error.strerror}); choose another place") from error


def _seated(row: dict[str, Any]) -> PlayerPlacement:
    """A player as a seating file has them. Raises ``ValueError``, ``KeyError`` or ``TypeError``."""
    x, y, z = (float(part) for part in row["position_m"])
    placement = PlayerPlacement(
        player=int(row["player"]),
        part=int(row["part"]),
        section=str(row["section"]),
        instrument=str(row["instrument"]),
        position_m=(x, y, z),
        heading_deg=float(row["heading_deg"]),
        desk=int(row["desk"]),
        gain_db=float(row.get("gain_db", 0.0)),
        muted=bool(row.get("muted", False)),
    )
    if not all(map(math.isfinite, (x, y, z, placement.heading_deg, placement.gain_db))):
        raise ValueError(f"player {placement.player}: a place, heading or gain is not a finite number")
    if placement.instrument not in catalogue():
        raise ValueError(f"player {placement.player}: no instrument is called {placement.instrument!r}")
    return placement


def load_placements(path: Path, score: Score) -> tuple[PlayerPlacement, ...]:
    """Placements saved by ``save_placements``, or edited by hand since; ``SeatingError`` if they make no sense or are
    not for this score's parts."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["placements"]
        placements = tuple(_seated(row) for row in rows)
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise SeatingError(f"{path}: not a saved seating ({error})") from error
    twice = [player for player, count in Counter(placement.player for placement in placements).items() if count > 1]
    if twice:
        raise SeatingError(f"{path}: player {twice[0]} sits there twice; give every player a number of their own")
    seated = {placement.part for placement in placements}
    if seated != set(range(len(score.parts))):
        raise SeatingError(f"{path}: it seats {len(seated)} parts, this score has {len(score.parts)}: seat it anew")
    if len(placements) > MAX_PLAYERS:
        raise SeatingError(f"{path}: {len(placements)} players, the stage seats {MAX_PLAYERS}")
    return placements
