"""Harmonising by rules alone: four parts to a melody by dynamic programming over chords and their voicings.

The baseline beside what networks write, and what plays where weights are missing. For every beat the sonorities that
suit the melody are set in four parts; the best way through all of them (Viterbi) weighs the rules of part-writing, the
order of chords, the bass line, and cadences where phrases end. Then passing notes and suspensions are added
(``figuration``). Melodies of any scale and metre: notes of other scales than major and minor stay within the scale.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...engine.errors import ModelError
from ...engine.expression import metrical_weight
from ...engine.types import ScoreNote
from .figuration import Beat, decorate
from .keys import KEYS, Key, key_strengths
from .rules import RuleSet
from .scales import Scale
from .sonorities import Sonority, phrase_end_cost, progression_cost, sonorities_of_key, sonorities_of_scale
from .traditions import Tradition
from .voicings import Costs, Ranges, Voicings, moves, voicings

SOURCE = "ai:rules"
CHORAL_RANGES: Ranges = ((53, 74), (47, 69), (38, 64))
"""Alto, tenor and bass as choirs sing them."""
MOST_STATES = 160
"""Voicings of a beat that the search goes on from."""
_FINAL_INVERSION, _FINAL_APPROACH, _RESTING_INVERSION = 2.0, 0.8, 1.0
"""What it costs that the last chord, the one before it, and those at other phrases' ends have no root in the bass."""
VARIETY = 0.25
"""Spread (nats) of what the seed adds to the chords' costs: other seeds take other good ways."""
LONG_NOTE_BEATS, LONG_NOTE_SHARE = 2.0, 1.9
"""A phrase ends on a note of so many beats that is so many times as long as the usual one."""
_SHORTEST_BREATH = 0.24
"""Quarters of rest that end a phrase."""
_EPSILON = 1e-6
_STRUCTURAL_STRANGER, _APPOGGIATURA, _PASSING, _LEAPING_STRANGER = 4.0, 1.3, 0.15, 0.9


@dataclass(frozen=True, slots=True)
class Harmonisation:
    """What was written: the added ``notes`` (the melody is not among them), the scale, and the sonority of each beat
    (start, end, sonority)."""

    notes: tuple[ScoreNote, ...]
    scale: Scale
    chords: tuple[tuple[float, float, Sonority], ...]


@dataclass(frozen=True, slots=True)
class _Slot:
    """A beat to harmonise: the melody's notes in it, the one that counts first, and whether a phrase ends here."""

    start: float
    end: float
    strength: float
    melody: tuple[ScoreNote, ...]
    ends_phrase: bool
    final: bool


def harmonise(
    melody: Sequence[ScoreNote],
    beats: np.ndarray,
    *,
    key: Key | None = None,
    tradition: Tradition | None = None,
    rules: RuleSet | None = None,
    ranges: Ranges = CHORAL_RANGES,
    parts: tuple[int, int, int] = (1, 2, 3),
    seed: int = 0,
    figuration: float = 0.5,
) -> Harmonisation:
    """Write three lower parts under a melody.

    ``beats`` are a score's conductor's beats (``score.BEAT_DTYPE``). The key is found where neither ``key`` nor
    ``tradition`` (on its own tonic) is given. ``ranges`` are of the lower parts, highest first, ``parts`` their numbers
    in the score. ``figuration`` (0–1) is how much of what could move between beats does. Same arguments, same notes.
    Raises ``ModelError`` for a melody without notes.
    """
    if not melody:
        raise ModelError("there is no melody to harmonise: the part has no notes")
    top = _one_line(melody)
    if tradition is not None:
        scale, stock = tradition.scale(), sonorities_of_scale(tradition.scale(), tradition)
    else:
        key = key or melody_key(top)
        scale, stock = key.scale, sonorities_of_key(key)
    slots = _slots(top, beats)
    lower = _fitting(ranges, top)
    rules = rules or RuleSet()
    directed = scale if tradition is not None else None
    search = _Search(tuple(stock), lower, rules.weights, directed, scale.tonic)
    random = np.random.default_rng(seed)
    written: list[Beat] = []
    for phrase in _sounding_runs(slots):
        written += _best_way(phrase, search, random)
    notes = decorate(written, scale, rules, (_melody_range(top), *lower), figuration, random)
    loudness = float(np.mean([note.dynamic for note in top]))
    named = [replace(note, part=parts[note.part - 1], dynamic=loudness, source=SOURCE) for note in notes]
    return Harmonisation(tuple(named), scale, tuple((beat.start, beat.end, beat.sonority) for beat in written))


def melody_key(melody: Sequence[ScoreNote]) -> Key:
    """The key of a melody alone: its notes by length, and its last note, which most often is the tonic."""
    weights = np.zeros(12)
    for note in melody:
        weights[note.pitch % 12] += note.duration_quarter
    strengths = key_strengths(weights)
    last = max(melody, key=lambda note: note.onset_quarter).pitch % 12
    strengths += np.array([0.2 if found.tonic == last else 0.0 for found in KEYS])
    return KEYS[int(np.argmax(strengths))]


def _one_line(melody: Sequence[ScoreNote]) -> list[ScoreNote]:
    """The highest of notes that begin together, in order."""
    by_onset: dict[float, ScoreNote] = {}
    for note in melody:
        held = by_onset.get(note.onset_quarter)
        if held is None or note.pitch > held.pitch:
            by_onset[note.onset_quarter] = note
    return [by_onset[onset] for onset in sorted(by_onset)]


def _melody_range(melody: Sequence[ScoreNote]) -> tuple[int, int]:
    return min(note.pitch for note in melody), max(note.pitch for note in melody)


def _fitting(ranges: Ranges, melody: Sequence[ScoreNote]) -> Ranges:
    """Ranges that have room under the melody: a low one pushes the lower parts down, an octave at most."""
    lowest = min(note.pitch for note in melody)
    widened = []
    for place, (low, high) in enumerate(ranges):
        room = lowest - (3 + 4 * place)
        widened.append((max(low - 12, min(low, room - 7)), high))
    return tuple(widened)


def _slots(melody: Sequence[ScoreNote], beats: np.ndarray) -> list[_Slot]:
    """Beats with the melody in them. Phrases end before rests, on long notes and with the piece."""
    first, last = melody[0].onset_quarter, melody[-1].onset_quarter + melody[-1].duration_quarter
    slots = []
    for row in beats:
        start, end = max(0.0, float(row["quarter"])), float(row["quarter"] + row["duration_quarter"])
        if end <= first + _EPSILON or start >= last - _EPSILON:
            continue
        here = tuple(
            note
            for note in melody
            if note.onset_quarter < end - _EPSILON and note.onset_quarter + note.duration_quarter > start + _EPSILON
        )
        strength = metrical_weight(start, start, int(row["beat"]), int(row["beats_in_measure"]))
        slots.append(_Slot(start, end, strength, here, False, False))
    usual = float(np.median([note.duration_quarter for note in melody]))
    return _joined([_with_phrase_end(slots, index, melody, usual) for index in range(len(slots))])


def _with_phrase_end(slots: list[_Slot], index: int, melody: Sequence[ScoreNote], usual: float) -> _Slot:
    slot = slots[index]
    if not slot.melody:
        return slot
    note = slot.melody[-1]
    note_end = note.onset_quarter + note.duration_quarter
    on_beat = note.onset_quarter <= slot.start + _EPSILON
    first_beat = on_beat and (index == 0 or note.onset_quarter > slots[index - 1].start + _EPSILON)
    within = not on_beat and note_end <= slot.end + _EPSILON
    following = next((other for other in melody if other.onset_quarter > note.onset_quarter + _EPSILON), None)
    if following is None:
        final = on_beat or index == len(slots) - 1
        return replace(slot, ends_phrase=final, final=final)
    rest_after = following.onset_quarter - note_end > _SHORTEST_BREATH
    long = note.duration_quarter >= max(LONG_NOTE_BEATS * (slot.end - slot.start), LONG_NOTE_SHARE * usual)
    return replace(slot, ends_phrase=(rest_after or long) and (first_beat or within))


def _joined(slots: Sequence[_Slot]) -> list[_Slot]:
    """Where a phrase has come to rest, all hold as long as the melody does."""
    joined: list[_Slot] = []
    for slot in slots:
        before = joined[-1] if joined else None
        if before is not None and before.ends_phrase and slot.melody == before.melody[-1:]:
            joined[-1] = replace(before, end=slot.end, final=before.final or slot.final)
        else:
            joined.append(slot)
    return joined


def _sounding_runs(slots: Sequence[_Slot]) -> list[list[_Slot]]:
    """Slots in runs without a beat in which the melody rests."""
    runs: list[list[_Slot]] = [[]]
    for slot in slots:
        if slot.melody:
            runs[-1].append(slot)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _melody_cost(slot: _Slot, sonority: Sonority) -> float:
    """What it costs that notes of the melody are not of the sonority."""
    cost = 0.0
    for index, note in enumerate(slot.melody):
        if note.pitch % 12 in sonority.members:
            continue
        after = slot.melody[index + 1].pitch if index + 1 < len(slot.melody) else None
        resolves = after is not None and abs(after - note.pitch) <= 2 and after % 12 in sonority.members
        if note.onset_quarter <= slot.start + _EPSILON:
            cost += _APPOGGIATURA if resolves else _STRUCTURAL_STRANGER
        else:
            before = slot.melody[index - 1].pitch if index else None
            cost += _PASSING if before is not None and abs(note.pitch - before) <= 2 else _LEAPING_STRANGER
    return cost


@dataclass(frozen=True, slots=True)
class _Search:
    """What a search for the best way needs throughout."""

    stock: tuple[Sonority, ...]
    ranges: Ranges
    weights: Mapping[str, float]
    directed: Scale | None
    tonic: int

    def order(self, slot: _Slot) -> Costs:
        """What it costs that a sonority of the stock follows another at a beat: (before, after)."""
        return np.array(
            [
                [
                    progression_cost(before, after, slot.strength)
                    + (phrase_end_cost(after, before, self.tonic, slot.final) if slot.ends_phrase else 0.0)
                    for after in self.stock
                ]
                for before in self.stock
            ]
        )


def _best_way(slots: Sequence[_Slot], search: _Search, random: np.random.Generator) -> list[Beat]:
    """The cheapest sequence of voicings for a run of beats (Viterbi over sonorities and their settings)."""
    columns: list[Voicings] = []
    backs: list[np.ndarray] = []
    total = np.zeros(0)
    left_on = 0
    """Where the melody was just before this beat: parallels are heard from there."""
    for slot in slots:
        column = _settings(slot, search, random)
        if not columns:
            total = column.cost + _opening(slot, search)[column.sonority]
            back = np.zeros(len(total), np.int64)
        else:
            before = columns[-1].under(left_on)
            through = total[:, None] + search.order(slot)[np.ix_(before.sonority, column.sonority)]
            through += moves(before, column, search.stock, search.weights, search.directed)
            if slot.final:
                roots = np.array([sonority.root for sonority in search.stock])[before.sonority]
                through += _FINAL_APPROACH * (before.pitches[:, 3] % 12 != roots)[:, None]
            back = np.argmin(through, axis=0)
            total = through[back, np.arange(len(back))] + column.cost
        if len(total) > MOST_STATES:
            kept = np.argpartition(total, MOST_STATES)[:MOST_STATES]
            kept.sort()
            column, total, back = column.only(kept), total[kept], back[kept]
        columns.append(column)
        backs.append(back)
        left_on = slot.melody[-1].pitch
    beats: list[Beat] = []
    state = int(np.argmin(total))
    for slot, column, back in zip(reversed(slots), reversed(columns), reversed(backs), strict=True):
        lower = tuple(int(pitch) for pitch in column.pitches[state][1:])
        sonority = search.stock[column.sonority[state]]
        beats.append(Beat(slot.start, slot.end, slot.strength, slot.melody, sonority, lower, slot.ends_phrase))
        state = int(back[state])
    return beats[::-1]


def _opening(slot: _Slot, search: _Search) -> Costs:
    """What it costs to begin with each sonority: the tonic is the usual one."""
    return np.array(
        [
            (0.0 if sonority.root == search.tonic else 0.6)
            + (phrase_end_cost(sonority, None, search.tonic, slot.final) if slot.ends_phrase else 0.0)
            for sonority in search.stock
        ]
    )


def _settings(slot: _Slot, search: _Search, random: np.random.Generator) -> Voicings:
    """All settings of all sonorities under the melody's note on this beat."""
    soprano = slot.melody[0].pitch
    pitches, costs, indices = [], [], []
    nudges = VARIETY * random.standard_normal(len(search.stock))
    for index, (sonority, nudge) in enumerate(zip(search.stock, nudges, strict=True)):
        found, cost = voicings(sonority, soprano, search.ranges)
        own = _melody_cost(slot, sonority) + nudge
        if slot.ends_phrase:
            own = own + (_FINAL_INVERSION if slot.final else _RESTING_INVERSION) * (found[:, 3] % 12 != sonority.root)
        pitches.append(found)
        costs.append(cost + own)
        indices.append(np.full(len(cost), index))
    if any(len(cost) for cost in costs):
        return Voicings(np.concatenate(pitches), np.concatenate(costs), np.concatenate(indices))
    # No room in these ranges: an octave and unisons under the melody are always there.
    low = np.array([[soprano, soprano, soprano - 12, soprano - 12]], np.int64)
    return Voicings(low, np.array([0.0]), np.array([0]))
