"""What a builder of an instrument gets and gives: the meshes of a model's parts, and how the player holds it."""

from dataclasses import dataclass, field

from meshes import Array, Mesh, vec
from numpy.typing import ArrayLike
from rig import Hand


class Kit:
    """The parts of one model at one level of detail, by name. Parts come to be when first asked for."""

    def __init__(self, lod: int, rise: float) -> None:
        self.lod = lod
        self.rise = rise
        self.parts: dict[str, Mesh] = {}

    def part(self, name: str, pivot: ArrayLike = (0, 0, 0)) -> Mesh:
        if name not in self.parts:
            self.parts[name] = Mesh(pivot, self.lod)
        return self.parts[name]

    def at(self, x: float, y: float, z: float) -> Array:
        """A place on the body, given for the seated figure."""
        return vec(x, y, z + self.rise)


@dataclass(frozen=True, slots=True)
class Bowing:
    """Where the bow lies at rest: hair on the string at ``contact``, ``along`` from frog to tip, ``away`` from the
    strings. ``held_m`` is the distance of hand and contact at rest, ``length_m`` the length of hair."""

    contact: Array
    along: Array
    away: Array
    held_m: float
    length_m: float
    neck: tuple[Array, ...] = ()
    """Grips of the left hand from low to high positions."""


@dataclass(frozen=True, slots=True)
class Lowering:
    """How the instrument sinks in a rest: turned by ``angle_deg`` about ``axis`` through its pivot, and shifted."""

    axis: Array
    angle_deg: float
    shift: Array


@dataclass(frozen=True, slots=True)
class Striking:
    """How far the hand lifts for a stroke, and about which axis the stick turns in it (degrees, raised)."""

    lift: Array
    wrist_axis: Array = field(default_factory=lambda: vec(1, 0, 0))
    wrist_deg: float = 35.0


@dataclass(frozen=True, slots=True)
class Plucking:
    """The little motion of each hand in a stroke."""

    right: Array
    left: Array


Motion = Bowing | Lowering | Striking | Plucking | None


@dataclass(frozen=True, slots=True)
class Hold:
    """How a player holds the instrument: both hands, and its motion. ``pivot`` is where the body holds it."""

    right: Hand
    left: Hand
    motion: Motion = None
