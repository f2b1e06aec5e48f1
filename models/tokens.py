"""Four voices on a grid of sixteenths: what the network reads and writes.

A step of a voice is one token: ``HOLD`` (the note sounds on), ``REST``, or the onset of a pitch. Triplets and other
finer rhythms are moved to the nearest sixteenth; a note shorter than the grid keeps one step.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..engine.types import ScoreNote

VOICES = 4
STEPS_PER_QUARTER = 4
LOW_PITCH, HIGH_PITCH = 24, 108
HOLD, REST = 0, 1
FIRST_PITCH = 2
VOCABULARY = FIRST_PITCH + HIGH_PITCH - LOW_PITCH + 1
UNKNOWN = VOCABULARY
"""Stands for a voice whose token at this step is not known yet; never predicted."""
POSITIONS = 16
"""Metrical positions: sixteenths of the bar, longer bars fold over."""


def pitch_to_token(pitch: int) -> int:
    """Token of a pitch's onset; pitches outside the vocabulary are moved by octaves."""
    while pitch < LOW_PITCH:
        pitch += 12
    while pitch > HIGH_PITCH:
        pitch -= 12
    return FIRST_PITCH + pitch - LOW_PITCH


def token_to_pitch(token: int) -> int:
    """Pitch of an onset token."""
    return token - FIRST_PITCH + LOW_PITCH


def to_step(quarter: float) -> int:
    """The grid step nearest to a score time."""
    return round(quarter * STEPS_PER_QUARTER)


def encode_voice(notes: Sequence[tuple[float, float, int]], steps: int) -> np.ndarray:
    """One voice as tokens, shape (steps,), int64.

    ``notes`` are (onset_quarter, duration_quarter, pitch); of simultaneous ones the highest counts, and a new onset
    ends the note before it.
    """
    tokens = np.full(steps, REST, np.int64)
    for onset_quarter, duration_quarter, pitch in sorted(notes, key=lambda note: (note[0], note[2])):
        start = to_step(onset_quarter)
        stop = max(start + 1, to_step(onset_quarter + duration_quarter))
        if 0 <= start < steps:
            tokens[start] = pitch_to_token(pitch)
            tokens[start + 1 : min(stop, steps)] = HOLD
            tokens[min(stop, steps) :] = REST
    return tokens


@dataclass(frozen=True, slots=True)
class VoiceState:
    """What a voice is doing before a step: the token of the pitch that sounds (``REST`` for silence), and for how
    many steps it has (at most 31)."""

    token: int = REST
    age: int = 0

    def after(self, token: int) -> "VoiceState":
        if token == HOLD:
            return VoiceState(self.token, min(31, self.age + 1))
        return VoiceState(token, 0)


def states_before(tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``VoiceState`` before every step as two arrays like ``tokens`` (steps, voices): sounding token and age."""
    steps, voices = tokens.shape
    sounding = np.full((steps + 1, voices), REST, np.int64)
    age = np.zeros((steps + 1, voices), np.int64)
    for step in range(steps):
        held = tokens[step] == HOLD
        sounding[step + 1] = np.where(held, sounding[step], tokens[step])
        age[step + 1] = np.where(held, np.minimum(31, age[step] + 1), 0)
    return sounding[:-1], age[:-1]


def decode_voice(
    tokens: Sequence[int], start_quarter: float, part: int, dynamic: float, source: str
) -> list[ScoreNote]:
    """Notes of one voice from its tokens; a leading ``HOLD`` without an onset is silence."""
    notes: list[ScoreNote] = []
    pitch, start = None, 0
    for step, token in enumerate([*tokens, REST]):
        if token == HOLD:
            continue
        if pitch is not None:
            notes.append(
                ScoreNote(
                    onset_quarter=start_quarter + start / STEPS_PER_QUARTER,
                    duration_quarter=(step - start) / STEPS_PER_QUARTER,
                    pitch=pitch,
                    part=part,
                    dynamic=dynamic,
                    source=source,
                )
            )
        pitch, start = (None, step) if token == REST else (token_to_pitch(token), step)
    return notes
