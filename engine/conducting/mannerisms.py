"""Conductors drawn at random, as different from each other as people are, and what they do besides beating.

For tests, benchmarks and training: a tracker that follows all of these was not fitted to one way of beating. The
ranges are wider than the middle of what is seen on the podium, on purpose.
"""

from dataclasses import replace

import numpy as np

from .beat_figures import USUAL_PERIOD_S, Manner, Profile, Style
from .random_motion import wandering

MEASURED_LAG = (0.247, 0.120, 0.117, 0.021)
"""Seconds behind the music on the beats of a bar of four, of one motion-captured conductor."""

SMALLEST_M, LARGEST_M = 0.05, 0.8
"""Height of the first beat's stroke, from a finger's to a whole arm's."""
MANNERS: dict[Manner, float] = {"standard": 0.5, "focal": 0.15, "sideways": 0.17, "horizontal": 0.09, "upward": 0.09}
"""How often each manner is drawn."""
PROFILES: dict[Profile, float] = {"swing": 0.5, "minimum_jerk": 0.2, "power_law": 0.3}
SMOOTH: dict[Profile, float] = {"spring": 0.65, "spline": 0.35}
"""How often each way of a smooth hand is drawn. Springs are the more like people: recorded hands slow down at their
icti as springs do, splines and planned strokes more (``tutti bench hands`` prints by how much)."""


def random_style(random: np.random.Generator) -> Style:
    """A conductor drawn at random: figure, size, shape, timing and body, each independent of the others."""
    chance = random.random
    manner: Manner = random.choice(list(MANNERS), p=list(MANNERS.values()))
    profile: Profile = random.choice(list(PROFILES), p=list(PROFILES.values()))
    size_m = float(np.exp(random.uniform(np.log(SMALLEST_M), np.log(LARGEST_M))))
    seated, mirror = chance() < 0.3, chance() < 0.25
    round_hand = chance() < 0.25
    rise = float(random.uniform(0.25, 0.6) if chance() < 0.2 else random.uniform(0.7, 1.2))
    side = float(random.uniform(-0.05, 0.25)) * (-1.0 if mirror else 1.0)
    style = Style(
        size_m=size_m,
        bounce=0.0 if round_hand else float(random.uniform(0.0, 1.0)),
        mirror=mirror,
        variation=float(random.uniform(0.03, 0.25)),
        sway_m=float(min(random.uniform(0.003, 0.06), 0.4 * size_m)) * (0.5 if seated else 1.0),
        flourish=float(random.choice([0.0, random.uniform(0.05, 0.4)], p=[0.75, 0.25])),
        lean=float(np.exp(random.normal(0.0, 0.2))),
        preparation=random.choice(["lift", "dip"]),
        hold=random.choice(["still", "slow", "low"]),
        centre_m=(side, float(random.uniform(0.75, 1.0) if seated else random.uniform(0.95, 1.35)), -0.42),
        manner=manner,
        profile=profile,
        grouping=((), (2, 3), (3, 2), (2, 2, 3), (3, 2, 2))[random.integers(5)],
        slant_deg=float(random.normal(0.0, 12.0)),
        plane_deg=(float(random.normal(0.0, 15.0)), float(random.normal(0.0, 12.0))),
        spread=float(random.uniform(0.5, 1.6)),
        rise=max(rise, SMALLEST_M / size_m),
        roundness=float(random.uniform(0.5, 1.0) * random.choice([-1.0, 1.0])) if round_hand else 0.0,
    )
    return _with_timing(_with_habits(style, random), random)


def smooth_style(style: Style, random: np.random.Generator, profile: Profile | None = None) -> Style:
    """The same person with a hand that moves as one curve, of a way that is drawn if ``profile`` does not say it.

    Strokes that leave the ictus level have none to be seen then: no corner marks it, and the hand turns less there than
    any that was recorded (``tutti bench hands``). They beat sideways instead.
    """
    drawn: Profile = random.choice(list(SMOOTH), p=list(SMOOTH.values()))
    return replace(style, profile=profile or drawn, manner="sideways" if style.manner == "horizontal" else style.manner)


def plain_style(random: np.random.Generator) -> Style:
    """A conductor drawn at random whose beat is plain, of any size and shape: for what is not about the following."""
    return replace(
        random_style(random),
        size_m=float(np.exp(random.uniform(np.log(0.15), np.log(0.6)))),
        manner="standard",
        rise=1.0,
        spread=1.0,
        slant_deg=0.0,
        subdivided=0.0,
        neglect=0.0,
        hesitation=0.0,
        double_bounce=0.0,
        stray=0.0,
    )


def _with_habits(style: Style, random: np.random.Generator) -> Style:
    """What a minority of conductors does: rebounds, standstills, hints, subdivisions."""

    def sometimes(probability: float, low: float, high: float) -> float:
        value = float(random.uniform(low, high))
        return value if random.random() < probability else 0.0

    return replace(
        style,
        double_bounce=sometimes(0.3, 0.1, 0.85),
        rebound_phase=float(random.uniform(0.22, 0.42)),
        linger=sometimes(0.2, 0.1, 0.4),
        dwell=sometimes(0.15, 0.05, 0.2),
        hesitation=sometimes(0.15, 0.02, 0.1),
        neglect=sometimes(0.15, 0.02, 0.08),
        subdivision=int(random.choice([2, 3], p=[0.8, 0.2])),
        subdivided=float(random.choice([0.0, 0.3, 1.0], p=[0.85, 0.1, 0.05])),
        left_hand=random.choice(["joins", "mirrors", "rests"]),
    )


def _with_timing(style: Style, random: np.random.Generator) -> Style:
    """When the hand is at its icti: a pattern of lags of the person's own, its drift, and noise."""
    kind = random.random()
    if kind < 0.25:
        lags_s = np.array(MEASURED_LAG)
    elif kind < 0.5:
        lags_s = np.full(4, random.uniform(0.0, 0.3))
    else:
        lags_s = random.uniform(0.0, 0.3, 4)
    first, second, middle, last = (lags_s / USUAL_PERIOD_S).tolist()
    return replace(
        style,
        lag=1.0,
        lag_pattern=(first, second, middle, last),
        lag_tempo=float(random.choice([0.0, 0.5, 1.0])),
        lag_drift_s=float(random.choice([0.0, random.uniform(0.01, 0.04)])),
        jitter_s=float(random.uniform(0.004, 0.03)),
        jitter_colour=float(random.choice([0.0, random.uniform(0.5, 1.2)])),
        stray=float(random.choice([0.0, random.uniform(0.01, 0.06)], p=[0.7, 0.3])),
    )


FIDGETS = ("talk", "scratch", "page", "point", "restart", "lower")
"""What hands do that do not conduct: gesticulate, scratch the head, turn a page, point at somebody, begin to prepare
and think better of it, sink and come up again."""


def fidgets(times: np.ndarray, span_s: tuple[float, float], random: np.random.Generator) -> np.ndarray:
    """Displacement of a hand that does things other than beating within the span, shape ``(n, 3)``; nothing outside.

    Acts of 1 to 6 s follow each other with pauses of up to 1.5 s; each starts and ends where the hand was.
    """
    moved = np.zeros((len(times), 3))
    begin = span_s[0]
    while begin < span_s[1] - 0.8:
        end = min(begin + float(random.uniform(1.0, 6.0)), span_s[1])
        kind = FIDGETS[random.integers(len(FIDGETS))]
        inside = (times >= begin) & (times < end)
        moved[inside] = _fidget(kind, times[inside] - begin, end - begin, random)
        begin = end + float(random.uniform(0.0, 1.5))
    return moved


def _fidget(kind: str, times: np.ndarray, length_s: float, random: np.random.Generator) -> np.ndarray:
    """Displacement during one act, ``times`` counted from its start."""
    if kind == "talk":
        return (
            random.uniform(0.03, 0.15) * _there_and_back(times, length_s, 0.5) * wandering(times, random, 3, (0.5, 3.0))
        )
    if kind == "scratch":
        itch = 0.015 * np.sin(2 * np.pi * random.uniform(3.0, 5.0) * times)[:, None] * np.array([0.3, 1.0, 0.2])
        reach = _there_and_back(times, length_s, 0.7)
        return reach * (np.array([-0.05, 0.45, 0.2]) + itch * (reach > 0.95))
    if kind == "page":
        sweep = np.sin(np.pi * np.clip((times / length_s - 0.3) / 0.5, 0.0, 1.0) - 0.5 * np.pi)[:, None]
        arc = 0.1 * (1.0 - sweep**2) * np.array([0.0, 1.0, 0.0])
        reach = _there_and_back(times, length_s, 0.5)
        return reach * (np.array([-0.1, -0.15, -0.05]) + 0.18 * sweep * np.array([1.0, 0.0, 0.0]) + arc)
    if kind == "point":
        aim = np.array([random.uniform(-0.3, 0.3), random.uniform(0.0, 0.2), -0.3])
        return _there_and_back(times, length_s, 0.3) * aim
    if kind == "restart":
        lift = random.uniform(0.08, 0.25) * random.choice([-0.6, 1.0])
        up, down = 0.45, min(1.2, length_s - 0.45)
        height = np.where(times < up, np.sin(0.5 * np.pi * times / up) ** 2, 0.0)
        sinking = np.cos(0.5 * np.pi * np.clip((times - up) / down, 0.0, 1.0)) ** 2
        return lift * np.where(times < up, height, sinking)[:, None] * np.array([0.1, 1.0, 0.0])
    return _there_and_back(times, length_s, min(0.8, 0.4 * length_s)) * np.array([0.05, -random.uniform(0.2, 0.5), 0.1])


def _there_and_back(times: np.ndarray, length_s: float, reach_s: float) -> np.ndarray:
    """0 at both ends, 1 between, moving for ``reach_s``; shape ``(n, 1)``."""
    reach_s = min(reach_s, 0.5 * length_s)
    part = np.clip(np.minimum(times, length_s - times) / reach_s, 0.0, 1.0)
    return (part**2 * (3.0 - 2.0 * part))[:, None]
