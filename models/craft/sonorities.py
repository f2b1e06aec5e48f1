"""What may sound together in a key or in any other scale, and how well one sonority follows another.

For keys these are the chords of a first harmony course with their dominants; for other scales whatever thirds and
fifths the scale itself holds, down to open fifths and fourths, so that no note is foreign to it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from .chords import QUALITIES, Quality
from .keys import Key
from .scales import Scale
from .traditions import Tradition


@dataclass(frozen=True, slots=True)
class Sonority:
    """Pitch classes to sound together. ``members`` begin with the root; ``cost`` is how rare it is (nats).

    ``goal`` is the root that it pulls to and ``leading`` the member that rises there by semitone; None where it rests.
    ``needed`` members must sound, others may be left out.
    """

    root: int
    members: tuple[int, ...]
    cost: float
    goal: int | None = None
    leading: int | None = None
    seventh: int | None = None
    needed: tuple[int, ...] = ()
    dissonant: bool = False
    """A diminished fifth over the root: better in first inversion."""

    @property
    def third(self) -> int | None:
        return self.members[1] if len(self.members) > 2 else None


_MAJOR_CHORDS: tuple[tuple[int, Quality, float], ...] = (
    *((0, "major", 0.0), (2, "minor", 0.5), (4, "minor", 1.3), (5, "major", 0.3), (7, "major", 0.1)),
    *((9, "minor", 0.5), (11, "diminished", 0.9), (7, "dominant7", 0.25), (2, "minor7", 0.8)),
    *((2, "dominant7", 1.2), (2, "major", 1.1), (4, "dominant7", 1.6), (4, "major", 1.5), (9, "dominant7", 1.6)),
    (0, "dominant7", 1.8),
)
_MINOR_CHORDS: tuple[tuple[int, Quality, float], ...] = (
    *((0, "minor", 0.0), (2, "diminished", 0.8), (3, "major", 0.8), (5, "minor", 0.3), (7, "major", 0.1)),
    *((8, "major", 0.6), (10, "major", 0.8), (11, "diminished", 0.9), (7, "dominant7", 0.25), (2, "half7", 0.8)),
    *((5, "major", 1.3), (10, "dominant7", 1.1), (0, "dominant7", 1.7), (2, "dominant7", 1.5), (0, "major", 2.5)),
)
_FOREIGN_INTERVAL_CENTS = 30.0
"""A third or fifth further than this from the tempered one does not blend; it costs."""


def sonorities_of_key(key: Key) -> list[Sonority]:
    """The chords of a major or minor key, with the dominants of its degrees."""
    return [
        _chord((key.tonic + above) % 12, quality, cost, key)
        for above, quality, cost in (_MAJOR_CHORDS if key.mode == "major" else _MINOR_CHORDS)
    ]


def _chord(root: int, quality: Quality, cost: float, key: Key) -> Sonority:
    members = tuple((root + step) % 12 for step in QUALITIES[quality])
    goal = leading = None
    if quality in ("diminished", "half7", "diminished7") and root == (key.tonic + 11) % 12:
        goal, leading = key.tonic, root
    elif quality == "dominant7" or (quality == "major" and root != key.tonic and _is_applied(members, key)):
        goal, leading = (root + 5) % 12, members[1]
    seventh = members[3] if len(members) > 3 else None
    needed = (members[0], members[1]) + (() if seventh is None else (seventh,))
    return Sonority(root, members, cost, goal, leading, seventh, needed, dissonant=7 not in QUALITIES[quality])


def _is_applied(members: tuple[int, ...], key: Key) -> bool:
    """Whether a major chord is the key's dominant, or that of one of its degrees."""
    return members[1] == (key.tonic + 11) % 12 or not set(members) <= key.scale.descending


def sonorities_of_scale(scale: Scale, tradition: Tradition | None = None) -> list[Sonority]:
    """What a scale holds of thirds and fifths on its degrees; ``tradition`` tells its tuning and important notes."""
    found = [sonority for root in sorted(scale.pitch_classes) for sonority in _on_degree(root, scale, tradition)]
    return found or [Sonority(scale.tonic, (scale.tonic,), 0.0, needed=(scale.tonic,))]


def _on_degree(root: int, scale: Scale, tradition: Tradition | None) -> Iterator[Sonority]:
    held = scale.pitch_classes
    rarity = _rarity(root, scale, tradition)

    def cost(*steps: int) -> float:
        return rarity + sum(_strangeness(root, (root + step) % 12, scale, tradition) for step in steps)

    fifth, fourth = (root + 7) % 12, (root + 5) % 12
    if fifth in held:
        for third in (4, 3):
            if (root + third) % 12 in held:
                members = (root, (root + third) % 12, fifth)
                yield Sonority(root, members, cost(third, 7), needed=members[:2])
        yield Sonority(root, (root, fifth), 0.3 + cost(7), needed=(root, fifth))
        if fourth in held:
            yield Sonority(root, (root, fourth, fifth), 0.5 + cost(5, 7), needed=(root, fourth))
    elif fourth in held:
        yield Sonority(root, (root, fourth), 0.6 + cost(5), needed=(root, fourth))
    else:
        yield Sonority(root, (root, scale.tonic) if root != scale.tonic else (root,), 1.0 + rarity, needed=(root,))


def _rarity(root: int, scale: Scale, tradition: Tradition | None) -> float:
    if root == scale.tonic:
        return 0.0
    important = set() if tradition is None else {(scale.tonic + step) % 12 for step in tradition.notes.values()}
    if root in important:
        return 0.2
    return 0.3 if (root - scale.tonic) % 12 in (5, 7) else 0.6


def _strangeness(root: int, member: int, scale: Scale, tradition: Tradition | None) -> float:
    """What it costs that an interval is no tempered third, fourth or fifth in this tuning."""
    if tradition is None:
        return 0.0
    cents = tradition.tuning(scale.tonic).cents
    return 1.0 if abs(cents[member] - cents[root]) > _FOREIGN_INTERVAL_CENTS else 0.0


_ROOT_MOTION = (0.5, 0.3, 0.3, 0.8, 0.8, 0.0, 1.0, 0.4, 0.25, 0.25, 0.6, 0.6)
"""What a root's rise by so many semitones costs: falling fifths come first, then falling thirds and rising steps
(Schoenberg's strong progressions, *Structural Functions of Harmony*), last rising thirds."""


def progression_cost(before: Sonority, after: Sonority, strength: float) -> float:
    """What it costs that ``after`` follows ``before`` on a beat of this metrical strength."""
    cost = _ROOT_MOTION[(after.root - before.root) % 12]
    if after.root == before.root:
        if before.seventh is not None and after.seventh is None:
            cost += 0.8  # the seventh would vanish
        return cost + (0.6 if strength >= 0.5 else 0.0)
    if before.goal is None:
        return cost
    if after.root == before.goal:
        return -0.4
    if (after.root - before.goal) % 12 in (8, 9):
        return 0.3
    return cost + (1.6 if before.seventh is not None or before.cost > 0.5 else 0.7)


def phrase_end_cost(sonority: Sonority, before: Sonority | None, tonic: int, final: bool) -> float:
    """What it costs to end a phrase, or the piece, on ``sonority`` after ``before``."""
    if sonority.root == tonic and not sonority.seventh:
        arrival = -0.8 if before is not None and before.goal == tonic and not before.dissonant else 0.0
        return arrival if final or before is None or before.root != tonic else 0.4
    if final:
        return 6.0
    if (sonority.root - tonic) % 12 == 7 and sonority.seventh is None:
        return 0.4
    return 1.2 if (sonority.root - tonic) % 12 in (8, 9) else 2.5
