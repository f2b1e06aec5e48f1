"""The figures that conductors draw, and a conductor's manner of drawing them.

Places are in the tracking frame (Y up), for a conductor who faces −Z; angles count from the right (0°) over up (90°).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

LAG_OF_BEAT = (0.30, 0.145, 0.14, 0.025)
"""Lag of the hand's lowest point behind the music in beat periods, on the beats of a bar of four. From a
motion-captured conductor at 58–87 BPM: 247, 120, 117 and 21 ms."""

LONGEST_LAG_PERIOD_S = 0.9
"""The lag stops growing with the beat period here: nobody is late by a second in a slow movement."""

USUAL_PERIOD_S = 0.8
"""The beat period at which ``LAG_OF_BEAT`` was measured."""

Grouping = tuple[int, ...]

FIGURES: dict[Grouping, tuple[tuple[float, float], ...]] = {
    (1,): ((0.0, 0.0),),
    (2,): ((0.0, 0.0), (0.22, 0.06)),
    (3,): ((0.0, 0.0), (0.42, 0.04), (0.20, 0.14)),
    (4,): ((0.0, 0.0), (-0.40, 0.04), (0.45, 0.05), (0.10, 0.20)),
    (3, 2): ((0.0, 0.0), (-0.28, 0.02), (-0.48, 0.06), (0.42, 0.05), (0.10, 0.20)),
    (2, 3): ((0.0, 0.0), (-0.42, 0.04), (0.28, 0.02), (0.48, 0.06), (0.10, 0.20)),
    (6,): ((0.0, 0.0), (-0.22, 0.02), (-0.44, 0.06), (0.32, 0.03), (0.54, 0.08), (0.10, 0.22)),
    (3, 4): ((0.0, 0.0), (-0.22, 0.02), (-0.44, 0.06), (0.20, 0.03), (0.38, 0.05), (0.56, 0.08), (0.10, 0.22)),
    (2, 2, 3): ((0.0, 0.0), (0.06, 0.03), (-0.40, 0.04), (-0.32, 0.07), (0.42, 0.04), (0.50, 0.08), (0.10, 0.22)),
    (3, 2, 2): ((0.0, 0.0), (-0.20, 0.02), (-0.42, 0.05), (0.36, 0.03), (0.46, 0.06), (0.16, 0.16), (0.08, 0.22)),
}
"""Places of the icti (right, up) in units of the stroke's size, for a right-handed conductor, by the bar's groups."""

USUAL_GROUPING: dict[int, Grouping] = {1: (1,), 2: (2,), 3: (3,), 4: (4,), 5: (3, 2), 6: (6,), 7: (3, 4)}

Manner = Literal["standard", "focal", "sideways", "horizontal", "upward"]
"""Where the hand comes from and goes to at an ictus: down to it and up (standard); the same with every ictus at one
place (focal point); struck in from the side, where the figure goes sideways; struck sideways only, forth and back;
given upwards, the ictus at the top."""

Profile = Literal["swing", "minimum_jerk", "power_law", "spline", "spring"]
"""How speed is spread over a stroke. ``swing``: sines, fastest at the ictus where ``bounce`` is large;
``minimum_jerk``: two reaches that start and end at rest (Flash & Hogan, Journal of Neuroscience 5, 1985);
``power_law``: slower where the way is more curved, speed ∝ curvature^(−1/3) (Lacquaniti, Terzuolo & Viviani, Acta
Psychologica 54, 1983). ``spline``: a smooth curve through the icti and the person's own tops; ``spring``: the hand
hangs on a damped spring whose other end jumps from one of these points to the next (after Feldman's equilibrium points,
Journal of Motor Behavior 18, 1986). The latter two have no corner anywhere, and no stroke is quite like the others."""
SMOOTH_PROFILES: tuple[Profile, ...] = ("spline", "spring")


@dataclass(frozen=True, slots=True)
class Style:
    """How a conductor beats. Lengths in metres, times in seconds, parts of the stroke or the beat without unit."""

    size_m: float = 0.32
    """Height of the stroke to the first beat at mezzo-forte."""
    bounce: float = 0.5
    """0: round, legato; 1: a sharp click at the ictus."""
    mirror: bool = False
    """A mirror image: the figure of a left-handed conductor."""
    lag: float = 0.7
    """How far the hand follows ``lag_of_beat``; 0 is exactly with the music."""
    jitter_s: float = 0.018
    """Standard deviation of the ictus about its place."""
    variation: float = 0.12
    """Relative variation of the stroke's size from beat to beat."""
    sway_m: float = 0.02
    """Slow wandering of the whole figure."""
    double_bounce: float = 0.0
    """Depth of a second, false ictus after each real one, relative to the stroke; from 0.8 as deep as the first."""
    flourish: float = 0.0
    """Probability that a beat has a small dip at its top."""
    lean: float = 1.0
    """Where in the beat the top is: below 1 early (lingering fall), above 1 late (sudden fall)."""
    preparation: Literal["lift", "dip"] = "lift"
    """Preparatory beat: lifted out of stillness, or given with an ictus of its own."""
    hold: Literal["still", "slow", "low", "fidget"] = "still"
    """Long beats: the hand stands at the top of the stroke; rises slowly to it; stays low and prepares what follows
    anew; stands, and the conductor fidgets meanwhile."""
    centre_m: tuple[float, float, float] = (0.12, 1.05, -0.42)
    """Where the ictus of the first beat is."""
    manner: Manner = "standard"
    profile: Profile = "swing"
    grouping: Grouping = ()
    """How a bar of five or seven is grouped, e.g. (2, 3); other bars, and (), the usual way."""
    slant_deg: float = 0.0
    """Every stroke turned by this, counter-clockwise as the conductor sees it."""
    plane_deg: tuple[float, float] = (0.0, 0.0)
    """The plane of the figure: turned about the vertical (to the left), and leant (its top towards the conductor)."""
    spread: float = 1.0
    """How far apart the icti are, relative to the usual figure."""
    rise: float = 1.0
    """How high the hand goes between icti, relative to the usual figure; small values sweep."""
    roundness: float = 0.0
    """The hand goes through the ictus instead of turning there: 1 draws circles. Negative turns the other way."""
    linger: float = 0.0
    """Part of each beat for which the hand stands at the top of the stroke."""
    dwell: float = 0.0
    """Part of each beat for which the hand stays at the ictus."""
    rebound_phase: float = 0.3
    """When in the beat the false ictus of ``double_bounce`` is."""
    hesitation: float = 0.0
    """Probability that the hand stops for a moment on its way."""
    neglect: float = 0.0
    """Probability that a beat is only hinted at, a third of its size."""
    subdivision: int = 1
    """Into how many smaller strokes a beat is divided while the conductor subdivides."""
    subdivided: float = 0.0
    """Part of the beats that are subdivided, in passages of some bars."""
    lag_pattern: tuple[float, float, float, float] = LAG_OF_BEAT
    """Lag in beat periods on the first, second, middle and last beat of the bar."""
    lag_tempo: float = 1.0
    """How the lag grows with the beat period: 1 in proportion, 0 always the same time."""
    lag_drift_s: float = 0.0
    """How far the lag of all beats wanders over minutes."""
    jitter_colour: float = 0.0
    """The jitter's spectrum falls as 1/f to this power: 0 white, 1 as measured in human timing (Hennig et al., PLoS ONE
    6(10), 2011, e26457)."""
    stray: float = 0.0
    """Probability that a beat is early or late by 40 to 120 ms."""
    left_hand: Literal["joins", "mirrors", "rests"] = "joins"


def figure(beats: int, grouping: Grouping = ()) -> np.ndarray:
    """Places of the icti, shape ``(beats, 2)``; figures above seven go left, then right, then to the middle.

    ``grouping`` is used where it is known and fits.
    """
    wanted = grouping if sum(grouping) == beats and grouping in FIGURES else USUAL_GROUPING.get(beats)
    if wanted is not None:
        return np.array(FIGURES[wanted])
    place = np.arange(beats) / (beats - 1)
    across = np.where(place < 0.5, -0.9 * place, 0.9 * (1.0 - place) + 0.1)
    across[0] = 0.0
    return np.stack([across, 0.2 * place**2], axis=1)


def departures_deg(places: np.ndarray, manner: Manner) -> np.ndarray:
    """In which direction the hand leaves each ictus of a figure (``places``, shape ``(beats, 2)``); it comes from there
    too."""
    across = places[:, 0]
    up = np.full(len(places), 90.0)
    if manner == "focal":
        return up - 40.0 * np.sign(across) * (np.abs(across) > 0.05)
    if manner == "sideways":
        came = np.diff(across, prepend=across[-1])
        return np.where(np.abs(came) > 0.15, np.where(came > 0, 150.0, 30.0), up)
    if manner == "horizontal":
        return np.where(np.arange(len(places)) % 2 == 0, 0.0, 180.0)
    if manner == "upward":
        return np.full(len(places), 270.0)
    return up


def lag_of_beat(beat: int, beats_in_measure: int, pattern: tuple[float, float, float, float] = LAG_OF_BEAT) -> float:
    """Lag of the hand's lowest point in beat periods; ``beat`` counts from 1."""
    first, second, middle, last = pattern
    if beats_in_measure == 1:
        return second
    if beat == 1:
        return first
    if beat == beats_in_measure:
        return last
    return second if beat == 2 or pattern == LAG_OF_BEAT else middle
