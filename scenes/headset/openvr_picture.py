"""The hall in the headset: both eyes drawn into one double-wide buffer, culled once, and given to the compositor.

``waitGetPoses`` paces it: it waits until it is time to draw the next picture, and tells where everything will be when
that is seen. Everything here runs on the thread that opened the display, for a graphics context belongs to one thread.
"""

import ctypes
import math
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import openvr
from panda3d.core import Camera, NodePath, PythonCallbackObject

from ...engine.clock import SessionClock
from ...engine.errors import SceneError
from ...engine.hall import Hall
from ...engine.interaction.values import InteractionFrame
from ...engine.transforms import PODIUM_HEIGHT_M, tracking_to_hall, tracking_to_hall_quaternion
from ...engine.types import Pose
from ..cameras import FAR_M
from ..rig import rotation_matrices
from ..view import RESTING, StageView
from .eyes import NEAR_M, TO_TRACKING, Eye, eye_of, matrix_of, moved
from .headset_pointers import pointer_at
from .hidden_area import hidden_corners
from .openvr_interfaces import REFUSED, interface, name_of
from .openvr_messages import Hand, Show, Stage
from .openvr_tracking import HeadsetTracking
from .shown_frames import ShownFrames
from .stereo import StereoBuffer

EYES = (openvr.Eye_Left, openvr.Eye_Right)
BOUNDS = ((0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 1.0, 1.0))
"""Each eye's half of the buffer: u and v from and to. OpenGL's v runs upwards, and the runtime knows."""
MULTISAMPLES = 4
MOST_PX = 4096
"""An eye's picture is no wider or higher: what larger ones show is lost in the headset's lenses."""
SOFTWARE = ("llvmpipe", "softpipe", "swrast", "software")
SOFTWARE_PX = 360
"""Without a graphics card an eye's longer side has so many pixels: more would leave no processor for the sound, and
some runtimes renew poses only with each picture."""
REFUSED_S = 0.05
"""Where the compositor wants no picture, it is asked again after this long."""
NOT_TAKEN = frozenset(
    ("InvalidTexture", "TextureUsesUnsupportedFormat", "SharedTexturesNotSupported", "TextureIsOnWrongDevice")
)
"""Refusals that come from how we draw, not from what else the headset shows."""
STEADY_PICTURES = 5
"""After so many with a tracked head the runtime has settled. Runtimes on OpenXR begin a new session with the first
picture, and change its state with the next few: who asks for poses meanwhile may find none, or wait for ever."""
EYES_AGAIN_S = 0.5
"""How often the eyes' places are asked anew: people turn the wheel for their distance while they look."""


class HeadsetPicture:
    """Opens the scene for a headset that ``tracking`` joined with a picture; ``draw`` it over and over, then ``close``.

    Raises ``SceneError`` where this machine cannot draw. ``drawn`` counts the pictures that the compositor took,
    ``refused`` those that it did not; ``trouble`` names the last refusal.
    """

    def __init__(self, stage: Stage, tracking: HeadsetTracking, clock: SessionClock, display_hz: float) -> None:
        self._tracking = tracking
        self._clock = clock
        self._period_s = 1.0 / display_hz
        try:
            self._compositor = interface(openvr.IVRCompositor)
        except REFUSED as error:
            raise SceneError(f"{error}: update it") from error
        self._compositor.setTrackingSpace(tracking.universe)
        self._view = StageView(
            stage.placements,
            [part.name for part in stage.score.parts],
            stage.score.title,
            window=False,
            size=(8, 8),
            score=stage.score,
            composer=stage.score.composer,
            hall=stage.hall,
            drivers=drivers(),
        )
        try:
            self._frames = ShownFrames(stage.score, RESTING)
            self._room = self._view.world.attach_new_node("room")
            self._head = self._room.attach_new_node("head")
            self.eye_px = self._eye_size()
            self._eyes = StereoBuffer(self._view.base, self._head, self.eye_px, 0 if self._software else MULTISAMPLES)
            self._hide_corners()
            self._submitted = [_texture(), *(openvr.VRTextureBounds_t(*bounds) for bounds in BOUNDS)]
            self._submit_after_drawing()
        except BaseException:
            self._view.close()
            raise
        self._poses = (openvr.TrackedDevicePose_t * openvr.k_unMaxTrackedDeviceCount)()
        self._photons_s = self._float_property(openvr.Prop_SecondsFromVsyncToPhotons_Float)
        self._eyes_s = -math.inf
        self._interaction: InteractionFrame | None = None
        self._baton_hand: Hand = "right"
        self.drawn = self.refused = 0
        self.trouble = ""
        self._tracked = 0
        self._look_through_eyes()
        self._view.see_with(self._eyes.viewpoint)

    def draw(self, news: Sequence[Show]) -> None:
        """Wait for the next picture's time and draw it, with what the studio told since the last."""
        try:
            self._compositor.waitGetPoses(self._poses, None)
        except REFUSED as error:  # a dashboard or another scene is in front: it may go away again
            self.refused += 1
            self.trouble = name_of(error)
            time.sleep(REFUSED_S)
            self._heed(news)
            return
        shown_s = self._clock.now_s() + self._period_s + self._photons_s
        self._heed(news)
        if self._tracking.lenses_changed or shown_s - self._eyes_s > EYES_AGAIN_S:
            self._tracking.lenses_changed = False
            self._eyes_s = shown_s
            self._look_through_eyes()
        head, poses = self._tracking.shown(self._poses, shown_s)
        origin = self._tracking.origin
        self._room.set_mat(moved(np.eye(4) if origin is None else origin))
        self._room.set_z(self._room.get_z() + PODIUM_HEIGHT_M)
        if head is not None:
            self._head.set_mat(moved(head))
            self._tracked += 1
        if self._tracking.baton_hand != self._baton_hand:
            self._baton_hand = self._tracking.baton_hand
            self._view.hold_baton_left(self._baton_hand == "left")
        self._view.show_fingers(self._fingers(poses))
        pointers = [pointer_at(aim, hand) for hand, aim in self._tracking.shown_aims(self._poses, shown_s).items()]
        self._view.show_interaction(self._interaction, pointers)
        self._view.update(self._frames.at(shown_s, poses))
        self._view.render()

    def _heed(self, news: Sequence[Show]) -> None:
        for show in news:
            self._frames.take(show.frames)
            if show.placements is not None:
                self._view.place(show.placements)
            if show.hall is not None:
                self._enter(show.hall)
            if show.interaction is not None:
                self._interaction = show.interaction

    def _enter(self, hall: Hall) -> None:
        try:
            self._view.enter(hall)
        except SceneError as error:
            self._tracking.notices.append(f"the headset shows the last hall still ({error})")

    def _fingers(self, poses: Sequence[Pose]) -> np.ndarray | None:
        """The joints of the hand without the baton in the hall, where it is tracked and has a skeleton."""
        hand = next((pose for pose in poses if pose.device == "left"), None)
        bones = self._tracking.fingers() if hand is not None else None
        if hand is None or hand.orientation_wxyz is None or bones is None:
            return None
        turn = rotation_matrices(np.array([tracking_to_hall_quaternion(hand.orientation_wxyz)]))[0]
        joints: np.ndarray = bones @ TO_TRACKING[:3, :3] @ turn.T + tracking_to_hall(hand.position_m)
        return joints

    @property
    def steady(self) -> bool:
        """Whether the runtime takes our pictures and tells where the head is."""
        return min(self.drawn, self._tracked) >= STEADY_PICTURES

    @property
    def advice(self) -> str:
        """What a person can do about the last refusal."""
        if self.trouble not in NOT_TAKEN:
            return "close what it shows"
        if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
            return "it takes pictures through an X server only; start Tutti with DISPLAY set, Xvfb will do"
        return "it does not take OpenGL pictures from this graphics driver; update both"

    def close(self) -> None:
        """Close the buffer, once the runtime was left: till then it may use our graphics context."""
        self._view.close()

    # -- opening -------------------------------------------------------------------------------------------

    def _eye_size(self) -> tuple[int, int]:
        wide, high = self._tracking.system.getRecommendedRenderTargetSize()
        if not wide or not high:
            raise SceneError("the VR runtime does not tell the size of its pictures: restart SteamVR")
        most = MOST_PX
        if self._software:
            most = SOFTWARE_PX
            self._tracking.notices.append(
                "no graphics card draws here: the headset's picture is coarse and slow; conducting is not"
            )
        part = min(1.0, most / max(wide, high))
        return max(1, round(wide * part)), max(1, round(high * part))

    def _hide_corners(self) -> None:
        """Nothing is shaded where the lenses hide the picture, as far as the runtime tells."""
        try:
            meshes = [self._tracking.system.getHiddenAreaMesh(eye) for eye in EYES]
        except REFUSED:  # it may hide nothing, and only costs time then
            return
        areas = [corners for mesh in meshes if (corners := hidden_corners(mesh)) is not None]
        if len(areas) == len(EYES):
            self._eyes.hide(areas)

    @property
    def _software(self) -> bool:
        return any(name in self._view.base.win.gsg.driver_renderer.lower() for name in SOFTWARE)

    def _submit_after_drawing(self) -> None:
        """The main buffer is drawn after the eyes' (which by then is complete, its samples averaged) and makes our
        graphics context the current one: there the picture is handed over."""
        region = self._view.base.win.make_display_region()
        region.set_sort(1000)
        region.set_camera(NodePath(Camera("nothing")))
        region.set_draw_callback(PythonCallbackObject(self._submit))

    def _submit(self, callback: Any) -> None:
        callback.upcall()
        texture, *bounds = self._submitted
        texture.handle = ctypes.c_void_p(self._eyes.texture_id())
        try:
            for eye, part in zip(EYES, bounds, strict=True):
                self._compositor.submit(eye, texture, part)
        except REFUSED as error:
            self.refused += 1
            self.trouble = name_of(error)
        else:
            self.drawn += 1

    # -- looking -------------------------------------------------------------------------------------------

    def _look_through_eyes(self) -> None:
        system = self._tracking.system
        eyes: list[Eye] = []
        for eye in EYES:
            projection = matrix_of(system.getProjectionMatrix(eye, NEAR_M, FAR_M).m)
            eyes.append(eye_of(projection, matrix_of(system.getEyeToHeadTransform(eye).m)))
        self._eyes.look_with((eyes[0], eyes[1]))

    def _float_property(self, name: int) -> float:
        try:
            value = float(self._tracking.system.getFloatTrackedDeviceProperty(openvr.k_unTrackedDeviceIndex_Hmd, name))
        except REFUSED:
            return 0.0
        return value if 0.0 <= value < 0.1 else 0.0


def drivers() -> tuple[str, ...]:
    """Panda3D's ways to OpenGL that a VR runtime can share, best first: on Linux they hand over GLX contexts, for which
    a screen is needed."""
    if not sys.platform.startswith("linux") or os.environ.get("DISPLAY"):
        return ("pandagl", "p3headlessgl")
    return ("p3headlessgl",)


def _texture() -> Any:
    texture = openvr.Texture_t()
    texture.eType = openvr.TextureType_OpenGL
    texture.eColorSpace = openvr.ColorSpace_Gamma
    return texture
