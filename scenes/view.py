"""The stage as a picture: hall, players, conductor, stand, in a window or offscreen."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from panda3d.core import Filename, NodePath, PNMImage

from ..assets import asset_path
from ..engine.errors import SceneError
from ..engine.hall import SHOEBOX, Hall, read_hall
from ..engine.interaction.values import InteractionFrame, Pointer
from ..engine.score import Score
from ..engine.types import Dynamics, Frame, PlayerPlacement, Pose, ScorePosition
from .activity import OrchestraActivity, tableau
from .audience import ClappingHands
from .cameras import FIRST_PERSON, aim, camera_named, cameras_of, follow_head, viewpoint
from .cast import Cast
from .display import open_display
from .hall import add_vignette, build_hall
from .hands import ConductorHands
from .laser import InteractionView
from .meshes import load_gltf, read_player_meshes
from .players import Viewpoint
from .rig import read_rigs
from .stand import ScoreStand

RESTING = Frame(
    index=0,
    time_s=0.0,
    position=ScorePosition(0.0, 0.5, 0.5, 0.0, 0.0, "1", 1.0, "waiting"),
    tempo=None,
    dynamics=Dynamics(0.0, 0.5, 0.0),
    poses=(
        Pose(0.0, "baton", (0.20, 1.42, -0.40)),
        Pose(0.0, "left", (-0.30, 1.30, -0.34)),
    ),
)
"""Shown before the first frame: the orchestra in play, the conductor with raised arms."""


class StageView:
    """Draws a performance. One per process (Panda3D's ShowBase is a singleton); use it from one thread.

    Opening raises ``SceneError`` where nothing can be drawn. ``update`` takes the frames of a performance in order of
    time and never blocks; in a window, ``render`` draws once, ``run`` belongs to ``scenes.desktop``. ``base`` is
    the ShowBase, for whoever adds to the scene (desktop, headset).
    """

    def __init__(
        self,
        placements: Sequence[PlayerPlacement],
        part_names: Sequence[str],
        title: str,
        *,
        window: bool,
        size: tuple[int, int] = (1280, 720),
        score: Score | None = None,
        composer: str = "",
        hall: Hall | str = SHOEBOX,
        camera: str = "hall",
        drivers: Sequence[str] = (),
    ) -> None:
        """``drivers`` are the ways to OpenGL to try (``open_display``)."""
        self.hall: Hall = hall if isinstance(hall, Hall) else read_hall(hall)
        self.camera = camera
        camera_named(self.hall, camera)
        # offscreen pictures are drawn twice as large and averaged: smoother than any driver's multisampling
        self._fineness = 1 if window else 2
        drawn = (size[0] * self._fineness, size[1] * self._fineness)
        self.base = open_display(f"{title} – Tutti" if title else "Tutti", window=window, size=drawn, drivers=drivers)
        try:
            players = load_gltf(asset_path("models", "players.glb"))
            self._meshes = read_player_meshes(players)
            self._rigs = read_rigs(players, asset_path("models", "rig.json"))
            self.world: NodePath = self.base.render.attach_new_node("world")
            self._house = build_hall(self.world, self.hall.picture)
            self._stand = ScoreStand(self.world, players, title, composer)
            self._hands = ConductorHands(self.world, players)
            self._interaction = InteractionView(self.world)
            self._vignette = add_vignette(self.base.cam)
        except BaseException:
            self.base.destroy()
            raise
        self._eyes: Callable[[], Viewpoint] | None = None
        self._activity = OrchestraActivity(len(part_names), score)
        self.score = score
        self._frame = RESTING
        self._rows = tableau(len(part_names))
        self._cast = Cast(self.world, placements, self._meshes, self._rigs)
        self._show()

    @property
    def cameras(self) -> tuple[str, ...]:
        """Names of the places to look from."""
        return tuple(cameras_of(self.hall))

    def place(self, placements: Sequence[PlayerPlacement]) -> None:
        """Seat the players anew: cheap while they are the same players, a fresh cast otherwise."""
        if not self._cast.move(placements):
            self._cast.remove()
            self._cast = Cast(self.world, placements, self._meshes, self._rigs)
        self._show()

    def enter(self, hall: Hall) -> None:
        """Show the orchestra in another hall; what was seen of the last one is gone. Blocks while it is loaded. Raises
        ``SceneError``, and stays where it is."""
        if hall.picture != self.hall.picture:
            before, self._house = self._house, build_hall(self.world, hall.picture)
            before.clear_python_tag("clapping")
            before.remove_node()
        self.hall = hall
        if self.camera not in self.cameras:
            self.camera = FIRST_PERSON
        self._aim()

    def update(self, frame: Frame) -> None:
        """Move everything to a frame of the performance."""
        self._frame = frame
        self._rows = self._activity.step(frame)
        clapping: ClappingHands = self._house.get_python_tag("clapping")
        if frame.applause is not None:
            clapping.begin(frame.applause)
        clapping.update(frame.time_s)
        self._show()

    def _show(self) -> None:
        self._cast.update(self._frame, self._rows)
        self._hands.update(self._frame)
        self._stand.update(self._frame.position)
        self._aim()

    def show_ghost(self, pose: Pose | None) -> None:
        """A see-through baton beside the conductor's own, for teaching; None takes it away."""
        self._hands.show_ghost(pose)

    def hold_baton_left(self, left: bool) -> None:
        """Whether the conductor holds the baton in the left hand."""
        self._hands.hold_baton_left(left)

    def show_fingers(self, joints_m: np.ndarray | None) -> None:
        """The conductor's left hand joint by joint (31, 3, hall frame, OpenVR's order); None: the model's."""
        self._hands.show_fingers(joints_m)

    def show_interaction(self, frame: InteractionFrame | None, pointers: Sequence[Pointer] = ()) -> None:
        """Panels, lasers and marks of somebody's interaction, and light on whom they point at; ``pointers`` are where
        the lasers start."""
        self._interaction.update(frame, pointers)
        self._cast.light(frame.highlighted if frame is not None else ())

    def look_from(self, camera: str) -> None:
        """Change the camera. Raises ``SceneError`` for an unknown name."""
        camera_named(self.hall, camera)
        self.camera = camera
        self._aim()

    def see_with(self, eyes: Callable[[], Viewpoint]) -> None:
        """The conductor's own eyes look from now on: a headset's cameras, which ``eyes`` tells the place of. What the
        display shows itself is nothing."""
        self._eyes = eyes
        self.base.camNode.set_active(False)
        self._show()

    def render(self) -> None:
        """Draw one frame."""
        self.base.graphics_engine.render_frame()

    def screenshot(self, path: str | Path, camera: str | None = None) -> None:
        """Write what a camera sees (this one's own by default) as PNG. Raises ``SceneError``, ``OSError``."""
        before = self.camera
        self.look_from(camera or before)
        try:
            self.render()
            if self._fineness == 1:
                self.render()  # a window shows what was drawn one frame before
            image = PNMImage()
            if not self.base.win.get_screenshot(image):
                raise SceneError("the picture could not be read back from the graphics card")
        finally:
            self.look_from(before)
        if self._fineness > 1:
            image = _averaged(image, self._fineness)
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not image.write(Filename.from_os_specific(str(target))):
            raise SceneError(f"{target} cannot be written: choose another folder")

    def close(self) -> None:
        """Close window or buffer; another view may be opened afterwards."""
        self.base.destroy()

    def _aim(self) -> None:
        if self._eyes is not None:
            self._hands.show(True)
            self._cast.look_from(self._eyes(), show_conductor=False)
            return
        camera = camera_named(self.hall, self.camera)
        first_person = self.camera == FIRST_PERSON
        width, height = self.base.win.get_x_size(), self.base.win.get_y_size()
        aspect = width / max(height, 1)
        head = self._frame.pose_of("head")
        if first_person and head is not None:
            follow_head(self.base.cam, head, camera, aspect)
        else:
            aim(self.base.cam, camera, aspect)
        self._hands.show(first_person)
        self._cast.look_from(viewpoint(self.base.cam, height), show_conductor=not first_person)


def _averaged(image: PNMImage, factor: int) -> PNMImage:
    """An image shrunk by a whole factor, each pixel the mean of those it covers."""
    result = PNMImage(image.get_x_size() // factor, image.get_y_size() // factor, image.get_num_channels())
    result.quick_filter_from(image)
    return result
