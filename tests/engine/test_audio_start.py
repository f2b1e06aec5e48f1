"""What the audio process need not wait for when it starts."""

import subprocess
import sys

import numpy as np
from audio_support import RATE_HZ, small_room

from tutti.engine.audio.hrtf import load_grid
from tutti.engine.audio.reverb import load_late_response
from tutti.engine.audio.room import late_response
from tutti.engine.audio.spectral_sum import SpectralSum

SLOW = ("scipy.signal", "scipy.fft", "scipy.ndimage", "scipy.spatial", "scipy.stats", "h5py", "pyloudnorm", "music21")
"""Slow to import, and needed only where something is not in the cache yet."""
START = f"""
import sys
import tutti.engine.audio.audio_worker, tutti.engine.sounds.sound_build
print([name for name in {SLOW!r} if name in sys.modules])
sys.path[:] = sys.argv[1:]
from test_audio_start import sum_once
sum_once()
from tutti.engine.audio.spectral_sum import _sum_spectra
print(sum(_sum_spectra.stats.cache_misses.values()))
"""


def sum_once() -> None:
    heads = load_grid(RATE_HZ, 512).spectra
    one = np.zeros(1, np.int32)
    filters = (one, np.ones((1, 257), np.float32), None)
    samples, active = np.ones((1, 2048), np.float32), np.array([600])
    assert SpectralSum(heads).add(samples, np.full(len(samples), 2048), active, 600, one, one, one, (filters,))


def test_nothing_slow_is_imported_or_compiled_again(request) -> None:
    sum_once()  # whoever is first compiles
    paths = [str(request.path.parent), *sys.path]
    done = subprocess.run([sys.executable, "-c", START, *paths], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "0"]


def test_a_hall_is_computed_once(tmp_path) -> None:
    room = small_room(0.3)
    expected = late_response(room, RATE_HZ, 5)
    assert np.array_equal(load_late_response(room, RATE_HZ, 5, tmp_path), expected)
    (file,) = tmp_path.iterdir()
    mapped = load_late_response(room, RATE_HZ, 5, tmp_path)
    assert np.array_equal(mapped, expected) and not mapped.flags.writeable
    assert not np.array_equal(load_late_response(room, RATE_HZ, 6, tmp_path)[: len(expected)], expected)
    file.write_bytes(file.read_bytes()[:500])  # a disk that was full
    assert np.array_equal(load_late_response(room, RATE_HZ, 5, tmp_path), expected)
