"""The virtual conductor's other hand and head: cues, raising, hushing, holds, cut-offs, pages turned, ears scratched.

``with_acts`` lays such acts over a take whose baton beats. Everything varies with the body it is done by: speed, size,
where the arm points from, how far the head turns, rate, noise and whether orientations are tracked.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ..transforms import PODIUM_HEIGHT_M
from ..types import Device, PlayerPlacement, Pose, Quaternion
from .gaze import SectionMap
from .tracking import Take

ActKind = Literal["cue", "raise", "hush", "hold", "cut_off", "page_turn", "scratch"]
CutHands = Literal["free", "both", "baton"]
Flick = Literal["beat", "reach", "beckon"]


@dataclass(frozen=True, slots=True)
class Act:
    """Something done by the free hand. ``time_s`` is the ictus of a cue or a cut-off, the start of everything else."""

    kind: ActKind
    time_s: float
    section: str | None = None
    """Whom a cue, a raise or a hush is for; None: no one, the hand is held before the body."""
    length_s: float = 1.5
    """How long a raise, a hush, a hold, a page or a scratch takes."""
    hands: CutHands = "free"


@dataclass(frozen=True, slots=True)
class Body:
    """Whose hand and head they are. Lengths in metres, times in seconds, angles in degrees."""

    pace: float = 1.0
    """1: as most people; larger is faster."""
    size: float = 1.0
    reach_m: float = 0.52
    """From the shoulder to the pointing hand."""
    line_from_eye: float = 0.5
    """Where the line of pointing begins: 0 at the shoulder, 1 at the eye."""
    aim_sd_deg: float = 4.0
    head_share: float = 0.9
    """Part of a turn of the gaze that the head makes."""
    nod_deg: float = -3.0
    """How much lower the head points than the eyes look."""
    gaze_sd_deg: float = 2.5
    flick: Flick = "beat"
    slash: bool = False
    """Cut-offs are sideways strokes instead of loops."""
    mirror: bool = False
    """The free hand is the right one."""
    head_oriented: bool = True
    hand_oriented: bool = False
    rate_hz: float = 60.0
    noise_m: float = 0.002


def random_body(random: np.random.Generator) -> Body:
    """A body drawn at random: each property independent of the others."""
    flicks: tuple[Flick, ...] = ("beat", "reach", "beckon")
    return Body(
        pace=float(np.exp(random.normal(0.0, 0.15))),
        size=float(np.exp(random.normal(0.0, 0.25))),
        reach_m=float(random.uniform(0.42, 0.62)),
        line_from_eye=float(random.uniform(0.1, 0.9)),
        aim_sd_deg=float(random.uniform(2.0, 6.0)),
        head_share=float(random.uniform(0.8, 1.0)),
        nod_deg=float(random.uniform(-7.0, 1.0)),
        gaze_sd_deg=float(random.uniform(1.5, 3.5)),
        flick=flicks[random.integers(3)],
        slash=bool(random.random() < 0.4),
        head_oriented=True,
        hand_oriented=bool(random.random() < 0.5),
        rate_hz=float(random.uniform(30.0, 90.0)),
        noise_m=float(random.uniform(0.0005, 0.004)),
    )


def with_acts(
    take: Take, acts: Sequence[Act], body: Body, placements: Sequence[PlayerPlacement] = (), seed: int = 0
) -> Take:
    """The take with its free hand and head doing ``acts`` between what they did before. Deterministic."""
    random = np.random.default_rng(seed)
    sections = SectionMap(placements)
    own = [_Doing.of(act, body, sections, take, random) for act in acts]
    free = _stamps(take, body.rate_hz, random)
    hand = _path(take, "left", free)
    noise = body.noise_m * random.standard_normal(hand.shape)
    for doing in own:
        weight = doing.weight(free)[:, None]
        hand = (1.0 - weight) * hand + weight * (doing.hand(free) + noise)
    looks = _Looks.plan(own, body, sections, take, random)
    head_s = _stamps(take, min(body.rate_hz, 60.0), random)
    head = _path(take, "head", head_s)
    poses = [_moved(pose, own) for pose in take.poses if pose.device == "baton"]
    turned = looks.orientations(head_s) if body.head_oriented else [None] * len(head_s)
    poses += _poses("head", head_s, head, turned)
    pointing = _hand_orientations(free, own, random) if body.hand_oriented else [None] * len(free)
    poses += _poses("left", free, hand, pointing)
    poses.sort(key=lambda pose: pose.time_s)
    return Take(tuple(poses), take.metadata)


def _stamps(take: Take, rate_hz: float, random: np.random.Generator) -> np.ndarray:
    count = int((take.end_s - take.start_s) * rate_hz)
    return take.start_s + (np.arange(count) + 0.15 + 0.15 * random.uniform(-1, 1, count)) / rate_hz


def _path(take: Take, device: Device, times: np.ndarray) -> np.ndarray:
    """Where a device is at ``times``; a head or hand that is not in the take stands at the conductor's usual place."""
    poses = [pose for pose in take.of(device) if pose.valid]
    if not poses:
        place = (0.0, 1.6, 0.02) if device == "head" else (-0.3, 0.93, -0.3)
        return np.tile(np.array(place), (len(times), 1))
    stamp = np.array([pose.time_s for pose in poses])
    places = np.array([pose.position_m for pose in poses])
    return np.stack([np.interp(times, stamp, places[:, axis]) for axis in range(3)], axis=1)


def _poses(
    device: Device, times: np.ndarray, places: np.ndarray, orientations: Sequence[Quaternion | None]
) -> list[Pose]:
    rows = zip(times.tolist(), places.tolist(), orientations, strict=True)
    return [Pose(at_s, device, (x, y, z), orientation) for at_s, (x, y, z), orientation in rows]


def _ease(part: np.ndarray) -> np.ndarray:
    """From 0 to 1 at rest at both ends with the least jerk (Flash & Hogan 1985)."""
    u = np.clip(part, 0.0, 1.0)
    eased: np.ndarray = u**3 * (10.0 - 15.0 * u + 6.0 * u**2)
    return eased


@dataclass(frozen=True, slots=True)
class _Doing:
    """An act with its times and places settled. The hand is there from ``arrive_s`` to ``leave_s``."""

    act: Act
    body: Body
    arrive_s: float
    leave_s: float
    travel_s: float
    place_m: np.ndarray
    towards: np.ndarray
    """Unit vector along which the hand points, tracking frame."""
    target_m: np.ndarray | None
    """Whose face is looked at."""
    turn: float

    @classmethod
    def of(cls, act: Act, body: Body, sections: SectionMap, take: Take, random: np.random.Generator) -> "_Doing":
        head = np.median(_path(take, "head", np.linspace(take.start_s, take.end_s, 50)), axis=0)
        side = 1.0 if body.mirror else -1.0
        shoulder = head + np.array([side * 0.18, -0.27, 0.03])
        target = None
        towards = _unit(np.array([side * 0.25, -0.05, -1.0]))
        origin = shoulder
        if act.section is not None:
            faces = sections.faces_of(act.section)
            middle = np.array(sections.face_of(act.section))
            x, y, z = 0.6 * middle + 0.4 * faces[random.integers(len(faces))]
            target = np.array([x, z - PODIUM_HEIGHT_M, -y])
            origin = shoulder + body.line_from_eye * (head - shoulder)
            towards = _turned(_unit(target - origin), *np.radians(random.normal(0.0, body.aim_sd_deg, 2)))
        place = origin + body.reach_m * towards
        wait_s = {"cue": random.uniform(0.55, 0.9), "cut_off": random.uniform(0.9, 1.2)}.get(act.kind, 0.0) / body.pace
        stay_s = {"cue": 0.35, "cut_off": 0.5}.get(act.kind, act.length_s)
        if act.kind == "page_turn":
            place = head + np.array([0.10, -0.62, -0.42])
        elif act.kind == "scratch":
            place = head + np.array([side * 0.10, random.uniform(-0.15, 0.1), -0.05])
        elif act.kind in ("raise", "hush"):
            place = place + np.array([0.0, -0.12 if act.kind == "raise" else 0.05, 0.0])
        return cls(
            act=act,
            body=body,
            arrive_s=act.time_s - wait_s,
            leave_s=act.time_s + stay_s,
            travel_s=random.uniform(0.4, 0.7) / body.pace,
            place_m=place,
            towards=towards,
            target_m=target,
            turn=float(random.choice([-1.0, 1.0])),
        )

    def weight(self, times: np.ndarray) -> np.ndarray:
        """How much of the hand is at the act, 0–1."""
        come = _ease((times - self.arrive_s) / self.travel_s + 1.0)
        go = _ease((times - self.leave_s) / self.travel_s)
        return come * (1.0 - go)

    def hand(self, times: np.ndarray) -> np.ndarray:
        """Where the act has the hand, shape ``(n, 3)``."""
        since = times - self.act.time_s
        moved: np.ndarray
        if self.act.kind == "cue":
            moved = self._flick(since)
        elif self.act.kind == "cut_off":
            moved = self.cut(times) if self.act.hands != "baton" else np.zeros((len(times), 3))
        elif self.act.kind in ("raise", "hush"):
            way = (0.30 if self.act.kind == "raise" else -0.26) * self.body.size
            start = _ease((since - 0.3) / (self.act.length_s - 0.6))
            moved = way * start[:, None] * np.array([0.0, 1.0, 0.0])
        elif self.act.kind == "page_turn":
            sweep = _ease((since - 0.2) / max(0.4, self.act.length_s - 0.4))
            moved = np.stack([-0.35 * sweep, 0.09 * np.sin(np.pi * sweep), 0.0 * sweep], axis=1)
        elif self.act.kind == "scratch":
            itch = 0.02 * np.sin(2 * np.pi * 4.0 * since)
            moved = np.stack([0.3 * itch, itch, 0.2 * itch], axis=1)
        else:
            moved = np.zeros((len(times), 3))
        return self.place_m + moved

    def _flick(self, since: np.ndarray) -> np.ndarray:
        """A stroke that has its ictus at 0, after a small lift."""
        stroke_s, lift_s = 0.17 / self.body.pace, 0.25 / self.body.pace
        up = np.array([0.0, 1.0, 0.0])
        before = _ease((since + stroke_s + lift_s) / lift_s)[:, None]
        stroke = _ease((since + stroke_s) / stroke_s)[:, None]
        after = _ease(since / (1.5 * lift_s))[:, None]
        size = self.body.size
        if self.body.flick == "beat":
            return size * (0.07 * up * before + (0.06 * self.towards - 0.10 * up) * stroke + 0.04 * up * after)
        if self.body.flick == "reach":
            return size * (-0.04 * self.towards * before + 0.13 * self.towards * stroke - 0.05 * self.towards * after)
        return size * (0.10 * up * stroke + 0.02 * self.towards * stroke - 0.09 * up * after)

    def cut(self, times: np.ndarray) -> np.ndarray:
        """Displacement of a hand that ends the sound: its ictus is at the act's time, where it stops sharply."""
        long_s = 0.5 / self.body.pace
        part = np.clip((times - self.act.time_s) / long_s + 1.0, 0.0, 1.0)
        size = self.body.size
        if self.body.slash:
            part = np.where(part < 0.85, part**2, 0.85**2 + (1 - 0.85**2) * _stop((part - 0.85) / 0.15))
            return 0.28 * size * part[:, None] * np.array([self.turn, -0.05, 0.1])
        part = np.where(part < 0.9, part**1.5, 0.9**1.5 + (1 - 0.9**1.5) * _stop((part - 0.9) / 0.1))
        angle = 2 * np.pi * 0.95 * part
        radius = 0.085 * size
        return radius * np.stack([self.turn * np.sin(angle), np.cos(angle) - 1.0, 0.2 * (np.cos(angle) - 1.0)], axis=1)


def _stop(part: np.ndarray) -> np.ndarray:
    """From 0 to 1, coming to rest."""
    return np.sin(0.5 * np.pi * np.clip(part, 0.0, 1.0))


def _moved(pose: Pose, doings: Sequence[_Doing]) -> Pose:
    """The baton, closing the sound where it does; it comes back slowly."""
    for doing in doings:
        if doing.act.kind != "cut_off" or doing.act.hands == "free":
            continue
        since = pose.time_s - doing.act.time_s
        if -1.0 < since < 2.0:
            back = 1.0 - float(_ease(np.array((since - 0.4) / 0.8)))
            mirrored = np.array([-1.0, 1.0, 1.0]) if doing.act.hands == "both" else np.ones(3)
            dx, dy, dz = (back * mirrored * doing.cut(np.array([pose.time_s]))[0]).tolist()
            x, y, z = pose.position_m
            pose = replace(pose, position_m=(x + dx, y + dy, z + dz))
    return pose


@dataclass(frozen=True, slots=True)
class _Looks:
    """Where the head is turned: fixations of (start, yaw to the right, pitch up), in radians."""

    start_s: np.ndarray
    yaw: np.ndarray
    pitch: np.ndarray

    @classmethod
    def plan(
        cls, doings: Sequence[_Doing], body: Body, sections: SectionMap, take: Take, random: np.random.Generator
    ) -> "_Looks":
        """People look at those they address, and between at others, and into the score."""
        head = np.median(_path(take, "head", np.linspace(take.start_s, take.end_s, 50)), axis=0)
        busy = [
            (d.arrive_s - random.uniform(0.2, 0.6), d.leave_s, d)
            for d in doings
            if d.target_m is not None or d.act.kind == "page_turn"
        ]
        rows: list[tuple[float, float, float]] = []
        at_s = take.start_s
        while at_s < take.end_s:
            rows.append((at_s, *cls._anywhere(body, sections, head, random)))
            at_s += float(random.uniform(0.8, 4.0))
        for start_s, end_s, doing in busy:
            rows = [row for row in rows if not start_s - 0.1 <= row[0] <= end_s]
            to = np.array([0.0, -0.9, -0.6]) if doing.target_m is None else doing.target_m - head
            rows.append((start_s, *_head_turn(to, body, random)))
            rows.append((end_s, *cls._anywhere(body, sections, head, random)))
        rows.sort()
        start, yaw, pitch = np.array(rows).T
        return cls(start, yaw, pitch)

    @staticmethod
    def _anywhere(
        body: Body, sections: SectionMap, head: np.ndarray, random: np.random.Generator
    ) -> tuple[float, float]:
        if not sections.names or random.random() < 0.3:
            return _head_turn(np.array([0.0, -0.7, -0.6]), body, random)
        x, y, z = sections.face_of(sections.names[random.integers(len(sections.names))])
        return _head_turn(np.array([x, z - PODIUM_HEIGHT_M, -y]) - head, body, random)

    def orientations(self, times: np.ndarray) -> list[Quaternion | None]:
        """Orientations of the head; it turns within a quarter of a second."""
        index = np.clip(np.searchsorted(self.start_s, times, side="right") - 1, 0, len(self.start_s) - 1)
        before = np.maximum(index - 1, 0)
        part = _ease((times - self.start_s[index]) / 0.3)
        yaw = self.yaw[before] + part * (self.yaw[index] - self.yaw[before])
        pitch = self.pitch[before] + part * (self.pitch[index] - self.pitch[before])
        return [_orientation(a, b) for a, b in zip(yaw.tolist(), pitch.tolist(), strict=True)]


def _head_turn(to: np.ndarray, body: Body, random: np.random.Generator) -> tuple[float, float]:
    """Yaw to the right and pitch up of a head that looks at ``to`` (from the head, tracking frame)."""
    wander = np.radians(random.normal(0.0, body.gaze_sd_deg, 2))
    yaw = body.head_share * math.atan2(to[0], -to[2]) + wander[0]
    pitch = math.atan2(to[1], math.hypot(to[0], to[2])) + math.radians(body.nod_deg) + wander[1]
    return float(yaw), float(pitch)


def _hand_orientations(
    times: np.ndarray, doings: Sequence[_Doing], random: np.random.Generator
) -> list[Quaternion | None]:
    """A tracked hand points where its act means, and otherwise forward and up."""
    usual = _unit(np.array([0.1, 0.3, -1.0]))
    directions = np.tile(usual, (len(times), 1))
    for doing in doings:
        weight = doing.weight(times)[:, None]
        aimed = _turned(doing.towards, *np.radians(random.normal(0.0, 3.0, 2)))
        directions = (1.0 - weight) * directions + weight * aimed
    yaw = np.arctan2(directions[:, 0], -directions[:, 2])
    pitch = np.arctan2(directions[:, 1], np.hypot(directions[:, 0], directions[:, 2]))
    return [_orientation(a, b) for a, b in zip(yaw.tolist(), pitch.tolist(), strict=True)]


def _orientation(yaw: float, pitch: float) -> Quaternion:
    """The unit quaternion of a device that points ``yaw`` to the right and ``pitch`` up (radians)."""
    cy, sy, cp, sp = math.cos(-yaw / 2), math.sin(-yaw / 2), math.cos(pitch / 2), math.sin(pitch / 2)
    return (cy * cp, cy * sp, sy * cp, -sy * sp)


def _turned(direction: np.ndarray, across: float, up: float) -> np.ndarray:
    yaw = math.atan2(direction[0], -direction[2]) + across
    pitch = math.atan2(direction[1], math.hypot(direction[0], direction[2])) + up
    return np.array([math.sin(yaw) * math.cos(pitch), math.sin(pitch), -math.cos(yaw) * math.cos(pitch)])


def _unit(vector: np.ndarray) -> np.ndarray:
    unit: np.ndarray = vector / max(float(np.linalg.norm(vector)), 1e-9)
    return unit
