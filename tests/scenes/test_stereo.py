"""Two eyes: where points of the hall appear in either, what is culled, and that it is culled once."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
from direct.showbase.ShowBase import ShowBase
from needs import needs_gl
from openvr import HiddenAreaMesh_t, HmdVector2_t
from panda3d.core import CallbackNode, CardMaker, NodePath, PythonCallbackObject

from tutti.scenes.cameras import FAR_M
from tutti.scenes.display import open_display
from tutti.scenes.headset.eyes import NEAR_M, TO_TRACKING, Eye, common_field, eye_of, matrix_of, moved
from tutti.scenes.headset.hidden_area import hidden_corners
from tutti.scenes.headset.stereo import StereoBuffer

IPD_M = 0.064


def direct3d(left: float, right: float, down: float, up: float) -> np.ndarray:
    """A projection as OpenVR gives it: depth 0…1."""
    depth = FAR_M - NEAR_M
    return np.array(
        [
            [2 / (right - left), 0, (right + left) / (right - left), 0],
            [0, 2 / (up - down), (up + down) / (up - down), 0],
            [0, 0, -FAR_M / depth, -FAR_M * NEAR_M / depth],
            [0, 0, -1, 0],
        ]
    )


def eyes(turned_rad: float = 0.0) -> tuple[Eye, Eye]:
    """A headset's eyes, wider to the outside, their displays turned outwards by ``turned_rad``."""
    found = []
    for side, (left, right) in ((-1, (-1.2, 1.0)), (1, (-1.0, 1.2))):
        to_head = np.eye(4)
        c, s = math.cos(side * turned_rad), math.sin(side * turned_rad)
        to_head[:3, :3] = [[c, 0, -s], [0, 1, 0], [s, 0, c]]
        to_head[0, 3] = side * IPD_M / 2
        found.append(eye_of(direct3d(left, right, -1.1, 1.05), to_head))
    return found[0], found[1]


def seen(eye: Eye, point: np.ndarray) -> np.ndarray:
    """Where an eye sees a point of the head's space (tracking axes): normalised device coordinates."""
    clip = eye.projection @ np.linalg.inv(eye.to_head) @ np.append(point, 1.0)
    return np.asarray(clip[:3] / clip[3])


def test_matrices_of_the_runtime() -> None:
    eye = eyes()[0]
    near, far = (seen(eye, np.array([0.0, 0.0, -z])) for z in (NEAR_M, FAR_M))
    assert (near[2], far[2]) == pytest.approx((-1.0, 1.0)), "OpenGL's depth"
    ahead = moved(matrix_of([[1, 0, 0, 1.0], [0, 1, 0, 2.0], [0, 0, 1, 3.0]]))
    assert tuple(ahead.xform_point((0, 0, 0))) == pytest.approx((1.0, -3.0, 2.0)), "up is Z, ahead is Y"


@pytest.mark.parametrize("turned_deg", [0.0, 5.0, 12.0])
def test_the_common_field_holds_what_both_eyes_see(turned_deg: float) -> None:
    pair = eyes(math.radians(turned_deg))
    field = common_field(pair)
    assert field.behind_m < 0.1, "hardly wider than needed"
    rng = np.random.default_rng(3)
    points = rng.uniform((-20, -20, -15), (20, 20, -0.1), (6000, 3))
    visible = np.array([any(np.all(np.abs(seen(eye, point)[:2]) <= 1) for eye in pair) for point in points])
    away = -points[:, 2] + field.behind_m
    across, along = points[:, 0] / away, points[:, 1] / away
    inside = (across > field.left) & (across < field.right) & (along > field.down) & (along < field.up)
    assert visible.sum() > 500
    assert np.all(inside[visible])
    angle = np.arctan2(np.hypot(points[:, 0], points[:, 1]), away)
    assert np.all(angle[visible] <= field.half_field_rad)


@pytest.fixture
def base() -> Iterator[ShowBase]:
    opened = open_display("", window=False, size=(8, 8))
    opened.set_background_color(0, 0, 0, 1)
    yield opened
    opened.destroy()


def picture(base: ShowBase, buffer: StereoBuffer) -> np.ndarray:
    base.graphics_engine.render_frame()
    base.graphics_engine.extract_texture_data(buffer.texture, base.win.gsg)
    wide, high = buffer.eye_px
    pixels = np.frombuffer(buffer.texture.get_ram_image_as("RGBA"), "u1")
    return pixels.reshape(high, 2 * wide, 4)[:, :, :3].astype(float)


@needs_gl
def test_every_eye_sees_a_point_where_it_is(base: ShowBase) -> None:
    head = base.render.attach_new_node("head")
    place = np.array([[1, 0, 0, 0.3], [0, 1, 0, 1.7], [0, 0, 1, -0.2], [0, 0, 0, 1]])
    head.set_mat(moved(place))
    buffer = StereoBuffer(base, head, (220, 200), 0)
    pair = eyes()
    buffer.look_with(pair)
    points = {"red": (0.5, 2.1, -2.0), "green": (-0.9, 1.2, -1.5), "blue": (0.3, 1.7, -8.0)}
    for index, place_m in enumerate(points.values()):
        maker = CardMaker("point")
        maker.set_frame(-0.02, 0.02, -0.02, 0.02)
        card: NodePath = base.render.attach_new_node(maker.generate())
        card.set_pos(*(TO_TRACKING.T[:3, :3] @ place_m))
        card.set_scale(abs(place_m[2]))
        card.set_color(*np.eye(3)[index], 1)
    found = picture(base, buffer)
    for side, eye in enumerate(pair):
        for index, (name, place_m) in enumerate(points.items()):
            half = found[:, side * 220 : (side + 1) * 220, index]
            rows, columns = np.nonzero(half > 128)
            assert len(rows), f"eye {side} does not see the {name} point"
            wanted = seen(eye, np.array(place_m) - [0.3, 1.7, -0.2])
            assert columns.mean() + 0.5 == pytest.approx(220 * (wanted[0] + 1) / 2, abs=1.0)
            assert rows.mean() + 0.5 == pytest.approx(200 * (wanted[1] + 1) / 2, abs=1.0), "OpenGL's rows run upwards"


def test_the_nearer_the_farther_apart() -> None:
    """Seen along parallel lines, a point is further to the right in the left eye, the more the nearer it is."""

    def apart(distance_m: float) -> float:
        left, right = (seen(eye, np.array([0.1, 0.0, -distance_m]))[0] / eye.projection[0, 0] for eye in eyes())
        offsets = [eye.projection[0, 2] / eye.projection[0, 0] for eye in eyes()]
        return float((left + offsets[0]) - (right + offsets[1]))

    assert apart(0.5) == pytest.approx(IPD_M / 0.5)
    assert apart(8.0) == pytest.approx(IPD_M / 8.0)


@needs_gl
def test_what_lenses_hide_is_left_out_of_either_eye(base: ShowBase) -> None:
    maker = CardMaker("everything")
    maker.set_frame(-50, 50, -50, 50)
    card: NodePath = base.render.attach_new_node(maker.generate())
    card.set_pos(0, 3, 0)
    card.set_color(0, 1, 0, 1)
    base.set_background_color(0, 0, 1, 1)
    buffer = StereoBuffer(base, base.render.attach_new_node("head"), (100, 100), 0)
    buffer.look_with(eyes())
    assert (picture(base, buffer)[:, :, 1] > 200).all()
    lower_left, upper_right = [(0.0, 0.0), (0.4, 0.0), (0.0, 0.4)], [(1.0, 1.0), (0.8, 1.0), (1.0, 0.8)]
    buffer.hide([np.array(lower_left), np.array(upper_right)])
    found = picture(base, buffer)[:, :, 1] > 200
    left, right = found[:, :100], found[:, 100:]
    assert not left[5:25, 5:10].any() and left[40:, :].all() and left[:, 45:].all()
    assert not right[95:, 95:].any() and right[:75].all() and right[:, :75].all()
    assert (~left).sum() == pytest.approx(0.08 * 10_000, rel=0.05)


def test_a_hidden_area_that_cannot_be_one_is_not_believed() -> None:
    def mesh(corners: list[tuple[float, float]]) -> HiddenAreaMesh_t:
        found = HiddenAreaMesh_t()
        found.pVertexData = (HmdVector2_t * max(1, len(corners)))(*[HmdVector2_t(x, y) for x, y in corners])
        found.unTriangleCount = len(corners) // 3
        return found

    corner = [(0.0, 0.0), (0.3, 0.0), (0.0, 0.3)]
    np.testing.assert_allclose(hidden_corners(mesh(corner)), corner, atol=1e-6)
    assert hidden_corners(mesh([])) is None
    assert hidden_corners(HiddenAreaMesh_t()) is None
    assert hidden_corners(mesh([(-1.2, -1.1), (-0.4, -1.1), (-1.2, 0.3)])) is None, "tangents, as some runtimes give"
    assert hidden_corners(mesh([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)])) is None


@needs_gl
def test_both_eyes_are_culled_once(base: ShowBase) -> None:
    buffer = StereoBuffer(base, base.render.attach_new_node("head"), (64, 64), 0)
    buffer.look_with(eyes())
    base.camNode.set_active(False)
    culls: list[int] = []
    node = CallbackNode("counted")
    node.set_cull_callback(PythonCallbackObject(lambda data: culls.append(1)))
    base.render.attach_new_node(node).set_pos(0, 3, 0)
    for _ in range(3):
        base.graphics_engine.render_frame()
    assert len(culls) == 3
