"""Measures the true pitch of a recorded note.

The note's pitch is roughly known (its header says so); what is wanted is by how many cents the player or the header was
off. Short frames, so that vibrato is followed and not smeared, are transformed; in each the partials nearest to the
harmonics are located by parabolic interpolation of the log spectrum (J. O. Smith, "Spectral Audio Signal Processing",
2011, section on quadratic interpolation), and the frames' estimates are averaged over time.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..units import pitch_to_hz

SEARCH_CENTS = 80.0
"""How far from the expected pitch a partial is looked for."""

_PERIODS_PER_FRAME = 10
_PERIODS_PER_STRUCK_FRAME = 40
"""No vibrato to follow, but neighbouring modes to keep apart."""
_MIN_FRAME_S = 0.02
_MAX_FRAMES = 64
_MIN_TONALITY = 0.35
_MIN_TONALITY_INHARMONIC = 0.04
"""Part of a frame's energy that must lie in the partials for the frame to count; in bells and drums, where the pitch is
one mode among many, less is asked."""
_FUNDAMENTAL_ONLY_FROM = 76
"""From this pitch up a string that is plucked or struck is tuned by its fundamental: its stiffness spreads the rest."""
_MAX_SPREAD_CENTS = 40.0


@dataclass(frozen=True, slots=True)
class PitchMeasurement:
    """``pitch`` is a MIDI number with decimals; ``vibrato_cents`` the peak deviation of its slow variation;
    ``tonality`` (0–1) the part of the energy that its partials explain."""

    pitch: float
    vibrato_cents: float
    tonality: float


def measure_pitch(
    data: npt.NDArray[np.float32], rate_hz: float, expected_pitch: float, partials: int = 8
) -> PitchMeasurement | None:
    """The pitch of a steady or decaying note near ``expected_pitch`` (MIDI number); None where it has none.

    ``partials`` is how many harmonics may be trusted to be harmonic: 1 for bars, bells and drums, 3 for plucked and
    struck strings, 8 for bowed and blown sounds.
    """
    expected_hz = pitch_to_hz(expected_pitch)
    periods = _PERIODS_PER_FRAME if partials > 3 else _PERIODS_PER_STRUCK_FRAME
    frame = int(max(periods / expected_hz, _MIN_FRAME_S) * rate_hz)
    if partials <= 3:
        frame = min(frame, max(data.size, int(_PERIODS_PER_FRAME / expected_hz * rate_hz)))
    if expected_hz * 1.1 > rate_hz / 2.0 or data.size < frame:
        return None
    spectra, resolution_hz = _frame_spectra(data, rate_hz, frame)
    count = max(1, min(partials, int(0.45 * rate_hz / expected_hz)))
    if partials <= 3 and expected_pitch >= _FUNDAMENTAL_ONLY_FROM:
        count = 1
    floor = _MIN_TONALITY_INHARMONIC if count == 1 and partials <= 3 else _MIN_TONALITY
    first = _frame_pitches(spectra, resolution_hz, rate_hz / frame, expected_hz, count, SEARCH_CENTS, floor)
    coarse_hz = _weighted_median(first.hz, first.weight)
    if coarse_hz is None:
        return None
    refined = _frame_pitches(spectra, resolution_hz, rate_hz / frame, coarse_hz, count, SEARCH_CENTS / 1.5, floor)
    explained = float(refined.weight.sum())
    if explained <= 0.0 or explained < 0.8 * floor * refined.energy:
        return None
    cents = 1200.0 * np.log2(np.where(refined.weight > 0.0, refined.hz, coarse_hz) / coarse_hz)
    weight = refined.weight if partials <= 3 else _even(refined.weight)
    mean = float((cents * weight).sum() / weight.sum())
    spread = math.sqrt(float(((cents - mean) ** 2 * weight).sum() / weight.sum()))
    if spread > _MAX_SPREAD_CENTS:
        return None
    pitch = 69.0 + 12.0 * math.log2(coarse_hz / 440.0) + mean / 100.0
    return PitchMeasurement(pitch, spread * math.sqrt(2.0), explained / refined.energy)


@dataclass(frozen=True, slots=True)
class _FramePitches:
    hz: npt.NDArray[np.float64]
    weight: npt.NDArray[np.float64]
    """Energy of a frame's partials, zero for a frame without pitch."""
    energy: float
    """Energy of all frames."""


def _frame_spectra(data: npt.NDArray[np.float32], rate_hz: float, frame: int) -> tuple[npt.NDArray[np.float64], float]:
    """Power spectra (frames × bins, four times zero-padded, Hann) and the width of a bin in Hz."""
    count = max(1, min(_MAX_FRAMES, 1 + (data.size - frame) // max(1, frame // 4)))
    starts = np.linspace(0, data.size - frame, count).astype(np.int64)
    frames = np.lib.stride_tricks.sliding_window_view(data, frame)[starts].astype(np.float64)
    size = 1 << (4 * frame - 1).bit_length()
    return np.abs(np.fft.rfft(frames * np.hanning(frame), size, axis=1)) ** 2, rate_hz / size


def _frame_pitches(
    spectra: npt.NDArray[np.float64],
    resolution_hz: float,
    bandwidth_hz: float,
    centre_hz: float,
    count: int,
    search_cents: float,
    min_tonality: float,
) -> _FramePitches:
    """The fundamental of each frame, from up to ``count`` partials near the harmonics of ``centre_hz``."""
    rows = np.arange(spectra.shape[0])
    total = spectra[:, int(0.5 * centre_hz / resolution_hz) :].sum(axis=1)
    numerator = np.zeros(rows.size)
    denominator = np.zeros(rows.size)
    explained = np.zeros(rows.size)
    ratio = 2.0 ** (search_cents / 1200.0) - 1.0
    cumulative = np.concatenate([np.zeros((rows.size, 1)), np.cumsum(spectra, axis=1)], axis=1)
    for harmonic in range(1, count + 1):
        reach_hz = min(harmonic * centre_hz * ratio, 0.45 * centre_hz)
        low = max(1, int((harmonic * centre_hz - reach_hz) / resolution_hz))
        high = min(spectra.shape[1] - 1, math.ceil((harmonic * centre_hz + reach_hz) / resolution_hz) + 1)
        if high - low < 3:
            continue
        peak = low + spectra[:, low:high].argmax(axis=1)
        inside = (peak > low) & (peak < high - 1)
        around = np.log(np.stack([spectra[rows, peak + shift] for shift in (-1, 0, 1)]) + 1e-30)
        curvature = around[0] - 2.0 * around[1] + around[2]
        shift = np.where(curvature < 0.0, 0.5 * (around[0] - around[2]) / np.minimum(curvature, -1e-12), 0.0)
        hz = (peak + np.clip(shift, -0.5, 0.5)) * resolution_hz / harmonic
        lobe = round(2.0 * bandwidth_hz / resolution_hz)
        upper, lower = np.minimum(peak + lobe + 1, spectra.shape[1]), np.maximum(peak - lobe, 0)
        energy = cumulative[rows, upper] - cumulative[rows, lower]
        weight = np.where(inside, np.sqrt(spectra[rows, peak]) * min(harmonic, 4), 0.0)
        numerator += weight * hz
        denominator += weight
        explained += np.where(inside, energy, 0.0)
    tonal = (denominator > 0.0) & (explained > min_tonality * total)
    hz = np.where(tonal, numerator / np.maximum(denominator, 1e-30), 0.0)
    return _FramePitches(hz, np.where(tonal, explained, 0.0), float(total.sum()))


def _even(weight: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The same weight for all frames that sound: loudness goes with a vibrato's pitch, and the ear takes the middle."""
    return np.where(weight > 0.1 * np.median(weight[weight > 0.0]), 1.0, 0.0)


def _weighted_median(values: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]) -> float | None:
    total = float(weights.sum())
    if total <= 0.0:
        return None
    order = np.argsort(values)
    middle = int(np.searchsorted(np.cumsum(weights[order]), 0.5 * total))
    return float(values[order][min(middle, values.size - 1)])
