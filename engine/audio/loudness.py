"""Loudness: how loud an ensemble will be before it has played, and how loud a programme was."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import scipy

from ..applause import INSTRUMENT as APPLAUSE
from ..instruments import catalogue
from ..sounds.sound_set import REFERENCE_LEVEL_DB
from ..types import PlayerPlacement
from .pyo_block import FloatArray
from .room import Room, diffuse_power_density
from .source_field import AT_PODIUM, NEAREST_M, Listener

LARGEST_GAIN_DB = 14.0
SMALLEST_GAIN_DB = -24.0
SHORT_TERM_S, HOP_S = 3.0, 0.1
_MIDDLE_HZ = 700.0
"""Between the octaves of 500 Hz and 1 kHz, by whose reverberation halls are compared."""


def ensemble_lufs(placements: Sequence[PlayerPlacement], room: Room, listener: Listener = AT_PODIUM) -> float:
    """Loudness at the podium, or another seat, when everyone holds a note at velocity 90, before any gain; −inf where
    nobody is.

    Players add as powers; each is heard directly (6 dB less for twice the distance), by the first reflections (about
    as much again as the nearest walls send) and by the diffuse field, in two ears (ITU-R BS.1770: channels add).
    """
    middle_s = float(np.interp(math.log(_MIDDLE_HZ), np.log(room.bands_hz), room.rt60_s))
    late = diffuse_power_density(room) * middle_s / (6.0 * math.log(10.0))
    power = 0.0
    for placement in placements:
        distance_m = max(NEAREST_M, math.dist(placement.position_m, (*listener.position_m[:2], 0.0)))
        level_db = REFERENCE_LEVEL_DB + catalogue()[placement.instrument].level_db
        power += 10.0 ** (level_db / 10.0) * (1.0 / distance_m**2 + late)
    return -0.691 + 10.0 * math.log10(2.0 * power) if power else -math.inf


def programme_gain_db(
    placements: Sequence[PlayerPlacement], room: Room, loudness_lufs: float, listener: Listener = AT_PODIUM
) -> float:
    """Gain that brings the ensemble's forte to ``loudness_lufs`` at a seat, the same for a whole performance. The
    audience is no part of the ensemble."""
    ensemble = [placement for placement in placements if placement.instrument != APPLAUSE]
    return max(SMALLEST_GAIN_DB, min(LARGEST_GAIN_DB, loudness_lufs - ensemble_lufs(ensemble, room, listener)))


def with_applause_held(
    placements: Sequence[PlayerPlacement], room: Room, listener: Listener, most_lufs: float
) -> list[PlayerPlacement]:
    """The same with an audience whose applause, before any gain, is no louder than ``most_lufs`` at a seat: a hall
    claps far louder than a quartet plays, and the seat may be among those who clap."""
    audience = [placement for placement in placements if placement.instrument == APPLAUSE]
    over_db = max(0.0, ensemble_lufs(audience, room, listener) - most_lufs)
    return [
        replace(placement, gain_db=placement.gain_db - over_db) if placement.instrument == APPLAUSE else placement
        for placement in placements
    ]


class LoudnessMeter:
    """Integrated loudness of a stereo programme, piece by piece (ITU-R BS.1770-5, annex 1). One thread.

    The K-weighting is the recommendation's two filters, designed for any rate as in Brecht De Man, "Evaluation of
    implementations of the EBU R128 loudness measurement" (AES 145, 2018).
    """

    def __init__(self, rate_hz: int, last_s: float | None = None) -> None:
        """``last_s``: only so much of the end is remembered, however long the programme."""
        self._sections = k_weighting(rate_hz)
        self._states = np.zeros((2, 2, 2))
        self._hop = round(HOP_S * rate_hz)
        self._open_power, self._open_count = 0.0, 0
        self._hops: deque[float] = deque(maxlen=None if last_s is None else round(last_s / HOP_S))

    def add(self, stereo: FloatArray) -> None:
        """The next piece, (samples, 2), of any length."""
        if not len(stereo):
            return
        weighted, self._states = scipy.signal.sosfilt(self._sections, stereo, axis=0, zi=self._states)
        powers = (weighted**2).sum(axis=1)
        while powers.size:
            part, powers = np.split(powers, [self._hop - self._open_count])
            self._open_power += float(part.sum())
            self._open_count += part.size
            if self._open_count == self._hop:
                self._hops.append(self._open_power / self._hop)
                self._open_power, self._open_count = 0.0, 0

    @property
    def short_term_lufs(self) -> float:
        """Loudness of the last 3 s, ungated (EBU Tech 3341); of what there is before that; −inf in silence."""
        hops = list(self._hops)[-round(SHORT_TERM_S / HOP_S) :]
        power = float(np.mean(hops)) if hops else 0.0
        return -0.691 + 10.0 * math.log10(power) if power > 1e-12 else -math.inf

    @property
    def integrated_lufs(self) -> float:
        """Loudness so far, without what is under the gates; −inf where nothing is above them."""
        if len(self._hops) < 4:
            return -math.inf
        blocks = np.convolve(self._hops, np.full(4, 0.25), "valid")  # 0.4 s that overlap by three quarters
        heard = blocks[blocks > 10.0 ** ((-70.0 + 0.691) / 10.0)]
        if not heard.size:
            return -math.inf
        heard = heard[heard > 0.1 * heard.mean()]  # 10 LU below the mean of what is above the absolute gate
        return -0.691 + 10.0 * math.log10(heard.mean())


def k_weighting(rate_hz: int) -> FloatArray:
    """The filters of ITU-R BS.1770-5 for a rate, as second-order sections (2, 6)."""
    return np.stack([_high_shelf(rate_hz), _high_pass(rate_hz)])


def _high_shelf(rate_hz: int) -> FloatArray:
    """+4 dB above 1.7 kHz: what a head does."""
    k = math.tan(math.pi * 1681.974450955533 / rate_hz)
    q, high = 0.7071752369554196, 10.0 ** (3.999843853973347 / 20.0)
    band = high**0.4996667741545416
    a0 = 1.0 + k / q + k * k
    b = [(high + band * k / q + k * k) / a0, 2.0 * (k * k - high) / a0, (high - band * k / q + k * k) / a0]
    return np.array([*b, 1.0, 2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0])


def _high_pass(rate_hz: int) -> FloatArray:
    """Nothing below 38 Hz."""
    k = math.tan(math.pi * 38.13547087602444 / rate_hz)
    q = 0.5003270373238773
    a0 = 1.0 + k / q + k * k
    return np.array([1.0, -2.0, 1.0, 1.0, 2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0])
