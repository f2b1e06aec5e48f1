"""Which parts the network's four voices are: any number of parts is answered group by group, each hearing the last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..engine.errors import ModelError
from ..engine.instruments import catalogue
from ..engine.score import Score
from .grid import HIGH_PITCH, LOW_PITCH, VOICES

Range = tuple[int, int]
FOLLOWERS = 2
"""Parts that a group after the first answers, between the top and the bass of the music."""
LOWEST_CONTRABASS = 28
"""Its open E, as it sounds; what lies below takes a fifth string or an extension, which not every player has."""
WIDEST_RANGE = (LOW_PITCH, HIGH_PITCH)


@dataclass(frozen=True, slots=True)
class VoiceGroup:
    """Four voices, highest first: the parts they are (None: absent), who of them is answered, and their ranges."""

    parts: tuple[int | None, ...]
    answered: frozenset[int]
    ranges: tuple[Range, ...]


def comfortable_range(instrument: str) -> Range:
    """The range in which an instrument is mostly written for in an ensemble, as it sounds: without the extremes."""
    kind = catalogue()[instrument]
    low, high = kind.range
    if instrument == "contrabass":
        low = LOWEST_CONTRABASS
    span = high - low
    match kind.family:
        case "strings":
            return low, high - span // 4
        case "woodwind":
            return low, high - span // 6
        case "brass":
            return low + span // 4, high - span // 8
        case _:
            return low, high


def part_ranges(score: Score) -> dict[int, Range]:
    """Lowest and highest pitch that is written for each part."""
    return {index: comfortable_range(part.instrument) for index, part in enumerate(score.parts)}


def part_heights(score: Score) -> dict[int, float]:
    """How high each part lies (MIDI pitch): the mean of its notes, or a little below the middle of its instrument's
    range where it has none. Percussion has no height."""
    heights, notes = {}, score.pitched_notes()
    for index, part in enumerate(score.parts):
        if part.instrument == "percussion":
            continue
        low, high = catalogue()[part.instrument].range
        pitches = notes["pitch"][notes["part"] == index]
        heights[index] = float(pitches.mean()) if len(pitches) else (low + high) / 2 - (high - low) / 8
    return heights


def plan_groups(
    heights: Mapping[int, float], answered: Sequence[int], ranges: Mapping[int, Range]
) -> tuple[VoiceGroup, ...]:
    """Groups in the order in which they are answered.

    The first holds the most important part that is heard (the highest) and up to three that are answered, the outer
    ones among them; where less is answered, more is heard. Each later group fills in between. ``heights`` has every
    part that there is. Raises ``ModelError`` when nothing is to be answered.
    """
    wanted = sorted(dict.fromkeys(answered), key=lambda part: -heights[part])
    if not wanted:
        raise ModelError("say which parts the AI player shall answer")
    heard = sorted((part for part in heights if part not in wanted), key=lambda part: -heights[part])
    room = VOICES - min(1, len(heard))
    first = _outer(wanted, room)
    others = _outer(heard, VOICES - len(first))
    groups = [_group([*first, *others], first, heights, ranges)]
    left = [part for part in wanted if part not in first]
    known = sorted([*heard, *first], key=lambda part: -heights[part])
    while left:
        now, left = left[:FOLLOWERS], left[FOLLOWERS:]
        groups.append(_group([*now, *_outer(known, VOICES - len(now))], now, heights, ranges))
    return tuple(groups)


def _outer(parts: Sequence[int], count: int) -> list[int]:
    """``count`` of the parts (highest first): the top, the bass, then the others from above."""
    if count <= 0:
        return []
    if len(parts) <= count:
        return list(parts)
    return [*parts[: count - 1], parts[-1]] if count > 1 else [parts[0]]


def _group(
    parts: Sequence[int], answered: Sequence[int], heights: Mapping[int, float], ranges: Mapping[int, Range]
) -> VoiceGroup:
    ordered: list[int | None] = [*sorted(parts, key=lambda part: -heights[part])]
    ordered += [None] * (VOICES - len(ordered))
    reach = tuple(WIDEST_RANGE if part is None else ranges.get(part, WIDEST_RANGE) for part in ordered)
    return VoiceGroup(tuple(ordered), frozenset(answered), reach)
