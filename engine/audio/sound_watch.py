"""What is told of the sound while it plays: device, missed blocks, levels, loudness, and a warning where it is due."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .audio_ring import AudioStatus
from .loudness import SHORT_TERM_S, LoudnessMeter
from .master import true_peak_db
from .metering import SectionLevel
from .pyo_block import FloatArray

LOOK_EVERY_S = 0.2
LATELY_S = 10.0
"""A block that was missed longer ago is no reason for a warning any more."""
HIGH_LOAD = 0.85
"""Share of a block's time; whoever computes so long will miss one soon."""
_AROUND = 64
"""Samples on either side of the highest one in which the true peak is looked for."""


@dataclass(frozen=True, slots=True)
class SoundReading:
    """The sound at one moment. Levels in dB relative to full scale, −inf in silence; ``load`` is the share of a block's
    time that its computation takes; ``missed`` of ``blocks`` came too late for the device, ``missed_lately`` of them
    in the last ``LATELY_S``; ``limiting_db`` ≤ 0; ``loudness_lufs`` is that of the last 3 s."""

    state: str
    device: str
    message: str
    latency_s: float
    load: float
    blocks: int
    missed: int
    missed_lately: int
    limiting_db: float
    true_peak_db: float
    loudness_lufs: float
    sections: tuple[SectionLevel, ...]

    @property
    def line(self) -> str:
        """One line that says where the sound goes, like ``JACK dummy, 21 ms, 0 missed``."""
        match self.state:
            case "playing":
                return f"{self.device}, {1000.0 * self.latency_s:.0f} ms, {self.missed} missed"
            case "no device":
                return "No sound device: the page plays the sound"
            case _:
                return f"The sound is {self.state}"

    @property
    def warning(self) -> str:
        """What is wrong and what helps, in one line; empty where nothing is."""
        if self.state == "restarting":
            return "The sound broke off: it comes back by itself"
        if self.state == "failed":
            return self.message or self.line
        if self.state != "playing":
            return ""
        if self.missed_lately:
            gaps = "a gap" if self.missed_lately == 1 else f"{self.missed_lately} gaps"
            return f"The sound had {gaps}: close other programs, or start with --latency safe"
        if self.load > HIGH_LOAD:
            share = f"{100.0 * self.load:.0f} %"
            return f"The sound takes {share} of its time: close other programs, or start with --latency safe"
        return ""


class WatchedSound(Protocol):
    """What is watched: an ``AudioProcess``."""

    @property
    def rate_hz(self) -> int: ...

    def status(self) -> AudioStatus: ...

    def section_levels(self) -> tuple[SectionLevel, ...]: ...

    def read_since(self, index: int) -> tuple[int, FloatArray]: ...


class SoundWatch:
    """Looks at the sound a few times a second. One thread."""

    def __init__(self, audio: WatchedSound) -> None:
        self._audio = audio
        self._loudness = LoudnessMeter(audio.rate_hz, last_s=SHORT_TERM_S)
        self._next_sample = 0
        self._looked_s = -math.inf
        self._missed: deque[tuple[float, int]] = deque()

    def look(self, now_s: float) -> SoundReading | None:
        """The sound at session time ``now_s``; None where the last look was less than ``LOOK_EVERY_S`` ago."""
        if now_s - self._looked_s < LOOK_EVERY_S:
            return None
        self._looked_s = now_s
        status = self._audio.status()
        start, samples = self._audio.read_since(self._next_sample)
        self._next_sample = start + len(samples)
        self._loudness.add(samples)
        return SoundReading(
            state=status.state,
            device=status.device,
            message=status.message,
            latency_s=status.latency_s,
            load=status.load,
            blocks=status.blocks,
            missed=status.xruns,
            missed_lately=self._missed_lately(now_s, status.xruns),
            limiting_db=status.limiting_db,
            true_peak_db=peak_around_highest_db(samples),
            loudness_lufs=self._loudness.short_term_lufs,
            sections=self._audio.section_levels(),
        )

    def _missed_lately(self, now_s: float, missed: int) -> int:
        self._missed.append((now_s, missed))
        while now_s - self._missed[0][0] > LATELY_S:
            self._missed.popleft()
        return missed - self._missed[0][1]


def peak_around_highest_db(stereo: FloatArray) -> float:
    """True peak of samples (n, 2) near the highest of them: there it is but for rare signals, at little cost."""
    if not len(stereo):
        return -math.inf
    highest = int(np.abs(stereo).max(axis=1).argmax())
    return true_peak_db(stereo[max(0, highest - _AROUND) : highest + _AROUND])


def level_of(sections: Sequence[SectionLevel], names: frozenset[str]) -> tuple[float, float]:
    """Peak and RMS of the loudest of these sections, in dB; −inf where none plays."""
    chosen = [section for section in sections if section.section in names]
    return (
        max((section.peak_db for section in chosen), default=-math.inf),
        max((section.rms_db for section in chosen), default=-math.inf),
    )
