"""Where a hand turns or comes to rest."""

import numpy as np
import pytest

from tutti.engine.conducting.gesture import GestureFilter
from tutti.engine.conducting.turns import Turn, TurnDetector
from tutti.engine.types import Pose

LANDS_S, LEAVES_S = 1.0, 2.0


def turns(aside_m: np.ndarray, times_s: np.ndarray) -> list[Turn]:
    """Turns of a hand that falls and moves aside."""
    smooth, detector = GestureFilter(), TurnDetector()
    found = []
    for time_s, aside in zip(times_s.tolist(), aside_m.tolist(), strict=True):
        sample = smooth.step(Pose(time_s, "baton", (aside, 1.2 - aside, -0.4), None))
        turn = None if sample is None else detector.step(sample, 0.05)
        if turn is not None:
            found.append(turn)
    return found


def way(times_s: np.ndarray, *strokes: tuple[float, float]) -> np.ndarray:
    """Strokes of 0.3 s, each from a time on and of a length, that begin and end slowly; two others come first."""
    phase = [np.clip((times_s - begin_s) / 0.3, 0.0, 1.0) for begin_s in (0.1, 0.4, *(begin for begin, _ in strokes))]
    lengths_m = (0.3, -0.3, *(length_m for _, length_m in strokes))
    return sum(length * 0.5 * (1.0 - np.cos(np.pi * part)) for length, part in zip(lengths_m, phase, strict=True))


def test_a_hand_that_lands_and_stays_is_told_once_and_turns_when_it_leaves():
    times_s = np.arange(0.0, LEAVES_S + 0.3, 1 / 90)
    there = way(times_s, (LANDS_S - 0.3, 0.3), (LEAVES_S, -0.3))
    landed, left = turns(there, times_s)[-2:]
    assert landed.stays
    assert landed.time_s == pytest.approx(LANDS_S, abs=0.08)
    assert landed.known_s < LANDS_S + 0.25
    assert landed.rise > 0.5
    assert not left.stays


def test_a_hand_that_turns_without_rest_does_not_stay():
    times_s = np.arange(0.0, LANDS_S + 0.3, 1 / 90)
    found = turns(way(times_s, (LANDS_S - 0.3, 0.3), (LANDS_S, -0.3)), times_s)
    assert found[-1].time_s == pytest.approx(LANDS_S, abs=0.05)
    assert not any(turn.stays for turn in found)


def test_small_movements_do_not_land():
    times_s = np.arange(0.0, LEAVES_S, 1 / 90)
    found = turns(way(times_s, (LANDS_S, 0.03)), times_s)
    assert not any(turn.stays for turn in found if turn.time_s > LANDS_S)
