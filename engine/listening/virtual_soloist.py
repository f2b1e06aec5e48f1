"""Soloists made up for tests and benchmarks: rubato, slips, ornaments of their own, skips, restarts and stops.

Tempo drifts as a slow random walk with slackening towards rests; onsets scatter by some hundredths of a second, as
measured of pianists and string players (Repp, JASA 88, 1990; Palmer, Annu. Rev. Psychol. 48, 1997). Slips are a
neighbouring note, a note left out, a note too many; as ``microphone``, also octave errors, pitch that is a little off,
and notes told late.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..types import HeardNote
from .solo_line import SoloLine

SCATTER_S = 0.018
DRIFT = 0.035
"""Standard deviation of the random walk of the logarithm of tempo, for each second,"""
RETURN_S = 12.0
"""and how quickly it comes back."""
SLACKENING = 0.18
"""How much slower the last note before a rest is."""
CHORD_SPREAD_S = 0.012
MICROPHONE_DELAY_S = 0.06


@dataclass(frozen=True, slots=True)
class Passage:
    """The events ``first`` up to ``last`` (not included), begun ``pause_s`` after the note before would have ended."""

    first: int
    last: int
    pause_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Manner:
    """How a soloist plays: ``tempo`` against the marked one, slips as parts of all notes, as through a microphone."""

    tempo: float = 1.0
    rubato: float = 1.0
    wrong: float = 0.02
    missing: float = 0.02
    extra: float = 0.015
    microphone: bool = False


@dataclass(frozen=True, slots=True)
class SoloNote:
    """A note as it is told at ``told_s``, and the event that was meant by it (−1: a note too many)."""

    heard: HeardNote
    told_s: float
    event: int


def play_solo(
    line: SoloLine, passages: Sequence[Passage], seed: int, manner: Manner | None = None, start_s: float = 1.0
) -> tuple[list[SoloNote], list[float]]:
    """The notes in the order in which they are told, and when each event of the passages was meant to sound."""
    manner = manner or Manner()
    rng = np.random.default_rng(seed)
    notes: list[SoloNote] = []
    meant: list[float] = []
    at_s, drift = start_s, 0.0
    for passage in passages:
        at_s += passage.pause_s
        for event in range(passage.first, passage.last):
            meant.append(at_s)
            nominal = float(line.nominal_s[event + 1] - line.nominal_s[event]) if event + 1 < len(line) else 1.0
            rests = event + 1 < len(line) and line.quarter[event + 1] - line.end_quarter[event] > 0.25
            slack = SLACKENING * manner.rubato if rests else 0.0
            length_s = nominal / manner.tempo * float(np.exp(drift + slack))
            _play_event(line, event, at_s, length_s, rng, manner, notes)
            drift += rng.normal(0.0, DRIFT * manner.rubato * np.sqrt(max(length_s, 1e-3)))
            drift *= float(np.exp(-length_s / RETURN_S))
            at_s += max(length_s, 0.03)
    notes.sort(key=lambda note: note.told_s)
    return notes, meant


def _play_event(
    line: SoloLine,
    event: int,
    at_s: float,
    length_s: float,
    rng: np.random.Generator,
    manner: Manner,
    notes: list[SoloNote],
) -> None:
    pitches = np.flatnonzero(line.pitches[event]).tolist()
    if line.optional[event] and rng.random() < 0.15:
        return
    onset_s = at_s + rng.normal(0.0, SCATTER_S * manner.rubato)
    if line.ornamented[event] and len(pitches) > 1:
        count = max(1, int(rng.integers(1, 4 + max(1, int(length_s * 9)))))
        step_s = min(0.11, 0.9 * length_s / count)
        for index in range(count):
            _tell(notes, pitches[index % len(pitches)], onset_s + index * step_s, step_s, event, rng, manner)
    else:
        for pitch in pitches:
            if rng.random() < manner.missing:
                continue
            if rng.random() < manner.wrong:
                pitch += int(rng.choice((-2, -1, 1, 2)))
            spread_s = abs(rng.normal(0.0, CHORD_SPREAD_S)) if len(pitches) > 1 else 0.0
            _tell(notes, pitch, onset_s + spread_s, 0.9 * length_s, event, rng, manner)
    if rng.random() < manner.extra and length_s > 0.12:
        pitch = pitches[0] + int(rng.integers(-4, 5))
        _tell(notes, pitch, onset_s + length_s * rng.uniform(0.3, 0.8), 0.1, -1, rng, manner)


def _tell(
    notes: list[SoloNote],
    pitch: float,
    onset_s: float,
    length_s: float,
    event: int,
    rng: np.random.Generator,
    manner: Manner,
) -> None:
    confidence, delay_s = 1.0, 0.0
    if manner.microphone:
        pitch += rng.normal(0.05, 0.12)
        if rng.random() < 0.015:
            pitch += float(rng.choice((-12.0, 12.0)))
        confidence = float(np.clip(rng.normal(0.85, 0.1), 0.3, 1.0))
        onset_s += rng.normal(0.0, 0.008)
        delay_s = MICROPHONE_DELAY_S + float(rng.exponential(0.015))
    heard = HeardNote(len(notes), onset_s, max(0.03, length_s), float(min(127.0, max(0.0, pitch))), 80, confidence)
    notes.append(SoloNote(heard, onset_s + delay_s, event))
