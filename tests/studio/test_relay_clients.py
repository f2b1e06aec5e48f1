"""What one viewer may send, and what its clock is believed."""

import math
import random

import pytest

from tutti.studio.relay.relay_clients import (
    BYTES_PER_S,
    MAX_AHEAD_S,
    MAX_SAMPLE_AGE_S,
    MESSAGES_PER_S,
    ClockMap,
    RateLimit,
    binary_frame,
)


def test_frames_are_those_of_the_library() -> None:
    from websockets.frames import Frame, Opcode

    for size in (0, 1, 125, 126, 65_535, 65_536, 100_000):
        data = bytes(size)
        assert binary_frame(data) == Frame(Opcode.BINARY, data).serialize(mask=False)


def test_a_steady_rate_passes_for_ever_and_a_flood_does_not() -> None:
    steady = RateLimit(0.0)
    assert all(steady.allows(60, count / (0.95 * MESSAGES_PER_S)) for count in range(1, 20_000))
    flood = RateLimit(0.0)
    passed = next(count for count in range(10_000) if not flood.allows(60, count / (10 * MESSAGES_PER_S)))
    assert 2 * MESSAGES_PER_S < passed < 3 * MESSAGES_PER_S


def test_bytes_are_limited_too() -> None:
    limit = RateLimit(0.0)
    passed = next(count for count in range(10_000) if not limit.allows(16_000, count / MESSAGES_PER_S))
    assert passed < 3 * BYTES_PER_S / 16_000


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    limit = RateLimit(1000.0)
    for count in range(int(2 * MESSAGES_PER_S) + 1):
        allowed = limit.allows(1, 1000.0 - count)
    assert not allowed


@pytest.mark.parametrize("delay_s", [0.002, 0.15])
def test_stamps_keep_their_spacing_through_jitter(delay_s: float) -> None:
    rng = random.Random(1)
    clock = ClockMap()
    offset_s = 5000.0
    errors = []
    for count in range(500):
        stamp = 10.0 + 0.01 * count
        arrival = stamp + offset_s + delay_s + rng.expovariate(1 / 0.02)
        (time_s,) = clock.to_session([stamp], offset_s + 0.001, arrival)
        if count > 50:
            errors.append(time_s - (stamp + offset_s))
    assert max(map(abs, errors)) < 0.0015


@pytest.mark.parametrize("claimed_s", [0.0, -1e300, 1e300, 4999.0, 5001.0])
def test_a_nonsense_offset_is_replaced_by_arrival(claimed_s: float) -> None:
    clock = ClockMap()
    for count in range(100):
        stamp = 0.01 * count
        (time_s,) = clock.to_session([stamp], claimed_s, stamp + 5000.03)
        assert time_s == pytest.approx(stamp + 5000.03, abs=0.002)


def test_hostile_stamps_stay_near_their_arrival_and_never_run_back() -> None:
    rng = random.Random(2)
    clock = ClockMap()
    latest = -math.inf
    for count in range(2000):
        arrival = 100.0 + 0.01 * count
        stamps = [rng.choice([-1e308, 1e308, 0.0, rng.uniform(-1e6, 1e6)]) for _ in range(3)]
        for time_s in clock.to_session(stamps, rng.choice([0.0, 1e308, -1e308]), arrival):
            assert arrival - MAX_SAMPLE_AGE_S <= time_s <= arrival
            assert time_s >= latest
            latest = time_s


@pytest.mark.parametrize("lead_s", [0.02, 0.06])
def test_what_a_headset_predicts_keeps_its_time(lead_s: float) -> None:
    """Poses are sent before the moment they are true; what is more than some pictures ahead is not believed."""
    rng = random.Random(3)
    clock = ClockMap()
    errors = []
    for count in range(500):
        stamp = 10.0 + count / 72
        arrival = stamp - lead_s + 5000.0 + 0.003 + rng.expovariate(1 / 0.004)
        (time_s,) = clock.to_session([stamp], 5000.001, arrival, ahead_s=MAX_AHEAD_S)
        errors.append(time_s - (stamp + 5000.0))
    assert max(map(abs, errors)) < 0.0015
    (time_s,) = clock.to_session([stamp + 3.0], 5000.001, arrival, ahead_s=MAX_AHEAD_S)
    assert time_s <= arrival + MAX_AHEAD_S


def test_a_clock_that_runs_slow_is_followed() -> None:
    clock = ClockMap()
    errors = []
    for count in range(60_000):
        session = 0.05 * count
        stamp = session * (1 - 2e-4)
        (time_s,) = clock.to_session([stamp], session - stamp, session + 0.005)
        errors.append(abs(time_s - session))
    assert max(errors) < 0.01


def test_a_clock_that_was_set_is_believed_again_at_once() -> None:
    clock = ClockMap()
    errors = []
    for count in range(300):
        session = 50.0 + 0.01 * count
        stamp = 1e9 if count == 100 else session - (30.0 if count < 200 else 45.0)
        (time_s,) = clock.to_session([stamp], session - stamp, session + 0.003)
        errors.append(abs(time_s - session))
    assert max(errors) < 0.01
