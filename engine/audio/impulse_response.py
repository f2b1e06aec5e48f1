"""A hall from a measured impulse response: the late response is the recording's, the stage that of a described hall.

The direct sound is cut away, as every player has their own; so is what comes before the hall's first diffuse sound,
which the reflections of the described hall's walls stand for. The level follows the diffuse field of a hall of that
size with the recording's reverberation time, as no file says how far from the source it was recorded.
"""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile

from ..errors import SoundError
from ..hall import Hall
from .room import (
    LATE_START_S,
    FloatVector,
    MeasuredResponse,
    Room,
    band_decays_s,
    diffuse_power_density,
    room_from_hall,
)

LONGEST_S = 30.0
SHORTEST_S = 0.1
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 8000, 384000
MOST_CHANNELS = 32
_ONSET_DB = -20.0
"""The direct sound begins where the response first comes within this of its peak (ISO 3382-1, 5.3.3)."""
_MIDDLE_HZ = (354.0, 1414.0)
_FADE_S = 0.010
_NOISE_MARGIN_DB = 3.0
_LEAST_DECAY_DB = 35.0
"""What a reverberation time is read from (T30)."""


def room_of(hall: Hall) -> Room:
    """The acoustics of a hall: of its walls, or as its recording rings. Raises ``SoundError``."""
    room = room_from_hall(hall)
    return room if hall.response is None else room_with_response(room, hall.response)


def room_with_response(room: Room, path: Path) -> Room:
    """``room`` ringing as the recording at ``path`` does. Raises ``SoundError``."""
    samples, rate_hz = _read(path)
    late = _without_direct(samples, rate_hz)
    if not late.any():
        raise SoundError(f"{path}: nothing comes after the direct sound; record the hall's whole decay")
    if _decay_db(late, rate_hz) < _LEAST_DECAY_DB:
        raise SoundError(f"{path}: does not sink by {_LEAST_DECAY_DB:g} dB; record it with less noise, or for longer")
    bands_hz = np.array(room.bands_hz)
    decays_s = band_decays_s(late.T, rate_hz, bands_hz)
    known = np.isfinite(decays_s)
    if not known.any():
        raise SoundError(f"{path}: no octave band decays by 35 dB; record it with less noise, or for longer")
    decays_s = np.interp(np.log(bands_hz), np.log(bands_hz[known]), decays_s[known])
    ringing = replace(room, rt60_s=tuple(float(decay) for decay in decays_s), measured=None)
    late *= math.sqrt(_diffuse_energy(ringing) / _energy_in_the_middle(late, rate_hz))
    return replace(ringing, measured=MeasuredResponse(np.ascontiguousarray(late, np.float32), rate_hz))


def _decay_db(late: FloatVector, rate_hz: int) -> float:
    """From the loudest twentieth of a second to the last but one (the last is faded out)."""
    hop = rate_hz // 20
    powers = (late[: len(late) // hop * hop] ** 2).sum(axis=1).reshape(-1, hop).mean(axis=1)
    return 10.0 * math.log10(powers.max() / max(powers[-3:-1].min(), 1e-30)) if len(powers) > 3 else 0.0


def _diffuse_energy(room: Room) -> float:
    """Energy at middle frequencies of the diffuse field's decay, from the late start on."""
    decay_s = float(np.interp(math.log(_MIDDLE_HZ[0] * math.sqrt(2.0)), np.log(room.bands_hz), room.rt60_s))
    rate_per_s = 6.0 * math.log(10.0) / decay_s
    return diffuse_power_density(room) / rate_per_s * math.exp(-rate_per_s * LATE_START_S)


def _energy_in_the_middle(samples: FloatVector, rate_hz: int) -> float:
    """Mean energy density of the channels over the octaves of 500 Hz and 1 kHz, in which halls are compared."""
    spectra = np.abs(np.fft.rfft(samples, axis=0)) ** 2
    first, last = (round(edge_hz * len(samples) / rate_hz) for edge_hz in _MIDDLE_HZ)
    return max(float(spectra[first : last + 1].mean()), 1e-30)


def _read(path: Path) -> tuple[FloatVector, int]:
    """Samples (frames, channels) and rate of a response that can be used."""
    try:
        with soundfile.SoundFile(path) as file:
            rate_hz, channels, frames = file.samplerate, file.channels, file.frames
            if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
                raise SoundError(f"{path}: a rate of {rate_hz} Hz; use {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz")
            if channels > MOST_CHANNELS:
                raise SoundError(f"{path}: {channels} channels; use at most {MOST_CHANNELS}")
            if not SHORTEST_S <= frames / rate_hz <= LONGEST_S:
                raise SoundError(
                    f"{path}: {frames / rate_hz:.2f} s long; an impulse response has {SHORTEST_S:g} to {LONGEST_S:g} s"
                )
            samples = file.read(dtype="float64", always_2d=True)
    except (OSError, soundfile.SoundFileError) as error:
        reason = " ".join(str(error).split())
        raise SoundError(f"{path}: not a readable impulse response ({reason}); give a WAV file") from error
    if not np.isfinite(samples).all():
        raise SoundError(f"{path}: has samples that are not numbers; export the impulse response again")
    if not samples.any():
        raise SoundError(f"{path}: is silent; choose another impulse response")
    return samples, rate_hz


def _without_direct(samples: FloatVector, rate_hz: int) -> FloatVector:
    """What follows the direct sound, from the late start on; sample 0 is the arrival. It ends where noise begins."""
    level = np.abs(samples).max(axis=1)
    arrival = int(np.argmax(level >= level.max() * 10.0 ** (_ONSET_DB / 20.0)))
    late = samples[arrival : arrival + _noise_start(samples[arrival:], rate_hz)].copy()
    times_s = np.arange(len(late)) / rate_hz
    late *= (np.sin(0.5 * np.pi * np.clip((times_s - LATE_START_S) / _FADE_S, 0.0, 1.0)) ** 2)[:, None]
    late *= np.clip((times_s[-1] - times_s) / 0.05, 0.0, 1.0)[:, None]
    return late


def _noise_start(samples: FloatVector, rate_hz: int) -> int:
    """Where the decay sinks into the recording's noise, read from the last tenth; the end, where it does not."""
    hop = max(1, rate_hz // 50)
    powers = (samples[: len(samples) // hop * hop] ** 2).sum(axis=1).reshape(-1, hop).mean(axis=1)
    if len(powers) < 20 or not powers[-2:].any():
        return len(samples)
    tail = powers[-len(powers) // 10 :]
    if tail[: len(tail) // 2].mean() > 2.0 * tail[len(tail) // 2 :].mean():
        return len(samples)  # it is still decaying
    under = np.flatnonzero(powers > tail.mean() * 10.0 ** (_NOISE_MARGIN_DB / 10.0))
    return min(len(samples), (int(under[-1]) + 1) * hop) if under.size else len(samples)
