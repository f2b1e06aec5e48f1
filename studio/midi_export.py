"""``performance.mid``: the performance as a standard MIDI file whose bars and beats are the score's.

Type 1, 960 ticks a quarter. Every note lies where the score has it; the tempo map, with an event at each conducted
beat and wherever the tempo bends within one, makes it sound when it sounded. Time and key signatures stand where the
score has them, so that a sequencer or notation program shows the score's own bars.

Format: Standard MIDI Files 1.0 (The Complete MIDI 1.0 Detailed Specification, MIDI Manufacturers Association).
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import mido
import numpy as np

from ..engine.score import Part, Score
from ..engine.types import BeatCrossing
from .midi_channels import PartChannels
from .performance_log import PlayedNote
from .tempo_map import EARLY_S, Pass, conducted_passes

TICKS_PER_QUARTER = 960
SLOWEST_TEMPO = 16_777_215
"""Microseconds a quarter: the file's field has three bytes. A longer halt is shortened to this."""
AT_ONCE_S = 0.02
"""A performance that begins this early needs no bars of rest before it."""
ON_GRID_S = 0.01
"""A note further than this from its place in the score (it came late, out of turn) is put where it sounded."""


@dataclass(frozen=True, slots=True)
class KeyChange:
    """A key signature from the measure of index ``measure`` (as played) on: sharps (negative: flats) and mode."""

    measure: int
    fifths: int
    minor: bool = False


@dataclass(frozen=True, slots=True)
class _Placed:
    """A pass in the file: score time ``q`` lies at ``origin_quarter + q``.

    Before it lie ``rest_quarters`` of rest, which begin at ``rest_from_s``; ``fill_quarters`` of them fill up the bar
    in which the pass before was broken off.
    """

    taken: Pass
    origin_quarter: float
    rest_quarters: float
    fill_quarters: float
    rest_from_s: float

    @property
    def begin_quarter(self) -> float:
        return self.origin_quarter + float(self.taken.quarters[0])


def write_midi(
    path: Path,
    score: Score,
    notes: Sequence[PlayedNote],
    crossings: Sequence[BeatCrossing],
    keys: Sequence[KeyChange] = (),
    start_s: float = 0.0,
    ai: Mapping[str, str] | None = None,
) -> None:
    """Write the performance; session time ``start_s`` is the file's beginning. ``ai`` is said in the tracks that have
    AI notes (``models.provenance``).

    Before the first beat, and between passes, lie whole bars of rest that last as long as it was quiet.
    """
    placed = _placed(score, conducted_passes(score, crossings, notes), start_s)
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_QUARTER)
    file.tracks.append(_conductor_track(score, placed, keys))
    for index, part in enumerate(score.parts):
        track = _part_track(part, index, [note for note in notes if note.part == index], placed, start_s)
        sources = sorted({note.source for note in notes if note.part == index and note.source.startswith("ai:")})
        if sources:
            said = "; ".join(f"{name}={value}" for name, value in (ai or {"ai-source": ", ".join(sources)}).items())
            track.insert(1, mido.MetaMessage("text", text=_latin1(f"AI notes: {said}")))
        file.tracks.append(track)
    file.save(path)


def _placed(score: Score, passes: Sequence[Pass], start_s: float) -> list[_Placed]:
    placed: list[_Placed] = []
    now_s, now_quarter = start_s, 0.0
    for taken in passes:
        quarter = float(taken.quarters[0])
        measure = score.measures[score.measure_at(quarter)]
        bar = _bar_quarters(measure)
        bar_start = float(measure["start_quarter"])
        if score.measure_at(quarter) == 0:
            bar_start += float(measure["duration_quarter"]) - bar  # a pickup stands at the end of its bar
        within = max(0.0, quarter - bar_start)
        quiet_s = taken.start_s - now_s
        to_bar = 0.0
        if placed:  # the bar that was broken off is filled up
            last = placed[-1]
            broken = score.measures[score.measure_at(float(last.taken.quarters[-1]) - 1e-6)]
            broken_end = float(broken["start_quarter"] + broken["duration_quarter"])
            to_bar = max(0.0, broken_end - float(last.taken.quarters[-1]))
        rest = 0.0
        if placed or quiet_s > AT_ONCE_S:
            bar_s = float(np.diff(taken.time_at(np.array([quarter, quarter + bar])))[0])
            bars = max(0, round((quiet_s / bar_s * bar - within - to_bar) / bar))
            rest = to_bar + within + bars * bar
            rest = rest if rest > 0.0 else bar
        placed.append(_Placed(taken, now_quarter + rest - quarter, rest, to_bar, now_s))
        now_s, now_quarter = taken.end_s, now_quarter + rest + float(taken.quarters[-1]) - quarter
    return placed


def _bar_quarters(measure: np.void) -> float:
    """How long a full bar of the measure's signature is; a measure that is longer than that is a full bar itself."""
    return max(4.0 * float(measure["numerator"]) / float(measure["denominator"]), float(measure["duration_quarter"]))


def _ticks(quarter: float) -> int:
    return max(0, round(quarter * TICKS_PER_QUARTER))


def _conductor_track(score: Score, placed: Sequence[_Placed], keys: Sequence[KeyChange]) -> mido.MidiTrack:
    events: list[tuple[int, int, mido.MetaMessage]] = []
    for one in placed:
        events += [(tick, 0, message) for tick, message in _signatures(score, one)]
        events += [(tick, 1, message) for tick, message in _keys(score, one, keys)]
        events += [(tick, 3, message) for tick, message in _marks(score, one)]
    events += [(tick, 2, message) for tick, message in _tempos(placed)]
    track = mido.MidiTrack([mido.MetaMessage("track_name", name=_latin1(score.title))])
    _append(track, events)
    return track


def _append(track: mido.MidiTrack, events: list[tuple[int, int, mido.Message]]) -> None:
    last = 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=tick - last))
        last = tick


def _tempos(placed: Sequence[_Placed]) -> list[tuple[int, mido.MetaMessage]]:
    """Tempo events. Tempi are whole microseconds: each aims at where its end should be, so that rounding never adds up;
    what a halt is shortened by is let go."""
    knots: list[tuple[float, float]] = []
    for one in placed:
        if one.rest_quarters > 0.0:
            knots.append((one.begin_quarter - one.rest_quarters, one.rest_from_s))
        shifted = one.origin_quarter + one.taken.quarters
        knots += zip(shifted.tolist(), one.taken.times_s.tolist(), strict=True)
    events: list[tuple[int, mido.MetaMessage]] = []
    owed_s = 0.0
    for (quarter, time_s), (next_quarter, next_s) in pairwise(knots):
        start, end = _ticks(quarter), _ticks(next_quarter)
        if end <= start:
            continue
        length = (end - start) / TICKS_PER_QUARTER
        wanted = (next_s - time_s + owed_s) * 1e6 / length
        tempo = round(min(SLOWEST_TEMPO, max(1.0, wanted)))
        owed_s = (wanted - tempo) * 1e-6 * length if 1.0 <= wanted <= SLOWEST_TEMPO else 0.0
        events.append((start, mido.MetaMessage("set_tempo", tempo=tempo)))
    return events


def _signatures(score: Score, one: _Placed) -> list[tuple[int, mido.MetaMessage]]:
    """Time signatures of a pass and of the rest before it. A short measure (a pickup, a bar that a repeat divides) gets
    one of its own length, so that the bars after it stay bars; a pickup's begins with its first beat."""
    events: list[tuple[int, mido.MetaMessage]] = []
    first, last = (score.measure_at(float(one.taken.quarters[end]) + nudge) for end, nudge in ((0, 0.0), (-1, -1e-6)))
    shown = (0, 0)
    measures = score.measures[first : last + 1]
    if one.rest_quarters > 0.0 and len(measures):
        at = one.begin_quarter - one.rest_quarters + one.fill_quarters
        shown = (int(measures[0]["numerator"]), int(measures[0]["denominator"]))
        events.append((_ticks(at), _signature(*shown)))
    for index, measure in enumerate(measures):
        start, duration = float(measure["start_quarter"]), float(measure["duration_quarter"])
        if first + index == 0:
            start, duration = score.begin_quarter, duration - score.begin_quarter
        entered = start < one.taken.quarters[0] - 1e-6 and abs(duration - _bar_quarters(measure)) < 1e-6
        if index == 0 and one.rest_quarters > 0.0 and (first == 0 or entered):
            continue  # it began in a bar of rest, which has its signature
        meter = _meter(measure, duration)
        if meter != shown:
            shown = meter
            events.append((_ticks(one.origin_quarter + start), _signature(*meter)))
    return events


def _meter(measure: np.void, duration: float) -> tuple[int, int]:
    """The signature that a measure's real length, ``duration`` quarters, has."""
    numerator, denominator = int(measure["numerator"]), int(measure["denominator"])
    if abs(duration - 4.0 * numerator / denominator) < 1e-6:
        return numerator, denominator
    for unit in (denominator, 4, 8, 16, 32, 64):
        count = duration * unit / 4.0
        if unit >= denominator and abs(count - round(count)) < 1e-6 and 1 <= round(count) <= 255:
            return round(count), unit
    return numerator, denominator


def _signature(numerator: int, denominator: int) -> mido.MetaMessage:
    return mido.MetaMessage("time_signature", numerator=min(255, numerator), denominator=denominator)


_PLAIN_SIGNS = str.maketrans({"♭": "b", "♯": "#", "–": "-", "—": "-", "‘": "'", "’": "'", "“": '"', "”": '"'})
_MAJOR = ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#")
_MINOR = ("Abm", "Ebm", "Bbm", "Fm", "Cm", "Gm", "Dm", "Am", "Em", "Bm", "F#m", "C#m", "G#m", "D#m", "A#m")


def _keys(score: Score, one: _Placed, keys: Sequence[KeyChange]) -> list[tuple[int, mido.MetaMessage]]:
    events = []
    first = score.measure_at(float(one.taken.quarters[0]))
    before = [key for key in keys if key.measure <= first]
    later = [key for key in keys if key.measure > first and key.measure < len(score.measures)]
    for key in before[-1:] + later:
        start = max(float(score.measures["start_quarter"][key.measure]), float(one.taken.quarters[0]))
        if start > one.taken.quarters[-1]:
            break
        at = one.origin_quarter + start if key.measure > first else one.begin_quarter - one.rest_quarters
        name = (_MINOR if key.minor else _MAJOR)[max(0, min(14, key.fifths + 7))]
        events.append((_ticks(at), mido.MetaMessage("key_signature", key=name)))
    return events


def _marks(score: Score, one: _Placed) -> list[tuple[int, mido.MetaMessage]]:
    """Rehearsal marks as markers."""
    low, high = float(one.taken.quarters[0]), float(one.taken.quarters[-1])
    return [
        (_ticks(one.origin_quarter + quarter), mido.MetaMessage("marker", text=_latin1(text)))
        for quarter, text in score.rehearsal
        if low <= quarter < high
    ]


def _part_track(
    part: Part, index: int, notes: Sequence[PlayedNote], placed: Sequence[_Placed], start_s: float
) -> mido.MidiTrack:
    channels = PartChannels(part, index)
    track = mido.MidiTrack([*channels.opening(), mido.MetaMessage("track_name", name=_latin1(part.name))])
    events: list[tuple[int, int, mido.Message]] = []
    for note in notes:
        start, end = _place(note, placed, start_s)
        channel, before = channels.take_up(note.instrument, note.cents)
        events += [(start, 1, message) for message in before]
        on = mido.Message("note_on", channel=channel, note=note.pitch, velocity=note.velocity)
        events.append((start, 1, on))
        events.append((max(start + 1, end), 0, mido.Message("note_off", channel=channel, note=note.pitch)))
    _append(track, events)
    return track


def _place(note: PlayedNote, placed: Sequence[_Placed], start_s: float) -> tuple[int, int]:
    """Ticks of a note's start and end: its place in the score, or where it sounded if it was not played there."""
    end_s = note.onset_s + note.duration_s
    if not placed:  # notes without a single beat: half a second is a quarter
        return _ticks(2.0 * (note.onset_s - start_s)), _ticks(2.0 * (end_s - start_s))
    one = next((earlier for earlier in reversed(placed) if note.onset_s >= earlier.taken.start_s - EARLY_S), placed[0])
    expected_s = float(one.taken.time_at(np.array(note.quarter)))
    sounded, end = one.taken.quarter_at(np.array([note.onset_s, end_s]))
    quarter = note.quarter if abs(expected_s - note.onset_s) <= ON_GRID_S else float(sounded)
    return _ticks(one.origin_quarter + quarter), _ticks(one.origin_quarter + float(end))


def _latin1(text: str) -> str:
    """MIDI text is one byte a character in every reader that matters: there B♭ is Bb, and ř is r."""
    letters = text.translate(_PLAIN_SIGNS)
    bare = (letter if ord(letter) < 256 else unicodedata.normalize("NFKD", letter)[0] for letter in letters)
    return "".join(bare).encode("latin-1", "replace").decode("latin-1")
