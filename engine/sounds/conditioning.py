"""Makes a raw recording playable: silence trimmed, loop seamless, decay and level and pitch known."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from .sound_set import LOOP_PADDING, Sample
from .tuning import measure_pitch

Wave = npt.NDArray[np.float32]

MIN_LOOP_S = 0.2
"""Shorter loops are written out several times over."""

_CROSSFADE_S = 0.06
_ALIGNMENT = 12
_ALIGNMENT_WINDOW = 1024
_LONG_LOOP_S = 1.0
"""A loop of this length is no single turn of a vibrato: it may begin and end elsewhere."""
_LONGEST_DECAY_S = 9.0
_DECAY_FLOOR_DB = -66.0
_SILENCE_DB = -60.0
_STROKE_BEGINS_DB = -26.0
"""Below the peak: what a struck or plucked recording has before this is noise of the room and of hands, and would make
the note late."""
_PITCH_TOLERANCE = 0.8
_LEVEL_WINDOW_S = 0.2
_MAX_SUSTAIN_ANALYSIS_S = 2.0


@dataclass(frozen=True, slots=True)
class Recording:
    """A raw note. ``loop_end == loop_start``: no loop. ``decay_s`` is the time of a fall by 100 dB that the player of
    the file would apply (0 = none). ``partials`` as in ``tuning.measure_pitch``, 0 for a sound without pitch. A
    loop longer than ``longest_loop_s`` is cut to it."""

    data: Wave
    rate_hz: float
    nominal_pitch: float
    loop_start: int
    loop_end: int
    decay_s: float
    partials: int
    longest_loop_s: float = 3.0


def condition(recording: Recording) -> Sample:
    """The sample of a recording: trimmed, looped, levelled and tuned."""
    rate_hz = recording.rate_hz
    struck = recording.decay_s > 0.0 or recording.loop_end <= recording.loop_start
    data, removed = _without_lead_in(recording.data, rate_hz, _STROKE_BEGINS_DB if struck else _SILENCE_DB)
    start, end = recording.loop_start - removed, min(recording.loop_end - removed, data.size)
    if recording.decay_s <= 0.0:
        start, end = _shortened_loop(start, end, rate_hz, recording.longest_loop_s)
    looped = seamless_loop(data, start, end, rate_hz) if start >= 0 and end - start >= 8 else None
    if looped is None:
        data = _decaying(data, rate_hz, recording.decay_s) if recording.decay_s > 0.0 else data
        data, start, end = _faded_end(data, rate_hz), 0, 0
    elif recording.decay_s > 0.0:
        seconds = min(_LONGEST_DECAY_S, recording.decay_s * -_DECAY_FLOOR_DB / 100.0)
        unrolled = _unrolled(*looped, length=round(seconds * rate_hz))
        data = _faded_end(_decaying(unrolled, rate_hz, recording.decay_s), rate_hz)
        start = end = 0
    else:
        data, start, end = looped
    steady = _steady_part(data, start, end, rate_hz)
    pitch, vibrato_cents = recording.nominal_pitch, 0.0
    if recording.partials and (measured := measure_pitch(steady, rate_hz, pitch, recording.partials)):
        vibrato_cents = measured.vibrato_cents if end > start else 0.0
        if abs(measured.pitch - pitch) <= _PITCH_TOLERANCE:
            pitch = measured.pitch
    return Sample(
        data=np.ascontiguousarray(data, np.float32),
        rate_hz=rate_hz,
        root_pitch=pitch,
        loop_start=start,
        loop_end=end,
        level_db=sustained_level_db(steady, rate_hz) if end > start else peak_level_db(data, rate_hz),
        vibrato_cents=vibrato_cents,
    )


def seamless_loop(data: Wave, start: int, end: int, rate_hz: float) -> tuple[Wave, int, int] | None:
    """The data up to its loop's end plus padding, with the loop's end faded into what precedes its start.

    The end is first moved by the few samples that make the two most alike. The fade is a tenth of the loop (up to 60
    ms; more would blur a loop of one turn of vibrato) and keeps the power of what it mixes, whether the two are alike
    (a loop of whole periods) or not (an ensemble). Very short loops are repeated to ``MIN_LOOP_S``. None where the loop
    is empty or silent.
    """
    end = _aligned_end(data, start, end)
    loop = data[start:end].astype(np.float64)
    if loop.size < 8 or not np.any(loop):
        return None
    length = int(min(_CROSSFADE_S * rate_hz, loop.size // 10, start))
    if length >= 4:
        incoming = data[start - length : start].astype(np.float64)
        outgoing = loop[-length:]
        fade = 0.5 - 0.5 * np.cos(np.pi * (np.arange(length) + 0.5) / length)
        energy = math.sqrt(float(incoming @ incoming) * float(outgoing @ outgoing))
        likeness = float(incoming @ outgoing) / energy if energy > 0.0 else 1.0
        power = fade**2 + (1.0 - fade) ** 2 + 2.0 * max(0.0, min(1.0, likeness)) * fade * (1.0 - fade)
        loop[-length:] = (fade * incoming + (1.0 - fade) * outgoing) / np.sqrt(power)
    repeats = max(1, math.ceil(MIN_LOOP_S * rate_hz / loop.size))
    whole = np.tile(loop, repeats)
    padding = math.ceil(LOOP_PADDING * whole.size) + 64
    padded = np.concatenate([data[:start], whole, np.resize(whole, padding)]).astype(np.float32)
    return padded, start, start + whole.size


def _aligned_end(data: Wave, start: int, end: int) -> int:
    """The loop's end, moved by up to ``_ALIGNMENT`` samples where what leads up to it is then plainly more like what
    leads up to its start. Single periods are left as they are: their length is their pitch."""
    window = min(start, _ALIGNMENT_WINDOW)
    if window < 64 or end - start < 2 * _ALIGNMENT_WINDOW:
        return end
    before = data[start - window : start].astype(np.float64)
    shifts = np.arange(-_ALIGNMENT, min(_ALIGNMENT, data.size - end) + 1)
    around = np.lib.stride_tricks.sliding_window_view(
        data[end - window - _ALIGNMENT : end + int(shifts[-1])].astype(np.float64), window
    )
    energy = np.sqrt(float(before @ before) * np.sum(around**2, axis=1))
    likeness = (around @ before) / np.maximum(energy, 1e-12)
    best = int(np.argmax(likeness))
    return end + int(shifts[best]) if likeness[best] > likeness[_ALIGNMENT] + 0.02 else end


def _shortened_loop(start: int, end: int, rate_hz: float, longest_s: float) -> tuple[int, int]:
    """A long loop held to what the ear needs, so that an orchestra's sounds fit in memory."""
    if end - start < _LONG_LOOP_S * rate_hz:
        return start, end
    start = min(start, round(0.5 * longest_s * rate_hz))
    return start, min(end, start + round(longest_s * rate_hz))


def sustained_level_db(steady: Wave, rate_hz: float) -> float:
    """K-weighted RMS (ITU-R BS.1770-4) in dB below full scale."""
    return _decibels(float(np.mean(_k_weighted(steady, rate_hz) ** 2)))


def peak_level_db(data: Wave, rate_hz: float) -> float:
    """K-weighted RMS of the loudest 0.2 s."""
    energy = np.concatenate([[0.0], np.cumsum(_k_weighted(data, rate_hz) ** 2)])
    window = min(data.size, round(_LEVEL_WINDOW_S * rate_hz))
    return _decibels(float(np.max(energy[window:] - energy[:-window])) / round(_LEVEL_WINDOW_S * rate_hz))


def _k_weighted(data: Wave, rate_hz: float) -> npt.NDArray[np.float64]:
    import pyloudnorm  # brings all of scipy.signal along, and is not needed where sounds come from the cache

    weighted = data.astype(np.float64)
    for stage in (
        pyloudnorm.IIRfilter(4.0, 1.0 / math.sqrt(2.0), 1500.0, rate_hz, "high_shelf"),
        pyloudnorm.IIRfilter(0.0, 0.5, 38.0, rate_hz, "high_pass"),
    ):
        weighted = scipy.signal.lfilter(stage.b, stage.a, weighted)
    return np.asarray(weighted)


def _decibels(power: float) -> float:
    return 10.0 * math.log10(max(power, 1e-14))


def _steady_part(data: Wave, start: int, end: int, rate_hz: float) -> Wave:
    """A stretch with the note's lasting sound: whole turns of the loop, or what follows a decaying note's peak."""
    if end > start:
        wanted = round(_MAX_SUSTAIN_ANALYSIS_S * rate_hz)
        return np.resize(data[start:end], max(end - start, wanted // (end - start) * (end - start)))
    peak = int(np.argmax(np.abs(data)))
    return data[min(peak + round(0.03 * rate_hz), max(0, data.size - round(0.1 * rate_hz))) :][: round(rate_hz)]


def _without_lead_in(data: Wave, rate_hz: float, begins_db: float) -> tuple[Wave, int]:
    """The data from just before it reaches a level relative to its peak, and how many samples that drops."""
    loudness = np.abs(data)
    heard = int(np.argmax(loudness > loudness.max(initial=0.0) * 10.0 ** (begins_db / 20.0)))
    lead = round(0.003 * rate_hz)
    removed = max(0, heard - lead)
    kept = np.array(data[removed:], np.float32)
    if removed:
        kept[:lead] *= np.linspace(0.0, 1.0, kept[:lead].size, dtype=np.float32)
    return kept, removed


def _decaying(data: Wave, rate_hz: float, decay_s: float) -> Wave:
    fall_db = -100.0 / decay_s * np.arange(data.size) / rate_hz
    return (data * 10.0 ** (fall_db / 20.0)).astype(np.float32)


def _unrolled(data: Wave, start: int, end: int, length: int) -> Wave:
    return np.concatenate([data[:start], np.resize(data[start:end], max(length - start, 0))])[:length]


def _faded_end(data: Wave, rate_hz: float) -> Wave:
    """The data with its last 30 ms faded to zero, and cut where it has long died away."""
    loudness = np.abs(data)
    audible = np.flatnonzero(loudness > loudness.max(initial=0.0) * 10.0 ** ((_DECAY_FLOOR_DB - 6.0) / 20.0))
    end = min(data.size, int(audible[-1]) + round(0.03 * rate_hz)) if audible.size else min(data.size, 64)
    fade = min(end, round(0.03 * rate_hz))
    faded = np.array(data[:end], np.float32)
    faded[end - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    return faded
