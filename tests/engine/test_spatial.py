from dataclasses import replace

import numpy as np
import pytest

from tutti.engine.audio.hrtf import HrtfGrid, load_grid
from tutti.engine.audio.reflections import ReflectionMix
from tutti.engine.audio.spatial import SourceField, SpatialStage, StreamRing, fft_size_for

RATE_HZ = 48000


@pytest.fixture(scope="module")
def grid() -> HrtfGrid:
    return load_grid(RATE_HZ, 512)


def field(grid: HrtfGrid, azimuths_deg, delays, gains=1.0) -> SourceField:
    azimuths = np.radians(np.asarray(azimuths_deg, float))
    count = len(azimuths)
    response = np.ones((count, grid.fft_size // 2 + 1), np.float32) * np.float32(gains)
    rows = np.arange(count, dtype=np.int32)
    return SourceField(rows, np.asarray(delays, np.int32), grid.index(azimuths, np.zeros(count)), response)


def test_rows_that_turn_sooner_sound_the_same(grid: HrtfGrid) -> None:
    noise = np.zeros((3, 30 * 256), np.float32)
    noise[0] = np.random.default_rng(2).standard_normal(noise.shape[1])
    nobody, far = np.zeros(2, np.int32), np.array([700, 2000], np.int32)
    mix = ReflectionMix(nobody, np.array([1, 2], np.int32), far, np.array([0.5, 0.25], np.float32))
    place = replace(field(grid, [10.0, 60.0, -60.0], [0, 0, 0]), mix=mix)
    heard = [
        run(SpatialStage(grid, 256), ring, noise, {0: place}.items())
        for ring in (StreamRing(3, 4096, 256), StreamRing(3, 4096, 256, 2, grid.fft_size))
    ]
    assert np.abs(heard[0]).max() > 0.1
    assert np.array_equal(heard[0], heard[1])


def run(stage: SpatialStage, ring: StreamRing, streams: np.ndarray, fields=()) -> np.ndarray:
    """Render streams (rows, samples); ``fields`` maps a block's number to where the sources go then."""
    block, out = ring.block, []
    for number in range(streams.shape[1] // block):
        ring.advance()
        start = ring.position % ring.samples.shape[1]
        part = streams[:, number * block : (number + 1) * block]
        sounding = part.any(axis=1)
        ring.samples[sounding, start : start + block] += part[sounding]
        ring.last_active[part.any(axis=1)] = ring.position + block
        if number in dict(fields):
            stage.place(dict(fields)[number])
        out.append(stage.process(ring))
    return np.concatenate(out, axis=1)


@pytest.mark.parametrize("block", [64, 128, 256])
def test_a_source_is_convolved_with_its_head_response(grid: HrtfGrid, block: int) -> None:
    noise = np.random.default_rng(1).standard_normal((2, 8 * 256)).astype(np.float32)
    delays, azimuths = [0, 777], [40.0, -100.0]
    place = field(grid, azimuths, delays, 0.5)
    heard = run(SpatialStage(grid, block), StreamRing(2, 1024 + 512, block), noise, {0: place}.items())
    expected = np.zeros((2, noise.shape[1] + 2048))
    for source in range(2):
        spectra = grid.spectra[place.direction[source]]
        responses = np.fft.irfft(spectra[:, 0] + 1j * spectra[:, 1], axis=-1)
        for ear in range(2):
            sound = np.convolve(0.5 * noise[source], responses[ear])
            expected[ear, delays[source] : delays[source] + len(sound)] += sound
    error = heard - expected[:, : heard.shape[1]]
    assert np.sqrt((error**2).mean() / (heard**2).mean()) < 1e-5


@pytest.mark.parametrize("azimuth_deg", [0.0, 60.0, 90.0, -135.0])
def test_a_tone_has_no_ticks_at_the_seams_of_blocks(grid: HrtfGrid, azimuth_deg: float) -> None:
    """A steady tone obeys x[n + 1] + x[n − 1] = 2 cos ω x[n]; what rings round the FFT would break that."""
    tone = np.sin(2 * np.pi * 440.0 * np.arange(RATE_HZ // 4) / RATE_HZ).astype(np.float32)[None, :]
    places = {0: field(grid, [azimuth_deg], [0])}
    heard = run(SpatialStage(grid, 128), StreamRing(1, 1024, 128), tone, places.items())[:, 2000:].astype(float)
    for ear in heard:
        broken = ear[2:] + ear[:-2] - 2.0 * np.cos(2 * np.pi * 440.0 / RATE_HZ) * ear[1:-1]
        assert np.abs(broken).max() < 1e-5 * np.abs(ear).max()


def test_sources_that_circle_do_not_click(grid: HrtfGrid) -> None:
    tone = np.sin(2 * np.pi * 500.0 * np.arange(RATE_HZ) / RATE_HZ).astype(np.float32)[None, :]
    circle = {number: field(grid, [4.0 * number], [0]) for number in range(180)}
    heard = run(SpatialStage(grid, 256), StreamRing(1, 512, 256), tone, circle.items())[:, 2000:]
    bend = np.abs(np.diff(heard, n=2)).max() / (2 * np.pi * 500.0 / RATE_HZ) ** 2
    assert bend < 2.0 * np.abs(heard).max()  # 750 degrees a second; a click would bend the curve a hundred times more


def test_a_moved_delay_crossfades(grid: HrtfGrid) -> None:
    tone = np.sin(2 * np.pi * 500.0 * np.arange(RATE_HZ // 2) / RATE_HZ).astype(np.float32)[None, :]
    jumps = {number: field(grid, [0.0], [40 * (number % 2)]) for number in range(0, 90, 3)}
    heard = run(SpatialStage(grid, 256), StreamRing(1, 1024, 256), tone, jumps.items())[:, 2000:]
    assert np.abs(np.diff(heard, n=2)).max() / (2 * np.pi * 500.0 / RATE_HZ) ** 2 < 1.5 * np.abs(heard).max()


def test_silence_is_silent_and_late_delays_still_sound(grid: HrtfGrid) -> None:
    streams = np.zeros((2, 40 * 256), np.float32)
    streams[1, 100] = 1.0
    heard = run(SpatialStage(grid, 256), StreamRing(2, 6000, 256), streams, {0: field(grid, [0, 0], [0, 5000])}.items())
    loud = np.flatnonzero(np.abs(heard[0]) > 1e-3)
    assert loud[0] >= 5100 and loud[-1] < 5100 + grid.taps
    assert not heard[:, :4800].any() and not heard[:, 5100 + 1024 :].any()


def test_a_grid_too_short_for_the_block_is_refused(grid: HrtfGrid) -> None:
    with pytest.raises(ValueError, match="too short"):
        SpatialStage(grid, 512)
    assert [fft_size_for(block) for block in (64, 256, 512, 1024)] == [512, 512, 1024, 2048]


def test_what_is_added_beyond_the_block_is_kept_and_no_more() -> None:
    ring = StreamRing(1, 100, 16)
    for number in range(200):
        ring.advance()
        start, length = ring.position, ring.samples.shape[1]
        expected = 0.0 if number == 0 else 3.0
        assert (ring.samples[0, (start + np.arange(16)) % length] == expected).all()
        ring.samples[0, (start + 16 + np.arange(16)) % length] += 3.0
