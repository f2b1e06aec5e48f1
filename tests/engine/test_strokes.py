"""What an unfinished stroke tells of its end."""

import numpy as np
import pytest

from tutti.engine.conducting import strokes
from tutti.engine.conducting.known_strokes import joined
from tutti.engine.conducting.strokes import TEMPLATE_BINS, DurationPosterior, spread_learned, steadiness

PHASES = np.linspace(0.0, 1.0, TEMPLATE_BINS + 1)
STROKE_M = 0.3
USUAL_S = 1.0


def stroke(phases: np.ndarray) -> np.ndarray:
    """A stroke up and down again that goes to the right, shape ``(3, n)``; the next one is like it."""
    whole = phases % 1.0
    return np.stack([0.15 * phases, STROKE_M * np.sin(np.pi * whole) ** 2, np.zeros_like(phases)])


TEMPLATE = joined(stroke(PHASES), stroke(PHASES) + np.array([[0.15], [0.0], [0.0]]))


def end_s(times: np.ndarray, way: np.ndarray, steady: np.ndarray | None = None) -> float:
    """When the stroke is expected to end after the hand went this way, ``(3, n)``, from 0 s on."""
    posterior = DurationPosterior(TEMPLATE, 0.0, USUAL_S, STROKE_M, 0.03, steady)
    for time_s, (x, y, z) in zip(times.tolist(), way.T.tolist(), strict=True):
        posterior.add(time_s, (x, y, z))
    return posterior.estimate(float(times[-1]))[0]


@pytest.mark.parametrize("length_s", [0.7, 1.0, 1.5])
def test_an_evenly_stretched_stroke_tells_its_end(length_s):
    times = np.arange(0.02, 0.7 * length_s, 0.02)
    assert end_s(times, stroke(times / length_s)) == pytest.approx(length_s, rel=0.04)


def test_what_the_hand_did_last_tells_the_end_better_than_how_it_began(monkeypatch):
    times = np.arange(0.02, 0.9, 0.02)
    began_astray = stroke(times / 1.1) + np.outer([0.0, 0.08, 0.0], np.exp(-0.5 * ((times - 0.2) / 0.08) ** 2))
    off_s = abs(end_s(times, began_astray) - 1.1)
    monkeypatch.setattr(strokes, "MEMORY", 100.0)
    assert off_s < 0.75 * abs(end_s(times, began_astray) - 1.1)


def test_places_where_strokes_are_alike_tell_more():
    """This conductor's strokes wander sideways, and their height is always the same."""
    random = np.random.default_rng(3)

    def aside(phases: np.ndarray) -> np.ndarray:
        return np.outer([0.08, 0.0, 0.0], np.sin(3.0 * phases + random.uniform(0.0, 6.0)))

    spread_m2 = None
    for _ in range(8):
        spread_m2 = spread_learned(spread_m2, aside(PHASES))
    assert spread_m2 is not None
    steady = steadiness(joined(spread_m2, None), 8)
    assert steady.shape == TEMPLATE.shape
    assert steady[1].min() > 5.0 * steady[0].max()
    np.testing.assert_array_equal(steadiness(joined(spread_m2, None), 1), 1.0)

    times = np.arange(0.02, 0.7, 0.02)
    ways = [stroke(times / 1.2) + aside(times / 1.2) for _ in range(8)]
    off_s, known_s = (np.mean([abs(end_s(times, way, known) - 1.2) for way in ways]) for known in (None, steady))
    assert known_s < 0.6 * off_s
