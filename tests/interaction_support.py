"""An orchestra on the stage and somebody's hand in it, for tests of pointing."""

import math
from dataclasses import replace

import numpy as np

from tutti.engine.hall import Hall, read_hall
from tutti.engine.interaction.hall_state import HallState, ScoreNames
from tutti.engine.interaction.interaction import Interaction
from tutti.engine.interaction.mixer import Mixer, with_gain
from tutti.engine.interaction.values import InteractionFrame, Outcome, Panel, PanelItem, Pointer, Request
from tutti.engine.placement import place_players, read_plan
from tutti.engine.score import BEAT_DTYPE, FERMATA_DTYPE, MEASURE_DTYPE, NOTE_DTYPE, TEMPO_DTYPE, Part, Score
from tutti.engine.types import PlayerPlacement, Vector

EYE: Vector = (0.0, -0.2, 1.9)
PARTS = (
    ("Flutes", "flute", 2),
    ("Oboes", "oboe", 2),
    ("Horns", "horn", 4),
    ("Timpani", "timpani", 1),
    ("Violins I", "violin", 0),
    ("Violins II", "violin", 0),
    ("Violas", "viola", 0),
    ("Violoncellos", "cello", 0),
    ("Contrabasses", "contrabass", 0),
)


def silent_score() -> Score:
    """Forty bars of four beats in which nobody plays, with two rehearsal marks."""
    measures = np.zeros(40, MEASURE_DTYPE)
    measures["start_quarter"], measures["duration_quarter"] = 4.0 * np.arange(40), 4.0
    measures["number"] = [str(number) for number in range(1, 41)]
    return Score(
        title="Silence",
        composer="",
        sha256="",
        parts=tuple(Part(name, name, instrument, players) for name, instrument, players in PARTS),
        notes=np.zeros(0, NOTE_DTYPE),
        measures=measures,
        beats=np.zeros(0, BEAT_DTYPE),
        tempos=np.zeros(0, TEMPO_DTYPE),
        fermatas=np.zeros(0, FERMATA_DTYPE),
        rehearsal=((32.0, "A"), (80.0, "B")),
    )


def towards(origin: Vector, target: Vector) -> Vector:
    """The unit direction from one point to another."""
    away = np.subtract(target, origin)
    x, y, z = away / np.linalg.norm(away)
    return (float(x), float(y), float(z))


def turned(direction: Vector, right_rad: float, up_rad: float) -> Vector:
    """A direction a little to the right and up."""
    x, y, _ = direction
    right = np.array([y, -x, 0.0]) / max(math.hypot(x, y), 1e-9)
    up = np.cross(right, direction)
    a, b, c = np.asarray(direction) + math.tan(right_rad) * right + math.tan(up_rad) * up
    length = math.sqrt(a * a + b * b + c * c)
    return (float(a / length), float(b / length), float(c / length))


class HandInHall:
    """Drives an ``Interaction`` by one hand, and does what it asks for as the studio would."""

    def __init__(self, who: str = "window", hand: str = "mouse", eye_m: Vector = EYE) -> None:
        self.hall: Hall = read_hall()
        score = silent_score()
        self.placements: tuple[PlayerPlacement, ...] = place_players(score, read_plan("american"), self.hall)
        self.seated = self.placements
        self.interaction = Interaction(self.hall, ScoreNames.of(score), self.placements)
        self.mixer = Mixer()
        self.requests: list[Request] = []
        self.now_s = 0.0
        self.outcome = Outcome()
        self.spectators: frozenset[str] = frozenset()
        self.told = 0
        self.pointer = Pointer(0.0, who, hand, eye_m, (0.0, 1.0, 0.0), eye_m=eye_m)  # type: ignore[arg-type]

    def state(self) -> HallState:
        return HallState(self.placements, self.mixer, measure_index=10, beat=2, bpm=96.0, state="playing")

    def step(self, dt_s: float = 0.02, **changes: object) -> InteractionFrame:
        """One sample of the hand, ``changes`` made to its pointer."""
        self.now_s += dt_s
        self.pointer = replace(self.pointer, time_s=self.now_s, **changes)  # type: ignore[arg-type]
        self.outcome = self.interaction.step(self.now_s, [self.pointer], self.state(), self.spectators)
        if self.outcome.placements is not None:
            self.placements = self.outcome.placements
            self.told += 1
        for request in self.outcome.requests:
            self._obey(request)
        return next(frame for frame in self.outcome.frames if frame.who == self.pointer.who)

    def _obey(self, request: Request) -> None:
        self.requests.append(request)
        match request.action:
            case "mute":
                self.mixer = self.mixer.mute(request.players, request.value > 0)
            case "solo":
                self.mixer = self.mixer.solo(request.players, request.value > 0)
            case "gain":
                self.placements = with_gain(self.placements, request.players, request.value)
        self.placements = self.mixer.applied(self.placements)

    def rest(self, steps: int = 40, **changes: object) -> InteractionFrame:
        """Until the steadied hand has arrived."""
        for _ in range(steps):
            frame = self.step(**changes)
        return frame

    def at(self, target: Vector, **changes: object) -> InteractionFrame:
        """Point at a place."""
        return self.rest(
            1 if self.pointer.hand == "mouse" else 40, direction=towards(self.pointer.origin_m, target), **changes
        )

    def head(self, player: int) -> Vector:
        x, y, z = next(p.position_m for p in self.placements if p.player == player)
        return (x, y, z + 1.15)

    def click(self) -> InteractionFrame:
        self.step(select=True)
        self.step(select=False)
        return self.step()

    def press(self, panel: str, key: str) -> InteractionFrame:
        """Point at a panel's item and press it."""
        shown, item = self.find(panel, key)
        self.at(middle_of(shown, item))
        return self.click()

    def find(self, panel: str, key: str) -> tuple[Panel, PanelItem]:
        frame = next(frame for frame in self.outcome.frames if frame.who == self.pointer.who)
        shown = next(p for p in frame.panels if p.key == panel)
        return shown, next(item for item in shown.items if item.key == key)

    def first(self, section: str) -> int:
        return next(p.player for p in self.placements if p.section == section)


def middle_of(panel: Panel, item: PanelItem) -> Vector:
    """Where the middle of an item is in the hall."""
    return place_on(panel, item.x_dmm + item.width_dmm / 2, item.y_dmm + item.height_dmm / 2)


def place_on(panel: Panel, x_dmm: float, y_dmm: float) -> Vector:
    across = (x_dmm - panel.width_dmm / 2) * panel.metres_per_dmm
    upwards = (panel.height_dmm / 2 - y_dmm) * panel.metres_per_dmm
    x, y, z = np.asarray(panel.centre_m) + across * np.asarray(panel.right) + upwards * np.asarray(panel.up)
    return (float(x), float(y), float(z))
