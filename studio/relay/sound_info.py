"""The sound as viewers are told of it: levels, mutes and solos by part, and how the device does."""

import math
from collections.abc import Sequence

from ...engine.audio.sound_watch import SoundReading, level_of
from ...engine.interaction.mixer import Mixer
from ...engine.types import PlayerPlacement
from .protocol import SoundStatus
from .protocol_values import PartSound
from .session_info import clip_text

SILENCE_DB = -120.0
"""In place of −inf on the wire."""


def sound_status(
    reading: SoundReading, placements: Sequence[PlayerPlacement], parts: int, mixer: Mixer | None = None
) -> SoundStatus:
    """The message for viewers of a session with ``parts`` parts. Without a ``mixer``, nobody can be solo and those are
    muted who are silent."""
    mixer = mixer or Mixer.of(placements)
    return SoundStatus(
        device=clip_text(reading.line),
        warning=clip_text(reading.warning),
        load=min(99.0, reading.load),
        missed=min(reading.missed, 0xFFFFFFFF),
        latency_s=max(0.0, reading.latency_s),
        limiting_db=_finite(reading.limiting_db),
        true_peak_db=_finite(reading.true_peak_db),
        loudness_lufs=_finite(reading.loudness_lufs),
        parts=tuple(_part_sound(part, reading, placements, mixer) for part in range(parts)),
    )


def _part_sound(part: int, reading: SoundReading, placements: Sequence[PlayerPlacement], mixer: Mixer) -> PartSound:
    players = [placement for placement in placements if placement.part == part]
    numbers = frozenset(placement.player for placement in players)
    peak_db, rms_db = level_of(reading.sections, frozenset(placement.section for placement in players))
    return PartSound(
        peak_db=_finite(peak_db),
        rms_db=_finite(rms_db),
        muted=bool(numbers) and numbers <= mixer.muted,
        solo=bool(numbers) and numbers <= mixer.soloed,
    )


def _finite(level_db: float) -> float:
    return level_db if math.isfinite(level_db) and level_db > SILENCE_DB else SILENCE_DB
