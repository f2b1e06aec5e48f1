"""Measurements of a rendered WAV: loudness, true peak, level over time, silence."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyloudnorm
import soundfile
from scipy.signal import resample_poly

LEVEL_STEP_S = 0.1
FLOOR_DB = -100.0


@dataclass(frozen=True, slots=True)
class SoundMeasurement:
    """``loudness_lufs`` is integrated (ITU-R BS.1770-4, gated), None for a silent or very short file;
    ``true_peak_dbfs`` is over four-fold oversampled samples (same standard); ``level_db`` is the RMS of both ears in
    steps of ``LEVEL_STEP_S``."""

    rate_hz: int
    duration_s: float
    loudness_lufs: float | None
    true_peak_dbfs: float
    level_db: np.ndarray
    clipped_samples: int


def measure_wav(path: Path) -> SoundMeasurement:
    """Measure a WAV file; reads it in blocks for the peak, so that long files fit in memory."""
    samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    step = int(LEVEL_STEP_S * rate_hz)
    whole = len(samples) // step * step
    power = (samples[:whole].reshape(-1, step, samples.shape[1]).astype(np.float64) ** 2).mean(axis=(1, 2))
    level_db = 10.0 * np.log10(np.maximum(power, 10.0 ** (FLOOR_DB / 10.0)))
    loudness = None
    if len(samples) > 0.5 * rate_hz and level_db.max(initial=FLOOR_DB) > -70.0:
        measured = float(pyloudnorm.Meter(rate_hz).integrated_loudness(samples.astype(np.float64)))
        loudness = measured if np.isfinite(measured) else None
    return SoundMeasurement(
        rate_hz=rate_hz,
        duration_s=len(samples) / rate_hz,
        loudness_lufs=loudness,
        true_peak_dbfs=_true_peak_dbfs(samples, rate_hz),
        level_db=level_db,
        clipped_samples=int((np.abs(samples) >= 1.0).sum()),
    )


def _true_peak_dbfs(samples: np.ndarray, rate_hz: int) -> float:
    peak = 0.0
    margin = 64
    block = 20 * rate_hz
    for start in range(0, len(samples), block):
        piece = samples[max(0, start - margin) : start + block + margin]
        peak = max(peak, float(np.abs(resample_poly(piece, 4, 1, axis=0)).max(initial=0.0)))
    return 20.0 * float(np.log10(max(peak, 1e-9)))
