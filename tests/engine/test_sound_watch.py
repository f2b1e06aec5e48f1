"""What is told of the sound while it plays."""

import math
from dataclasses import replace

import numpy as np
import pytest

from tutti.engine.audio.audio_ring import MOST_SECTIONS, AudioRing, AudioStatus
from tutti.engine.audio.master import true_peak_db
from tutti.engine.audio.metering import SectionLevel
from tutti.engine.audio.sound_watch import SoundWatch, level_of, peak_around_highest_db

STATUS = AudioStatus("playing", "JACK dummy", "", 0, 1000, 0.3, 0.5, 0.021, 12, 0.0, 0, True, 48000)
LEVELS = (SectionLevel("Violins I", -12.0, -24.0), SectionLevel("Horns", -40.0, -52.0))


class Sound:
    """A tone of 997 Hz at −20 dB relative to full scale in both channels."""

    rate_hz = 48000

    def __init__(self) -> None:
        self.now_s = 0.0
        self.told = STATUS

    def status(self) -> AudioStatus:
        return self.told

    def section_levels(self) -> tuple[SectionLevel, ...]:
        return LEVELS

    def read_since(self, index: int) -> tuple[int, np.ndarray]:
        time_s = np.arange(index, int(self.now_s * self.rate_hz)) / self.rate_hz
        tone = 0.1 * np.sin(2.0 * np.pi * 997.0 * time_s)
        return index, np.stack([tone, tone], axis=1).astype(np.float32)


def test_device_levels_and_loudness_are_told_some_times_a_second() -> None:
    sound = Sound()
    watch = SoundWatch(sound)
    readings = []
    for step in range(500):
        sound.now_s = 0.01 * step
        readings.append(watch.look(sound.now_s))
    told = [reading for reading in readings if reading is not None]
    assert 20 <= len(told) <= 25  # five times a second
    last = told[-1]
    assert last.line == "JACK dummy, 21 ms, 0 missed" and last.warning == ""
    # ITU-R BS.1770-5: a tone of 997 Hz at −20 dBFS in two channels is −20 LKFS (−23.01 − 0.691 + 3.01 + 0.691)
    assert last.loudness_lufs == pytest.approx(-20.0, abs=0.1)
    assert last.true_peak_db == pytest.approx(-20.0, abs=0.1)
    assert level_of(last.sections, frozenset({"Horns", "Violins I"})) == (-12.0, -24.0)
    assert level_of(last.sections, frozenset({"Oboes"})) == (-math.inf, -math.inf)


def test_missed_blocks_warn_and_are_forgotten() -> None:
    sound = Sound()
    watch = SoundWatch(sound)
    watch.look(0.0)
    sound.told = replace(STATUS, xruns=3)
    missed = watch.look(1.0)
    assert missed is not None and missed.line.endswith("3 missed")
    assert missed.warning == "The sound had 3 gaps: close other programs, or start with --latency safe"
    for second in range(2, 13):
        sound.now_s, reading = float(second), watch.look(float(second))
    assert reading is not None and reading.warning == "" and reading.missed == 3


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (replace(STATUS, load=0.95), "95 %"),
        (replace(STATUS, state="failed", message="the sounds are broken"), "the sounds are broken"),
        (replace(STATUS, state="restarting", message="the audio process stalled"), "comes back by itself"),
    ],
)
def test_what_is_wrong_is_said(status: AudioStatus, words: str) -> None:
    sound = Sound()
    sound.told = status
    reading = SoundWatch(sound).look(0.0)
    assert reading is not None and words in reading.warning
    sound.told = replace(STATUS, state="no device", xruns=9)
    quiet = SoundWatch(sound).look(0.0)
    assert quiet is not None and quiet.warning == ""  # nobody hears here what was missed


def test_the_true_peak_is_found_near_the_highest_sample() -> None:
    rng = np.random.default_rng(3)
    for _ in range(5):
        noise = rng.normal(0.0, 0.1, (9600, 2)).astype(np.float32)
        assert peak_around_highest_db(noise) == pytest.approx(true_peak_db(noise), abs=1.5)  # white: the hardest
    between = np.sin(np.pi / 2.0 * np.arange(960) + np.pi / 4.0)[:, None].repeat(2, axis=1)  # 3 dB over its samples
    assert peak_around_highest_db(between.astype(np.float32)) > -0.7
    assert peak_around_highest_db(np.zeros((0, 2), np.float32)) == -math.inf


def test_levels_cross_to_other_processes() -> None:
    ring = AudioRing.create(48000)
    try:
        reader = AudioRing.attach(ring.name)
        assert reader.levels().shape == (0, 2)
        ring.set_levels(np.array([(-12.0, -24.0), (-np.inf, -np.inf)], np.float32))
        assert reader.levels().tolist() == [[-12.0, -24.0], [-math.inf, -math.inf]]
        ring.set_levels(np.zeros((MOST_SECTIONS + 9, 2), np.float32))
        assert len(reader.levels()) == MOST_SECTIONS
        reader.close()
    finally:
        ring.close()
