"""Conversions between units; the unit is in the name."""

import math

SPEED_OF_SOUND_M_S = 343.2
"""Speed of sound in air at 20 °C (ISO 9613-1)."""


def db_to_gain(level_db: float) -> float:
    """Amplitude ratio of a level in dB."""
    return 10.0 ** (level_db / 20.0)


def gain_to_db(gain: float) -> float:
    """Level in dB of an amplitude ratio; −inf for silence."""
    return 20.0 * math.log10(gain) if gain > 0.0 else -math.inf


def pitch_to_hz(pitch: float, a4_hz: float = 440.0) -> float:
    """Frequency of a MIDI pitch number (69 = A4) in equal temperament."""
    return a4_hz * 2.0 ** ((pitch - 69.0) / 12.0)


def dynamic_to_velocity(dynamic: float) -> int:
    """MIDI velocity 1–127 of a dynamic 0–1."""
    return max(1, min(127, round(1 + 126 * dynamic)))
