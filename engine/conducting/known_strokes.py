"""One conductor's strokes to each beat of the bar, as learned: their shape, and how deep they go."""

import math
from dataclasses import dataclass, field

import numpy as np

from .meter_map import BeatKey
from .strokes import TEMPLATE_BINS, along, resample, shape_distance, spread_learned

SHAPE_WORTH = 1.5
"""How many independent observations the comparison of a stroke with its template counts as."""
UNKNOWN_SHAPE = 2.5
"""Distance from a template not yet learned: between that of the same stroke (about 1) and of another (above 5)."""
UNLIKE, MOST_UNLIKE = 6.0, 8.0
"""Distance of a whole stroke from a part of one, and the largest that counts."""
WHOLE_PART = 0.85
"""What is longer than this part of a stroke is no part of one."""
MOST_STROKE_M = 1.5
USUAL_GAIN, DEPTH_GAIN = 0.2, 0.3
TEMPLATE_MEMORY = 12
DEPTH_SD, USUAL_DEPTH, USUAL_DEPTH_SD = 0.35, 0.8, 0.6
"""How far the logarithm of the depth strays where that beat's is known; and what it is, and strays, where it is not."""


@dataclass(frozen=True, slots=True)
class StrokeTemplate:
    """The learned stroke to one beat of the bar: in even steps of time (None while it was only ever held), and of
    its length (``length_m``). ``spread_m2`` is how much strokes differ from ``timed`` at each step, in the mean of
    squares; None until two are known."""

    count: int
    timed: np.ndarray | None
    shape: np.ndarray
    length_m: float
    spread_m2: np.ndarray | None = None


@dataclass(slots=True)
class KnownStrokes:
    """The strokes of one conductor. ``usual_m`` is the length that they have in the mean; 0: unknown."""

    usual_m: float = 0.0
    templates: dict[BeatKey, StrokeTemplate] = field(default_factory=dict)
    depths: dict[BeatKey, float] = field(default_factory=dict)

    def copy(self) -> "KnownStrokes":
        return KnownStrokes(self.usual_m, dict(self.templates), dict(self.depths))

    def forget(self) -> None:
        """Another hand beats: only the usual length is kept."""
        self.templates.clear()
        self.depths.clear()

    def depth(self, stroke_m: float) -> float:
        """Logarithm of a stroke's length in parts of the usual one."""
        return math.log(max(stroke_m / max(self.usual_m, 1e-3), 0.01))

    def log_depth(self, key: BeatKey, stroke_m: float) -> float:
        """Log density of the depth of the stroke to a beat of the bar."""
        if self.usual_m <= 0.0:
            return 0.0
        off, sd = self._off_depth(key, stroke_m)
        return -0.5 * min(off * off, 18.0) - math.log(sd)

    def log_small(self, key: BeatKey, stroke_m: float) -> float:
        """Log likelihood ratio of so small a stroke to a usual one, to a beat of the bar: 0 where not smaller."""
        if self.usual_m <= 0.0:
            return 0.0
        off, _ = self._off_depth(key, stroke_m)
        return -0.5 * min(min(off, 0.0) ** 2, 18.0)

    def _off_depth(self, key: BeatKey, stroke_m: float) -> tuple[float, float]:
        """How far a stroke's depth is from what is known of it, in standard deviations, and one of these."""
        known = self.depths.get(key)
        middle, sd = (known, DEPTH_SD) if known is not None else (math.log(USUAL_DEPTH), USUAL_DEPTH_SD)
        return (self.depth(stroke_m) - middle) / sd, sd

    def log_shape(
        self, keys: tuple[BeatKey, BeatKey], path: np.ndarray, span_s: tuple[float, float], ahead: int
    ) -> float:
        """Log likelihood (up to a constant) that the way in a span of time is ``ahead`` whole strokes; 0: a part.

        ``keys`` are of the next two beats; ``path`` has rows ``time_s, x, y, z``.
        """
        first, second = (self.templates.get(key) for key in keys)
        way = None if first is None else along(path, *span_s, self.usual_m)
        if first is None or way is None:
            return -0.5 * SHAPE_WORTH * UNKNOWN_SHAPE
        shape, length_m = way
        if ahead == 1:
            likeness = first.shape
        elif ahead == 0:
            part = length_m / first.length_m
            if part > WHOLE_PART:
                return -0.5 * SHAPE_WORTH * UNLIKE
            likeness = _at(
                np.linspace(0.0, part, TEMPLATE_BINS + 1), np.linspace(0.0, 1.0, TEMPLATE_BINS + 1), first.shape
            )
        elif second is None:
            return -2.0
        else:
            likeness = _both(first, second)
        return -0.5 * SHAPE_WORTH * min(shape_distance(shape, likeness, self.usual_m), MOST_UNLIKE)

    def learn(
        self, key: BeatKey, path: np.ndarray, span_s: tuple[float | None, float], stroke_m: float, held: bool
    ) -> float | None:
        """Take a stroke into its template; its distance from what was known, None where nothing was.

        ``span_s`` is from when to when it went (None: unknown), ``held`` whether the beat before it was held.
        """
        gain = USUAL_GAIN if self.usual_m else 1.0
        self.usual_m += gain * (min(stroke_m, MOST_STROKE_M) - self.usual_m)
        depth = math.log(max(stroke_m / max(self.usual_m, 1e-3), 0.05))
        self.depths[key] = self.depths.get(key, depth) + DEPTH_GAIN * (depth - self.depths.get(key, depth))
        since_s, until_s = span_s
        way = None if since_s is None else along(path, since_s, until_s, self.usual_m)
        if since_s is None or way is None:
            return None
        timed = None if held else resample(path, since_s, until_s)
        shape, length_m = way
        old = self.templates.get(key)
        if old is None:
            self.templates[key] = StrokeTemplate(1, timed, shape, length_m)
            return None
        distance = shape_distance(shape, old.shape, self.usual_m)
        gain = 1.0 / min(old.count + 1, TEMPLATE_MEMORY) / max(1.0, distance / 2.0)
        usual, spread_m2 = old.timed, old.spread_m2
        if timed is not None and usual is not None:
            spread_m2 = spread_learned(spread_m2, timed - usual)
        self.templates[key] = StrokeTemplate(
            old.count + 1,
            usual if timed is None else timed if usual is None else usual + gain * (timed - usual),
            old.shape + gain * (shape - old.shape),
            old.length_m + gain * (length_m - old.length_m),
            spread_m2,
        )
        return None if timed is None or usual is None else shape_distance(timed, usual, self.usual_m)


def joined(first: np.ndarray, second: np.ndarray | None) -> np.ndarray:
    """Two templates (or their spreads) in a row, shape ``(3, 2 * TEMPLATE_BINS + 1)``; the first twice where the second
    is unknown."""
    second = first if second is None else second
    assert first.shape[1] == TEMPLATE_BINS + 1
    return np.concatenate([first, second[:, 1:]], axis=1)


def _both(first: StrokeTemplate, second: StrokeTemplate) -> np.ndarray:
    """The shape of two strokes in a row, in even steps of their length."""
    even = np.linspace(0.0, 1.0, TEMPLATE_BINS + 1)
    lengths = np.concatenate([first.length_m * even, first.length_m + second.length_m * even[1:]])
    return _at(np.linspace(0.0, lengths[-1], TEMPLATE_BINS + 1), lengths, joined(first.shape, second.shape))


def _at(places: np.ndarray, known: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """A shape that is known at some places, at others."""
    return np.stack([np.interp(places, known, row) for row in shape])
