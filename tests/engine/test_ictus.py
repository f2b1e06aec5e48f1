"""Cleaning the baton's poses, and finding icti in them."""

import math

import numpy as np
import pytest

from tutti.engine.conducting.gesture import GestureFilter
from tutti.engine.conducting.ictus import IctusDetector
from tutti.engine.types import Beat, Pose, TempoEstimate

PLAYING = TempoEstimate(0.0, 0, 0.0, 0.8, 0.8, 1.0)


def beating(rate_hz: float, period_s: float = 0.8, size_m: float = 0.3, noise_m: float = 0.0, length_s: float = 20.0):
    random = np.random.default_rng(1)
    times = np.arange(0.0, length_s, 1.0 / rate_hz) + random.uniform(0, 0.2 / rate_hz, int(np.ceil(length_s * rate_hz)))
    height = 1.1 - 0.5 * size_m * np.cos(2 * np.pi * times / period_s) + noise_m * random.standard_normal(len(times))
    return [Pose(t, "baton", (0.1, y, -0.4)) for t, y in zip(times.tolist(), height.tolist(), strict=True)]


def detect(poses, tempo=PLAYING) -> list[Beat]:
    detector = IctusDetector()
    return [beat for pose in poses if (beat := detector.step(pose, tempo)) is not None]


@pytest.mark.parametrize("rate_hz", [15, 30, 60, 120, 500, 1000])
@pytest.mark.parametrize("size_m", [0.08, 0.3, 0.8])
def test_every_lowest_point_once_and_on_time(rate_hz, size_m):
    noise_m = 0.002 if size_m < 0.1 else 0.004
    beats = detect(beating(rate_hz, size_m=size_m, noise_m=noise_m))
    truth = 0.8 * np.arange(1, 25)
    assert len(beats) == pytest.approx(24, abs=1)
    errors = [min(abs(beat.time_s - truth)) for beat in beats]
    assert np.median(errors) < (0.025 if rate_hz < 30 else 0.015)
    assert max(errors) < 0.08


def test_the_future_is_not_used():
    poses = beating(60)
    beats = detect(poses)
    assert beats == detect(poses[: len(poses) // 2]) + [
        b for b in beats if b.detected_s > poses[len(poses) // 2 - 1].time_s
    ]
    assert all(0.0 < beat.detected_s - beat.time_s < 0.15 for beat in beats)


def test_a_still_noisy_hand_gives_no_ictus():
    random = np.random.default_rng(2)
    poses = [Pose(n / 60, "baton", tuple(1 + 0.003 * random.standard_normal(3))) for n in range(3600)]
    assert detect(poses) == []
    assert detect(poses, None) == []


def test_leaving_rest_upwards_is_the_preparatory_beat():
    rest = [Pose(n / 60, "baton", (0, 1.0, 0)) for n in range(60)]
    lift = [Pose(1 + n / 60, "baton", (0, 1.0 + 0.3 * math.sin(math.pi * n / 48) ** 2, 0)) for n in range(49)]
    rebound = [Pose(1.81 + n / 60, "baton", (0, 1.0 + 0.01 * n, 0)) for n in range(10)]
    up, down = detect(rest + lift + rebound, None)
    assert up.beat_index == -1
    assert up.time_s == pytest.approx(1.0, abs=0.1)
    assert down.time_s == pytest.approx(1.8, abs=0.03)


def test_bad_samples_bring_nothing():
    cleaner = GestureFilter()
    assert cleaner.step(Pose(0.0, "baton", (0, 1, 0))) is not None
    for bad in (
        Pose(0.02, "baton", (math.nan, 1, 0)),
        Pose(0.02, "baton", (0, math.inf, 0)),
        Pose(math.nan, "baton", (0, 1, 0)),
        Pose(0.02, "baton", (0, 1, 0), valid=False),
        Pose(-1.0, "baton", (0, 1, 0)),
        Pose(0.0, "baton", (0, 1, 0)),
        Pose(0.02, "baton", (5, 9, 3)),
    ):
        assert cleaner.step(bad) is None, bad
    assert cleaner.step(Pose(0.03, "baton", (0, 1.01, 0))) is not None


def test_a_lasting_teleport_is_believed_and_a_gap_is_told():
    cleaner = GestureFilter()
    cleaner.step(Pose(0.0, "baton", (0, 1, 0)))
    found = [cleaner.step(Pose(0.02 * n, "baton", (9, 1, 0))) for n in range(1, 20)]
    assert found[0] is None
    assert found[-1] is not None and found[-1].position_m[0] == pytest.approx(9.0)
    late = cleaner.step(Pose(3.0, "baton", (9, 1, 0)))
    assert late is not None and late.gap_s == pytest.approx(3.0 - 0.38)


def test_smoothing_keeps_the_time():
    cleaner = GestureFilter()
    samples = [s for n in range(600) if (s := cleaner.step(Pose(n / 100, "baton", (0, 0.5 * n / 100, 0)))) is not None]
    for sample in samples[100:]:
        assert sample.position_m[1] == pytest.approx(0.5 * sample.time_s, abs=2e-3)
