"""A head as filters: the field between its measured directions (``hrtf_interpolation``), equalised so that sound from
everywhere arrives without colour (diffuse field), each response made a minimum-phase part and a delay (Kulkarni,
Isabelle and Colburn, JASA 105, 1999: listeners do not hear the difference).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from .hrtf_interpolation import BETWEEN, HeadField, MeasuredField, Neighbours
from .hrtf_sets import HrirSet, solid_angles
from .hrtf_sphere import unit_vectors

FILTER_TAPS = 160
"""Length of the minimum-phase part at 48 kHz (3.3 ms)."""
MEASURED_HEAD_M = 0.0875
"""Radius of the sphere whose differences of arrival KEMAR has (Algazi, Avendano and Duda, JAES 49, 2001)."""
_ANALYSIS = 2048
_WINDOW_S = 256 / 48000
"""How much of a response is analysed, from shortly before the earliest onset on."""
_HIGHEST_HZ = 17500.0


@dataclass(frozen=True, slots=True, eq=False)
class HeadFilters:
    """Minimum-phase ``filters`` (directions, 2 ears, taps) float32 and their ``delays`` in samples (directions, 2),
    less a common one, float32 too, as they are kept."""

    filters: npt.NDArray[np.float32]
    delays: npt.NDArray[np.float32]


def ring_filters(
    hrirs: HrirSet, azimuths_deg: npt.NDArray[np.float64], elevations_deg: npt.NDArray[np.float64], rate_hz: int
) -> HeadFilters:
    """For every azimuth of every elevation, a ring of elevation after the other. Takes some seconds."""
    head = _Equaliser.of(hrirs, rate_hz)
    taps = FILTER_TAPS * rate_hz // 48000
    count = len(azimuths_deg)
    filters = np.empty((len(elevations_deg) * count, 2, taps), np.float32)
    delays = np.empty((len(filters), 2), np.float32)
    for number, field in enumerate(head.field.rings(azimuths_deg, elevations_deg)):
        ring = slice(number * count, (number + 1) * count)
        wanted_deg = np.stack([azimuths_deg, np.full(count, elevations_deg[number])], axis=1)
        filters[ring], delays[ring] = head.filters(field, unit_vectors(wanted_deg))
    return HeadFilters(filters, delays)


def filters_and_delays(
    hrirs: HrirSet, wanted_deg: npt.NDArray[np.float64], rate_hz: int, head_radius_m: float | None = None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Equalised minimum-phase responses (m, 2 ears, taps) and their delays in samples (m, 2), less a common one, for
    directions (m, 2) of azimuth and elevation; those of a head of ``head_radius_m`` (see ``grown``)."""
    head, wanted = _Equaliser.of(hrirs, rate_hz), unit_vectors(wanted_deg)
    filters, delays = head.filters(head.field.towards(wanted), wanted)
    return filters, delays if head_radius_m is None else grown(delays, filters, rate_hz, head_radius_m)


def grown(
    delays: npt.NDArray[np.float64], filters: npt.NDArray[np.floating], rate_hz: int, head_radius_m: float
) -> npt.NDArray[np.float64]:
    """Delays (m, 2) of filters (m, 2, taps), for a larger or smaller head than was measured.

    Differences of arrival grow with ``head_radius_m`` over the measured head's (``MEASURED_HEAD_M``), as those of a
    sphere do (Woodworth; Middlebrooks, JASA 106, 1999, for scaling by size); spectra stay the measured head's.
    """
    growth, size = head_radius_m / MEASURED_HEAD_M, 512
    leads = _low_delays(scipy.fft.rfft(filters, size, axis=-1), rate_hz / size) * rate_hz
    # minimum phase itself carries a fifth of the difference
    return np.asarray(delays * growth + (leads - leads.mean(axis=1, keepdims=True)) * (growth - 1.0), np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Equaliser:
    """A measured head, and what its filters are made with: the ``diffuse`` field's magnitude by frequency."""

    field: MeasuredField
    diffuse: npt.NDArray[np.float64]
    rate_hz: int

    @classmethod
    def of(cls, hrirs: HrirSet, rate_hz: int) -> "_Equaliser":
        spectra, step_hz = _measured_spectra(hrirs, rate_hz)
        diffuse = np.sqrt(np.einsum("d,dek->k", solid_angles(hrirs.directions_deg), np.abs(spectra) ** 2) / 2.0)
        field = MeasuredField(spectra, unit_vectors(hrirs.directions_deg), step_hz, _HIGHEST_HZ)
        return cls(field, diffuse, rate_hz)

    def filters(
        self, field: HeadField, wanted: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Filters (m, 2, taps) and delays in samples (m, 2) of the field in the directions ``wanted`` (m, 3)."""
        filters = _minimum_phase(_equalised(field.magnitudes, self.diffuse, self.field.step_hz, self.rate_hz))
        if field.waves is None:
            onsets = _onset_delays(scipy.fft.irfft(self.field.spectra, axis=-1), self.rate_hz)
            delays = Neighbours.of(self.field.known, wanted).mean(onsets)
        else:
            low = scipy.fft.rfft(filters, axis=-1)[..., : field.waves.shape[-1]]
            delays = _low_delays(field.waves * low.conj(), self.field.step_hz) * self.rate_hz
        taps = FILTER_TAPS * self.rate_hz // 48000
        filters = filters[..., :taps]
        _fade_out(filters, taps // 4)
        return filters, delays


def _fade_out(responses: npt.NDArray[np.float64], samples: int) -> None:
    """Let the last samples of responses (..., taps) fade, in place."""
    responses[..., -samples:] *= 0.5 + 0.5 * np.cos(np.pi * np.arange(1, samples + 1) / samples)


def _minimum_phase(magnitudes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Minimum-phase responses of magnitude spectra (..., n // 2 + 1), by the real cepstrum (Oppenheim and Schafer)."""
    size = 2 * (magnitudes.shape[-1] - 1)
    cepstrum = scipy.fft.irfft(np.log(np.maximum(magnitudes, 1e-6)), axis=-1)
    window = np.zeros(size)
    window[0] = window[size // 2] = 1.0
    window[1 : size // 2] = 2.0
    return np.asarray(scipy.fft.irfft(np.exp(scipy.fft.rfft(cepstrum * window, axis=-1)), axis=-1), np.float64)


def _measured_spectra(hrirs: HrirSet, rate_hz: int) -> tuple[npt.NDArray[np.complex128], float]:
    """Spectra (n, 2 ears, bins) of ``_WINDOW_S`` of the responses, with what they are late by in their phase, and how
    far bins are apart in Hz."""
    responses = scipy.signal.resample_poly(hrirs.responses, rate_hz, round(hrirs.rate_hz), axis=-1)
    size = 2 * round(_WINDOW_S * rate_hz / 2.0)
    level = np.abs(responses)
    begun = level > 0.1 * level.max(axis=-1, keepdims=True)
    first = max(0, int(begun.argmax(axis=-1).min()) - size // 16)
    if responses.shape[-1] > first + size:
        responses = responses[..., : first + size].copy()
        _fade_out(responses, size // 8)
    responses = responses[..., first:]
    spectra = scipy.fft.rfft(responses, BETWEEN * size, axis=-1)
    step_hz = rate_hz / (BETWEEN * size)
    if hrirs.delays is not None:
        late_s = (hrirs.delays - hrirs.delays.min()) / hrirs.rate_hz
        spectra *= np.exp(-2j * np.pi * step_hz * np.arange(spectra.shape[-1]) * late_s[..., None])
    return np.asarray(spectra, np.complex128), step_hz


def _equalised(
    magnitudes: npt.NDArray[np.float64], diffuse: npt.NDArray[np.float64], step_hz: float, rate_hz: int
) -> npt.NDArray[np.float64]:
    """Magnitudes divided by those of the diffuse field, and level below 200 Hz.

    A response of 3 ms says nothing about lower frequencies, where a head hardly changes the sound.
    """
    frequencies_hz = np.asarray(np.arange(len(diffuse)) * step_hz, np.float64)
    audible = diffuse[(frequencies_hz > 200.0) & (frequencies_hz < 15000.0)]
    equalised = np.asarray(magnitudes / np.clip(diffuse, audible.min(), audible.max()), np.float64)
    first = int(np.searchsorted(frequencies_hz, 200.0))
    equalised[..., :first] = equalised[..., first : first + 1]
    last = int(np.searchsorted(frequencies_hz, _highest_hz(rate_hz)))
    equalised[..., last:] = equalised[..., last - 1 : last]
    return np.asarray(equalised * _below_nyquist(frequencies_hz, rate_hz), np.float64)


def _highest_hz(rate_hz: int) -> float:
    """Above, the measurement ends or the rate does; and so, gently, do the filters."""
    return min(_HIGHEST_HZ, 0.44 * rate_hz)


def _below_nyquist(frequencies_hz: npt.NDArray[np.float64], rate_hz: int) -> npt.NDArray[np.float64]:
    """A fade of 40 dB to half the rate: what is left there would ring round the FFT at a fractional delay."""
    highest_hz = _highest_hz(rate_hz)
    over = np.clip((frequencies_hz - highest_hz) / (0.49 * rate_hz - highest_hz), 0.0, 1.0)
    return np.asarray(0.01 + 0.99 * np.cos(0.5 * np.pi * over) ** 2, np.float64)


def _low_delays(spectra: npt.NDArray[np.complex128], step_hz: float) -> npt.NDArray[np.float64]:
    """Delays in seconds of spectra (..., bins) from 0.3 to 1.5 kHz, where listeners go by them most (Wightman and
    Kistler, JASA 91, 1992): the slope of phase over frequency, each frequency counting with its power."""
    bins = np.arange(round(300.0 / step_hz), round(1500.0 / step_hz) + 1)
    radians_per_s = 2.0 * np.pi * step_hz * bins
    weights = np.abs(spectra[..., bins]) * radians_per_s
    phases = np.unwrap(np.angle(spectra[..., bins]), axis=-1)
    return np.asarray(-(weights * phases).sum(axis=-1) / (weights * radians_per_s).sum(axis=-1), np.float64)


def _onset_delays(responses: npt.NDArray[np.float64], rate_hz: int) -> npt.NDArray[np.float64]:
    """Delay of each response in samples: where it correlates best with its own minimum-phase version below 3 kHz."""
    factor, size, at_once = 8, 4096, 64  # in portions: the oversampled correlations of all would fill 400 MB
    low_pass = 1.0 / (1.0 + (np.arange(size // 2 + 1) * rate_hz / size / 3000.0) ** 8)
    delays = []
    for portion in np.split(responses, range(at_once, len(responses), at_once)):
        natural = scipy.fft.rfft(portion, size, axis=-1)
        minimum = scipy.fft.rfft(_minimum_phase(np.abs(scipy.fft.rfft(portion, _ANALYSIS, axis=-1))), size, axis=-1)
        correlation = scipy.fft.irfft(natural * minimum.conj() * low_pass, size * factor, axis=-1)
        delays.append(correlation[..., : size * factor // 4].argmax(axis=-1) / factor)
    return np.concatenate(delays)
