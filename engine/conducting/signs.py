"""What hands and gaze say besides the beat: cues, and more or less of a section; holds and cut-offs (``holds``).

The free hand (device ``left``, whichever hand that is) speaks when it is *presented*, raised and held away from the
body, and does not mirror the beat. A short stroke of it towards a section is a cue, slow rising or sinking asks for
more or less, stillness while the baton rests holds the sound. Whom it means is told by the gaze, by where the hand
points, and by who enters now by the score.
"""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..entries import ENTERING
from ..transforms import rotate, tracking_to_hall, tracking_to_hall_direction
from ..types import PlayerPlacement, Pose, ScorePosition, Sign, TempoEstimate, Vector
from .gaze import LOST_MISFIT, Gaze, Misfits, SectionMap, choose, weigh
from .hands import HandTracker, Movement, likeness
from .holds import HoldReader

SHOULDER_M = (0.16, -0.28)
"""Where the free shoulder is from the head: aside and up."""
ABOVE_M = -0.60
"""A presented hand is higher than this from the head: above the elbow of a hanging arm."""
REACH_M = 0.25
"""And this far from the body's axis."""
FACE_M = 0.26
"""A hand nearer to the head scratches, or holds the glasses."""
POINT_SD_DEG = (13.0, 18.0)
"""Deviation of the line from body to hand from the face pointed to. People point along a line from the eye through the
finger (Mayer et al., CHI 2018), conductors from the shoulder too."""
POINT_ORIENTED_SD_DEG = (8.0, 12.0)
"""Where the hand's own orientation is known."""
NOT_POINTING = 4.0
"""A hand may beckon without pointing: its misfit counts no more than this where there is a gaze."""

PRESENTED_S = 0.4
"""A cue is given by a hand that has been presented for so long: one that was just raised is on its way."""
FLICK_M = (0.04, 0.28)
FLICK_S = 0.5
FLICK_M_S = 0.35
ASIDE_SHARE = 0.6
"""More sideways than this (part of its squared length) a stroke of the hand turns a page."""
WITHDRAWN_M = 0.06
"""Nor does it come back to the body by more than this."""
POISE_S = 0.07
"""Before a cue the hand waits for this long, while the baton goes on,"""
POISED_AGO_S = 0.7
"""and gives the cue not later than this after."""
BATON_MOVES_M_S, BATON_MOVES_SHARE = 0.2, 0.7
"""The baton goes on when it is this fast, or has this part of its usual speed."""
STILL_S = 0.05
MIRRORING, MIRRORING_BEFORE = 0.6, 0.7
"""A hand that the beat explains to this part mirrors it: while it moves, and up to a stroke of its own."""
TOGETHER, TOGETHER_AFTER_POISE = 0.75, 0.9
"""And a stroke that it explains to this part is a beat; a cue on the beat looks like one, but the hand waited first."""
LONG_POISE_S = 0.2
SHORT_POISE_S, JUST_NOW_S, APART_BEFORE = 0.12, 0.35, 0.45
"""It waited plainly if for so long; or shorter, just now, and the beat explained it to less than this part before."""
QUICK_M_S, UNLIKE = 0.65, 0.6
"""Without waiting, a cue must be this quick, and explained by the beat no more than this."""
CUE_AGAIN_S = 0.9
CUE_MISFIT = 10.0
"""What gaze and hand say, and whether the section enters, speaks against a cue by no more than this: who does not enter
must be looked at and pointed to the better."""
GAZE_FRESH_S = 0.5

BALANCE_M_S = (0.03, 0.42)
"""Vertical speeds at which a presented hand asks for more or less; faster, it is on its way elsewhere."""
RISING_S = 0.12
"""Time constant over which they are measured."""
BALANCE_DEAD_M = 0.05
BALANCE_PER_M = 1.1
"""Parts of the dynamic range for each metre."""
MOST_BALANCE = 0.45
BALANCE_STEP = 0.03
"""A sign for every change of this size."""
TAKEN_BACK_S = 0.6
"""When the hand leaves, what it asked for in this last time was its leaving."""
AGREE_MISFIT = 9.0


@dataclass(frozen=True, slots=True)
class _Body:
    """Where the conductor's head is, and on which side the free hand is (−1 left, 1 right), tracking frame."""

    head_m: Vector
    side: float


class SignReader:
    """Signs and attention from the poses of all devices. Causal; one thread; about 50 µs a step.

    Without ``placements`` signs go to the whole orchestra.
    """

    def __init__(self, placements: Sequence[PlayerPlacement] = (), beats: int | None = None) -> None:
        """``beats`` is how many conductor's beats the score has: at its end a cut-off needs no hold before it."""
        self._holds = HoldReader(beats)
        self.place(placements)
        self._hand, self._baton = HandTracker(), HandTracker()
        self._free_pose: Pose | None = None
        self._head: Pose | None = None
        self._usual_m: Vector | None = None
        self._usual_m_s = 2.0 * BATON_MOVES_M_S
        self._side = -1.0
        self._presented_s: float | None = None
        self._mirrors = (-math.inf, 0.0)
        self._cued: dict[str, float] = {}
        self._moved_m = 0.0
        self._asked: dict[str | None, float] = {}
        self._asking: str | None = None
        self._asked_lately: deque[tuple[float, float]] = deque()
        self._told: dict[str | None, float] = {}
        self._rising_m_s = 0.0
        self._free = False
        self._poised_s, self._poise_s = -math.inf, 0.0
        self._latest_free_s = -math.inf
        self._apart_s = 0.0

    def place(self, placements: Sequence[PlayerPlacement]) -> None:
        """The players sit there now."""
        self._sections = SectionMap(placements)
        self._gaze = Gaze(self._sections)

    @property
    def attention(self) -> str | None:
        """The section looked at; without gaze, the one that the hand points to."""
        if self._gaze.misfits is not None:
            return self._gaze.section
        if self._presented_s is None or not self._sections.names:
            return None
        return choose(self._sections, self._pointing(), None)

    def step(
        self,
        now_s: float,
        poses: Sequence[Pose],
        position: ScorePosition | None,
        tempo: TempoEstimate | None,
        weights: Mapping[str, float] | None = None,
    ) -> tuple[Sign, ...]:
        """Take the poses since the last step; the signs that they gave.

        ``position`` and ``tempo`` are those of the step before. ``weights`` say who is likely to be cued
        (``engine.entries``). Before the music begins nobody is cued or cut off.
        """
        signs: list[Sign] = []
        weights = weights or {}
        playing = position is not None and position.state in ("playing", "coasting", "holding")
        self._holds.watch(position, tempo)
        for pose in poses:
            if not pose.valid:
                continue
            if pose.device == "head":
                self._look(pose)
            elif pose.device == "baton":
                self._baton.step(pose)
                self._learn_usual(pose)
                if playing:
                    signs += self._holds.baton_cuts_off(self._hand, self._baton)
            else:
                movement = self._hand.step(pose)
                self._free_pose = pose
                signs += self._present()
                self._watch_poise()
                if playing:
                    signs += self._holds.hand_cuts_off(self._hand, self._baton, self._presented_s)
                    if movement is not None:
                        signs += self._cue(movement, weights)
                    signs += self._balance()
                    signs += self._holds.hold(self._hand, self._baton, self._presented_s, tempo)
        return tuple(signs)

    # -- the body ------------------------------------------------------------------------------------------

    def _look(self, pose: Pose) -> None:
        if all(map(math.isfinite, pose.position_m)):
            self._head = pose
            self._gaze.step(pose)

    def _learn_usual(self, pose: Pose) -> None:
        """Where the baton usually is: where there is no head, it is guessed from that."""
        sample = self._baton.sample
        if sample is None:
            return
        if self._usual_m is None:
            self._usual_m = sample.position_m
        gain = 0.003
        self._usual_m_s += gain * (self._baton.speed_m_s - self._usual_m_s)
        x, y, z = (a + gain * (b - a) for a, b in zip(self._usual_m, sample.position_m, strict=True))
        self._usual_m = (x, y, z)
        if self._hand.sample is not None:
            apart = self._hand.sample.position_m[0] - sample.position_m[0]
            self._side += 0.003 * ((1.0 if apart > 0 else -1.0) - self._side)

    @property
    def _body(self) -> _Body | None:
        side = 1.0 if self._side > 0 else -1.0
        if self._head is not None:
            return _Body(self._head.position_m, side)
        if self._usual_m is None:
            return None
        x, y, z = self._usual_m
        return _Body((x + side * 0.12, y + 0.42, z + 0.42), side)

    def _present(self) -> list[Sign]:
        """Is the free hand raised and held away from the body? If it leaves, what it asked while leaving is undone."""
        sample, body = self._hand.sample, self._body
        if sample is None or body is None:
            return []
        if is_presented(sample.position_m, body.head_m):
            if self._presented_s is None:
                self._presented_s = sample.time_s
            return []
        left, self._presented_s = self._presented_s is not None, None
        return self._leave(sample.known_s) if left else []

    def _mirroring(self, until_s: float) -> float:
        """Likeness of the free hand's motion to the beat's, computed at most ten times a second."""
        at_s, value = self._mirrors
        if abs(until_s - at_s) > 0.1:
            value = likeness(self._hand, self._baton, until_s)
            self._mirrors = (until_s, value)
        return value

    # -- whom it means -------------------------------------------------------------------------------------

    def _pointing(self) -> Misfits:
        """How badly each section fits where the free hand points."""
        body, sample = self._body, self._hand.sample
        assert body is not None and sample is not None and self._free_pose is not None
        if self._free_pose.orientation_wxyz is not None:
            direction = rotate(self._free_pose.orientation_wxyz, (0.0, 0.0, -1.0))
            origin, sd = sample.position_m, POINT_ORIENTED_SD_DEG
        else:
            hx, hy, hz = body.head_m
            origin = (hx + 0.5 * body.side * SHOULDER_M[0], hy + SHOULDER_M[1], hz)
            x, y, z = (b - a for a, b in zip(origin, sample.position_m, strict=True))
            direction, sd = (x, y, z), POINT_SD_DEG
        return self._sections.misfits(tracking_to_hall(origin), tracking_to_hall_direction(direction), sd)

    def _meant(self, weights: Mapping[str, float]) -> str | None:
        """The section that gaze, hand and score together mean."""
        if not self._sections.names or self._hand.sample is None:
            return None
        points = self._pointing()
        gaze = self._fresh_gaze()
        evidence = points if gaze is None else gaze + NOT_POINTING * (1.0 - np.exp(-points / NOT_POINTING))
        if weights:
            evidence = evidence + weigh(self._sections, weights) + 2.0 * math.log(ENTERING)
        best = int(evidence.argmin())
        return self._sections.names[best] if evidence[best] <= CUE_MISFIT else None

    def _fresh_gaze(self) -> Misfits | None:
        if self._head is None or self._hand.time_s - self._head.time_s > GAZE_FRESH_S:
            return None
        return self._gaze.misfits

    # -- the signs -----------------------------------------------------------------------------------------

    def _cue(self, movement: Movement, weights: Mapping[str, float]) -> list[Sign]:
        body = self._body
        if body is None or not self._is_flick(movement, body):
            return []
        section = self._meant(weights)
        if section is None or movement.end_s - self._cued.get(section, -math.inf) < CUE_AGAIN_S:
            return []
        self._cued[section] = movement.end_s
        self._poised_s = -math.inf
        return [Sign(movement.known_s, "cue", section)]

    def _is_flick(self, movement: Movement, body: _Body) -> bool:
        """A short quick stroke of the presented hand, towards or up or down, not sideways, and not with the beat."""
        if self._presented_s is None or movement.start_s < self._presented_s + PRESENTED_S:
            return False
        dx, dy, dz = movement.displacement_m
        length = math.hypot(dx, dy, dz)
        if not FLICK_M[0] <= length <= FLICK_M[1] or movement.duration_s > FLICK_S or movement.peak_m_s < FLICK_M_S:
            return False
        ux, uz = movement.start_m[0] - body.head_m[0], movement.start_m[2] - body.head_m[2]
        reach = max(math.hypot(ux, uz), 1e-6)
        aside = (dx * uz - dz * ux) / reach
        outward = (dx * ux + dz * uz) / reach
        if aside * aside > ASIDE_SHARE * length * length or outward < -WITHDRAWN_M:
            return False
        return self._own(movement)

    def _own(self, movement: Movement) -> bool:
        """The stroke does not go with the beat: the hand had waited for it, or it is quick and unlike the beat."""
        before = likeness(self._hand, self._baton, movement.start_s)
        together = likeness(self._hand, self._baton, movement.end_s, max(0.4, movement.duration_s + 0.15))
        waited_ago_s = movement.start_s - self._poised_s
        if waited_ago_s <= POISED_AGO_S:
            apart = before < APART_BEFORE and self._poise_s >= SHORT_POISE_S and waited_ago_s < JUST_NOW_S
            plainly = apart or self._poise_s >= LONG_POISE_S
            return before < MIRRORING_BEFORE and together < (TOGETHER_AFTER_POISE if plainly else TOGETHER)
        return movement.peak_m_s > QUICK_M_S and before < UNLIKE and together < UNLIKE

    def _watch_poise(self) -> None:
        """The presented hand waits while the baton moves: what it does next is its own."""
        hand, baton = self._hand, self._baton
        step_s = min(0.1, max(0.0, hand.time_s - self._latest_free_s))
        self._latest_free_s = hand.time_s
        sample = hand.sample
        if self._presented_s is None or sample is None or sample.still_s < STILL_S:
            self._apart_s = 0.0
            self._free = self._free and self._mirroring(hand.time_s) < MIRRORING
            return
        moves_m_s = min(BATON_MOVES_M_S, max(0.06, BATON_MOVES_SHARE * self._usual_m_s))
        if baton.speed_m_s > moves_m_s and baton.sample is not None and baton.sample.still_s < STILL_S:
            self._apart_s += step_s
        if self._apart_s >= POISE_S:
            self._poised_s, self._poise_s = hand.time_s, self._apart_s
            self._free = self._free or self._mirroring(hand.time_s) < MIRRORING

    def _balance(self) -> list[Sign]:
        """Slow rising and sinking of the presented hand, when it does not go with the beat."""
        hand, sample = self._hand, self._hand.sample
        if sample is None or self._presented_s is None or len(hand.way) < 2:
            return []
        vx, vy, vz = hand.velocity_m_s
        step_s = sample.time_s - hand.way[-2][0]
        self._rising_m_s += min(1.0, step_s / RISING_S) * (vy - self._rising_m_s)
        speed = abs(self._rising_m_s)
        slow = BALANCE_M_S[0] < speed < BALANCE_M_S[1] and math.hypot(vx, vz) < 0.2 + speed
        if not slow or not self._free or self._mirroring(sample.time_s) > MIRRORING:
            if sample.still_s > 0.5 or not self._free:
                self._moved_m = 0.0
            return []
        if self._moved_m == 0.0:
            self._asking = self._attended()
        moved_m = self._rising_m_s * step_s
        self._moved_m += moved_m
        past = self._asked.get(self._asking, 0.0)
        self._asked_lately.append((sample.time_s, past))
        while self._asked_lately[0][0] < sample.time_s - TAKEN_BACK_S:
            self._asked_lately.popleft()
        if abs(self._moved_m) < BALANCE_DEAD_M:
            return []
        self._asked[self._asking] = max(-MOST_BALANCE, min(MOST_BALANCE, past + BALANCE_PER_M * moved_m))
        return self._tell_balance(sample.known_s, BALANCE_STEP)

    def _tell_balance(self, time_s: float, least: float) -> list[Sign]:
        """A sign if what is asked for differs from what was told by at least so much."""
        asked = self._asked.get(self._asking, 0.0)
        if abs(asked - self._told.get(self._asking, 0.0)) < least:
            return []
        self._told[self._asking] = asked
        return [Sign(time_s, "raise" if asked >= 0 else "hush", self._asking, asked)]

    def _attended(self) -> str | None:
        """The section that is looked at and that the hand points to; None where they differ or there is none."""
        if not self._sections.names or self._hand.sample is None:
            return None
        points = self._pointing()
        gaze = self._fresh_gaze()
        both = points if gaze is None else points + gaze
        best = int((both - np.log(self._sections.sizes)).argmin())  # of many, more or less is asked more often
        if points[best] > AGREE_MISFIT or (gaze is not None and gaze[best] > LOST_MISFIT):
            return None
        return self._sections.names[best]

    def _leave(self, time_s: float) -> list[Sign]:
        """The hand goes away: sinking to rest was no hush."""
        self._moved_m, self._free = 0.0, False
        lately = [amount for at_s, amount in self._asked_lately if at_s >= time_s - TAKEN_BACK_S]
        self._asked_lately.clear()
        if lately and max(lately) > self._asked.get(self._asking, 0.0):
            self._asked[self._asking] = max(lately)
        return self._tell_balance(time_s, 0.01)


def is_presented(hand_m: Vector, head_m: Vector) -> bool:
    """The hand is raised and held away from body and face."""
    x, y, z = (a - b for a, b in zip(hand_m, head_m, strict=True))
    return y > ABOVE_M and math.hypot(x, z) > REACH_M and math.hypot(x, y, z) > FACE_M
