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


_NOTE_VALUES = {4.0: "whole", 2.0: "half", 1.0: "quarter", 0.5: "eighth", 0.25: "16th", 0.125: "32nd"}


def note_value_name(quarters: float) -> str:
    """What a note value is called (1.5 quarters: a dotted quarter); ``2.5 quarters`` where it has no name."""
    for value, name in _NOTE_VALUES.items():
        for dots, longer in (("", 1.0), ("dotted ", 1.5)):
            if math.isclose(quarters, longer * value, rel_tol=1e-6):
                return dots + name
    return f"{quarters:g} quarters"


def pitch_to_hz(pitch: float, a4_hz: float = 440.0) -> float:
    """Frequency of a MIDI pitch number (69 = A4) in equal temperament."""
    return a4_hz * 2.0 ** ((pitch - 69.0) / 12.0)


def dynamic_to_velocity(dynamic: float) -> int:
    """MIDI velocity 1–127 of a dynamic 0–1."""
    return max(1, min(127, round(1 + 126 * dynamic)))
