"""Standard MIDI files as a ``WrittenScore``.

Read by mido: every track and channel that plays is a part, and every instrument that a channel changes to. Onsets are
quantised beat by beat only as far as the file asks for it: ticks that are a rounded note value become that value, a
played-in file snaps to plain divisions of the beat where all its notes in that beat are near them, and what fits
nothing is left as it is.

Format: The Complete MIDI 1.0 Detailed Specification, Standard MIDI Files 1.0; programs and drum keys: General MIDI 1.
"""

import bisect
import statistics
from collections import defaultdict
from dataclasses import dataclass, field, replace

import mido

from ..errors import ScoreError
from ..instruments import catalogue
from ..score import NoteFlag
from . import score_limits as limits
from .instrument_names import instrument_of_program
from .midi_file import open_midi
from .pedals import PedalSign, joined_spans, pressed_spans
from .tempo_marks import FASTEST_QUARTER_BPM, SLOWEST_QUARTER_BPM
from .written import WrittenMeasure, WrittenNote, WrittenPart, WrittenScore, WrittenTempo

_DRUM_CHANNEL = 9
_TREMOLO_STRINGS, _PIZZICATO_STRINGS = 44, 45
_EXPRESSION_CONTROL, _PEDAL_CONTROL, _PEDAL_DOWN = 11, 64, 64
_EXACT_DIVISIONS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 5, 7, 9, 10)
_PLAYED_DIVISIONS = (1, 2, 3, 4, 6, 8)
_TICK_ROUNDING = 0.006
"""Quarters: half a tick at 96 per quarter, with some room."""
_PLAYED_TOLERANCE = 0.09
"""Quarters: how far a played-in note may be from the division it means (about 45 ms at quarter = 120)."""
_STEADY_QUARTERS = 8.0
"""A tempo that lasts this long is a tempo; shorter ones are rubato."""
_SHORTEST_QUARTERS = 1.0 / 32.0


@dataclass(slots=True)
class _Line:
    """The notes of one channel of one track."""

    track: int
    channel: int
    name: str
    program: int = -1
    notes: list[tuple[float, float, int, int, int, int]] = field(default_factory=list)
    """(onset, end, pitch, velocity, program then, expression controller then)."""
    has_lyrics: bool = False
    pedal: list[tuple[float, PedalSign]] = field(default_factory=list)


def written_from_midi(data: bytes, name: str) -> WrittenScore:
    """Read a MIDI file's bytes. ``name`` is for messages. Raises ``ScoreError``."""
    file = open_midi(data, name)
    ticks = _ticks_per_quarter(file.ticks_per_beat, name)
    lines: list[_Line] = []
    signatures: list[tuple[float, int, int]] = []
    tempos: list[tuple[float, float]] = []
    rehearsal: list[tuple[float, str]] = []
    for index, track in enumerate(file.tracks):
        lines += _read_track(track, index, ticks, name, signatures, tempos, rehearsal)
        if sum(len(line.notes) for line in lines) > limits.MAX_NOTES:
            raise ScoreError(f"{name}: over {limits.MAX_NOTES} notes; split it into movements")
    lines = [line for line in lines if line.notes]
    if not lines:
        raise ScoreError(f"{name}: has no notes")
    if len(lines) > limits.MAX_PARTS:
        raise ScoreError(f"{name}: {len(lines)} parts are over the limit of {limits.MAX_PARTS}")
    end = max(note[1] for line in lines for note in line.notes)
    if end > limits.MAX_SCORE_QUARTERS:
        raise ScoreError(f"{name}: lasts {end:.0f} quarters (at most {limits.MAX_SCORE_QUARTERS:.0f})")
    measures = _measures(signatures, end, name)
    parts = _parts(lines, file.type == 0)
    _index_measures(parts, measures)
    starts = [measure.start for measure in measures]
    return WrittenScore(
        title=_title(file),
        composer="",
        parts=parts,
        measures=measures,
        tempos=_tempos(tempos, measures, end),
        rehearsal=[(quarter, _measure_at(starts, quarter), text) for quarter, text in rehearsal if quarter < end],
    )


def _ticks_per_quarter(ticks: int, name: str) -> float:
    if ticks & 0x8000 or ticks < 0:  # SMPTE: frames a second and ticks a frame; a quarter is half a second then
        word = ticks & 0xFFFF
        return max(1.0, (256 - (word >> 8)) * (word & 0xFF) * 0.5)
    if ticks == 0:
        raise ScoreError(f"{name}: broken MIDI file (no ticks in a quarter); export it again")
    return float(ticks)


def _read_track(
    track: mido.MidiTrack,
    index: int,
    ticks: float,
    name: str,
    signatures: list[tuple[float, int, int]],
    tempos: list[tuple[float, float]],
    rehearsal: list[tuple[float, str]],
) -> list[_Line]:
    lines: dict[int, _Line] = {}
    sounding: dict[tuple[int, int], list[tuple[float, int, int, int]]] = defaultdict(list)
    programs: dict[int, int] = {}
    expression: dict[int, int] = {}
    pedals: dict[int, list[tuple[float, PedalSign]]] = defaultdict(list)
    label, lyrics, now = "", False, 0.0

    def line_of(channel: int) -> _Line:
        if channel not in lines:
            lines[channel] = _Line(index, channel, "")
        return lines[channel]

    for message in track:
        now += message.time / ticks
        if message.is_meta:
            if message.type == "track_name" and not label:
                label = " ".join(message.name.replace("\0", " ").split())
            elif message.type == "time_signature":
                signatures.append((now, message.numerator, message.denominator))
            elif message.type == "set_tempo" and message.tempo > 0:
                tempos.append((now, 60e6 / message.tempo))
            elif message.type == "marker" and message.text.strip():
                rehearsal.append((now, " ".join(message.text.split())[:40]))
            elif message.type == "lyrics":
                lyrics = True
        elif message.type == "program_change":
            programs[message.channel] = message.program
        elif message.type == "control_change" and message.control == _EXPRESSION_CONTROL:
            expression[message.channel] = message.value
        elif message.type == "control_change" and message.control == _PEDAL_CONTROL:
            sign: PedalSign = "press" if message.value >= _PEDAL_DOWN else "lift"
            if (pedals[message.channel][-1][1] if pedals[message.channel] else "lift") != sign:
                pedals[message.channel].append((now, sign))
        elif message.type == "note_on" and message.velocity > 0:
            line_of(message.channel)
            sounding[message.channel, message.note].append(
                (now, message.velocity, programs.get(message.channel, -1), expression.get(message.channel, 127))
            )
        elif message.type in ("note_off", "note_on") and sounding.get((message.channel, message.note)):
            onset, velocity, program, controller = sounding[message.channel, message.note].pop(0)
            lines[message.channel].notes.append((onset, now, message.note, velocity, program, controller))
    for (channel, pitch), held in sounding.items():  # never released: to the track's end
        for onset, velocity, program, controller in held:
            lines[channel].notes.append((onset, max(now, onset + 1.0), pitch, velocity, program, controller))
    for line in lines.values():
        line.notes.sort()
        line.name, line.has_lyrics, line.pedal = label, lyrics, pedals[line.channel]
        line.program = next((note[4] for note in line.notes if note[4] >= 0), -1)
    return [line for channel in sorted(lines) for line in _by_instrument(lines[channel])]


def _by_instrument(line: _Line) -> list[_Line]:
    """A line of each instrument that its programs call for: who takes the piccolo is a piccolo there.

    Manners of playing (tremolo, pizzicato, a section for a solo) are the same instrument. The first keeps the name.
    """
    if line.channel == _DRUM_CHANNEL or len({note[4] for note in line.notes}) < 2:
        return [line]
    lines: dict[str | None, _Line] = {}
    called = [instrument_of_program(note[4]) if note[4] >= 0 else None for note in line.notes]
    current = next((named for named in called if named is not None), None)
    for note, named in zip(line.notes, called, strict=True):
        if named is not None and current is not None and not _same_instrument(current, named):
            current = named
        if current not in lines:
            lines[current] = replace(line, name="", program=note[4], notes=[]) if lines else replace(line, notes=[])
        lines[current].notes.append(note)
    return list(lines.values())


def _same_instrument(one: str, other: str) -> bool:
    """Whether two instruments or families of General MIDI may be one player's."""
    if one == other:
        return True
    families = [catalogue()[key].family if key in catalogue() else key for key in (one, other)]
    return families[0] == families[1] and not (one in catalogue() and other in catalogue())


def _title(file: mido.MidiFile) -> str:
    """The name of a track without notes (the conductor's track), or of the only track."""
    for track in file.tracks[:1]:
        if file.type == 0 or not any(message.type == "note_on" for message in track):
            return next((" ".join(m.name.split()) for m in track if m.type == "track_name"), "")
    return ""


def _parts(lines: list[_Line], single_track: bool) -> list[WrittenPart]:
    melodic = [line for line in lines if line.channel != _DRUM_CHANNEL]
    parts = []
    channels = {(line.track, line.channel) for line in lines}
    shared = {track for track, _ in channels if sum(other == track for other, _ in channels) > 1}
    for line in lines:
        drums = line.channel == _DRUM_CHANNEL
        # A track's name is no instrument's name where several channels share the track.
        label = "" if single_track or line.track in shared else line.name
        keyboard = (
            line.program in (0, -1)
            and not drums
            and len(melodic) <= 2
            and all(other.program in (0, -1) for other in melodic)
        )
        parts.append(
            WrittenPart(
                name=label or ("Percussion" if drums else ""),
                abbreviation="",
                notes=_notes(line),
                instrument_name="Piano" if keyboard and line.program == 0 else "",
                program=-1 if drums else line.program,
                percussion=drums,
                has_lyrics=line.has_lyrics and line.program in (52, 53, 54),
                pedals=pressed_spans(line.pedal, max(note[1] for note in line.notes)),
            )
        )
    pianos = [part for part in parts if part.instrument_name == "Piano"]
    if len(pianos) == 2 and len(parts) == 2:  # the hands of one player
        merged = pianos[0]
        merged.name = "Piano"
        merged.notes = sorted(merged.notes + pianos[1].notes, key=lambda note: note.onset)
        merged.pedals = joined_spans(merged.pedals + pianos[1].pedals)
        return [merged]
    return parts


def _notes(line: _Line) -> list[WrittenNote]:
    onsets = quantise([note[0] for note in line.notes])
    result = []
    for onset, (raw_onset, raw_end, pitch, velocity, program, controller) in zip(onsets, line.notes, strict=True):
        duration = max(_SHORTEST_QUARTERS, raw_end - raw_onset)
        rounded = round(duration * 24) / 24
        if rounded > 0 and abs(rounded - duration) <= _TICK_ROUNDING:
            duration = rounded
        flags = NoteFlag.NONE
        if program == _PIZZICATO_STRINGS:
            flags |= NoteFlag.PIZZICATO
        elif program == _TREMOLO_STRINGS:
            flags |= NoteFlag.TREMOLO
        result.append(
            WrittenNote(
                onset=onset,
                duration=duration,
                pitch=pitch,
                measure=0,
                flags=int(flags),
                dynamic=(velocity - 1) / 126.0 * controller / 127.0,
            )
        )
    result.sort(key=lambda note: note.onset)
    return result


def quantise(onsets: list[float]) -> list[float]:
    """Onsets (quarters, in order) moved to the note values they stand for, beat by beat."""
    result = list(onsets)
    beats: dict[int, list[int]] = defaultdict(list)
    for index, onset in enumerate(onsets):
        beats[int(onset + _PLAYED_TOLERANCE)].append(index)
    for beat, members in beats.items():
        offsets = [onsets[index] - beat for index in members]
        division = _division(offsets, _EXACT_DIVISIONS, _TICK_ROUNDING)
        division = division or _division(offsets, _PLAYED_DIVISIONS, _PLAYED_TOLERANCE)
        if division:
            for index, offset in zip(members, offsets, strict=True):
                result[index] = beat + round(offset * division) / division
    return result


def _division(offsets: list[float], divisions: tuple[int, ...], tolerance: float) -> int:
    """The first division of the beat that all offsets are near and that keeps different notes apart; 0 for none."""
    distinct = len({round(offset / (2 * tolerance)) for offset in offsets})
    for division in divisions:
        snapped = [round(offset * division) for offset in offsets]
        near = all(abs(offset - place / division) <= min(tolerance, 0.4 / division)
                   for offset, place in zip(offsets, snapped, strict=True))  # fmt: skip
        if near and (len(set(snapped)) >= distinct or tolerance == _TICK_ROUNDING):
            return division
    return 0


def _measures(signatures: list[tuple[float, int, int]], end: float, name: str) -> list[WrittenMeasure]:
    changes: dict[float, tuple[int, int]] = {0.0: (4, 4)}
    for quarter, numerator, denominator in sorted(signatures, key=lambda item: item[0]):
        if 0 < numerator <= 64 and denominator <= 64:
            changes[round(quarter, 6)] = (numerator, denominator)
    places = sorted(changes)
    measures: list[WrittenMeasure] = []
    for index, place in enumerate(places):
        numerator, denominator = changes[place]
        bar = 4.0 * numerator / denominator
        stop = places[index + 1] if index + 1 < len(places) else end
        start = place
        while start < stop - 1e-3:
            duration = bar if index + 1 == len(places) else min(bar, stop - start)
            measures.append(WrittenMeasure(start, duration, str(len(measures) + 1), numerator, denominator))
            start += duration
            if len(measures) > limits.MAX_MEASURES:
                raise ScoreError(f"{name}: over {limits.MAX_MEASURES} measures")
        if stop >= end:
            break
    return measures


def _measure_at(starts: list[float], quarter: float) -> int:
    return max(0, bisect.bisect_right(starts, quarter + 1e-6) - 1)


def _index_measures(parts: list[WrittenPart], measures: list[WrittenMeasure]) -> None:
    starts = [measure.start for measure in measures]
    for part in parts:
        for note in part.notes:
            note.measure = _measure_at(starts, note.onset)


def _tempos(tempos: list[tuple[float, float]], measures: list[WrittenMeasure], end: float) -> list[WrittenTempo]:
    """Tempo marks; in a tempo map full of rubato the steady tempi, or the median, decide how the score is beaten."""
    latest = {round(quarter, 6): bpm for quarter, bpm in sorted(tempos) if quarter < end}
    latest.setdefault(0.0, 120.0 if not latest or min(latest) > 1.0 else latest[min(latest)])
    places = sorted(latest)
    starts = [measure.start for measure in measures]
    result = []
    for place, following in zip(places, [*places[1:], end], strict=True):
        bpm = max(SLOWEST_QUARTER_BPM, min(FASTEST_QUARTER_BPM, latest[place]))
        steady = following - place >= _STEADY_QUARTERS or len(places) == 1
        result.append(WrittenTempo(place, _measure_at(starts, place), bpm, structural=steady))
    if not result[0].structural:
        steady_bpms = [tempo.quarter_bpm for tempo in result if tempo.structural]
        typical = steady_bpms[0] if steady_bpms else statistics.median(tempo.quarter_bpm for tempo in result)
        result[0].structural, result[0].felt_bpm = True, typical
    return result
