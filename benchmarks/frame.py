"""What a frame of the scene costs the processor: python benchmarks/frame.py [--frames N] [--draw]

Eighty animated players in the hall, for a window and for both eyes of a headset. ``app`` is the step that moves
everyone, ``draw`` is culling and issuing the draw calls; both are process CPU time. Mesa is told to draw nothing
(GALLIUM_NOOP), so that a machine without a graphics card measures the program and not the rasteriser. The limit is 5 ms
(72 and 90 Hz headsets leave 11 to 14 ms for everything); the peer is the same orchestra the ordinary way, a scene graph
node for each moving part. At last, or alone with ``--draw``, the graphics card really draws both eyes, 2064 × 2208 each
and four samples a pixel, and it is timed until it has done so (gl-finish); where there is none, it says so.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

if "--draw" not in sys.argv:
    os.environ.setdefault("GALLIUM_NOOP", "1")

import numpy as np
from panda3d.core import GeomNode, LMatrix4, NodePath, load_prc_file_data

from tutti.assets import asset_path
from tutti.engine.hall import read_hall
from tutti.engine.instruments import catalogue
from tutti.engine.placement import place_players, read_plan
from tutti.engine.score import BEAT_DTYPE, FERMATA_DTYPE, MEASURE_DTYPE, NOTE_DTYPE, TEMPO_DTYPE, Part, Score
from tutti.engine.transforms import PODIUM_HEIGHT_M
from tutti.engine.types import Dynamics, Frame, NoteEvent, PlayerPlacement, Pose, ScorePosition
from tutti.scenes.cast import model_of
from tutti.scenes.headset.eyes import FAR_M, NEAR_M, Eye, eye_of, moved
from tutti.scenes.headset.openvr_picture import SOFTWARE
from tutti.scenes.headset.stereo import StereoBuffer
from tutti.scenes.meshes import JOINTS, PlayerMesh, load_gltf, read_player_meshes
from tutti.scenes.players import surface_geom
from tutti.scenes.view import StageView

LIMIT_MS = 5.0
FRAMES_PER_S = 90
EYE_PX = (2064, 2208)
"""Of a Quest 3, as it recommends it."""
EYE_FIELD = (-1.38, 0.84, -1.19, 0.97)
"""The left eye's, as tangents of left, right, down and up; the right eye's is its mirror image."""
IPD_M = 0.063
EYES_M = 1.7
WINDS = ("flute", "oboe", "clarinet", "bassoon", "trumpet")
SOLO = (
    *(key for key in WINDS for _ in range(2)),
    *["horn"] * 4,
    *["trombone"] * 3,
    "tuba",
    "timpani",
    "percussion",
    "harp",
)
STRINGS = ("violin", "violin", "viola", "cello", "contrabass")


def orchestra() -> Score:
    """A score that seats about eighty; its notes are played by ``frame``."""
    parts = tuple(Part(key.title(), key[:3], key, 0 if key in STRINGS else 1) for key in (*SOLO, *STRINGS))
    return Score(
        "Benchmark",
        "",
        "0" * 64,
        parts,
        np.array(
            [(float(q), 1.0, 60, part, 0.6, 0, 0, 0.0, 0) for q in range(8) for part in range(len(parts))], NOTE_DTYPE
        ),
        np.array([(0.0, 8.0, "1", 8, 4)], MEASURE_DTYPE),
        np.array([(float(q), 1.0, 0, q + 1, 8) for q in range(8)], BEAT_DTYPE),
        np.array([(0.0, 120.0)], TEMPO_DTYPE),
        np.array([], FERMATA_DTYPE),
    )


def frame(index: int, parts: int) -> Frame:
    """Everyone plays quavers at 120 while the baton beats."""
    now_s = index / FRAMES_PER_S
    notes: tuple[NoteEvent, ...] = ()
    if index % (FRAMES_PER_S // 4) == 0:
        notes = tuple(
            NoteEvent(index * 100 + part, part, now_s + 0.08, 0.22, 60, 80, "sustain", 2 * now_s)
            for part in range(parts)
        )
    position = ScorePosition(now_s, 2 * now_s, 2 * now_s, 2.0, 120.0, str(index // 180), 1.0, "playing")
    baton = Pose(now_s, "baton", (0.2 + 0.2 * np.sin(6.28 * now_s), 1.3 + 0.2 * np.cos(6.28 * now_s), -0.4))
    return Frame(index, now_s, position, None, Dynamics(now_s, 0.5, 0.0), notes=notes, poses=(baton,))


def median_ms(work: Callable[[int], object], frames: int) -> tuple[float, float]:
    """Median and 95th percentile of process CPU time of a call, in ms."""
    spent = []
    for index in range(frames):
        start_s = time.process_time()
        work(index)
        spent.append(1000 * (time.process_time() - start_s))
    return statistics.median(spent), float(np.percentile(spent, 95))


class NodePerPart:
    """The ordinary way: every joint of every player a node whose transform is set each frame."""

    def __init__(self, view: StageView, placements: tuple[PlayerPlacement, ...], meshes: list[PlayerMesh]) -> None:
        self._root = view.world.attach_new_node("peer")
        self._nodes: list[NodePath] = []
        made: dict[tuple[int, int], GeomNode | None] = {}
        for mesh in meshes:
            for joint in range(len(JOINTS)):
                key = (id(mesh), joint)
                if key not in made:
                    made[key] = _joint_node(mesh, joint)
                node = made[key]
                if node is not None:
                    self._nodes.append(self._root.attach_new_node(node.make_copy()))
        self._matrices = [
            LMatrix4.translate_mat(*placements[k % len(placements)].position_m) for k in range(len(self._nodes))
        ]

    def step(self, index: int) -> None:
        for node, matrix in zip(self._nodes, self._matrices, strict=True):
            node.set_mat(LMatrix4.rotate_mat(index % 7, (0, 0, 1)) * matrix)


def _joint_node(mesh: PlayerMesh, joint: int) -> GeomNode | None:
    chosen = mesh.triangles[mesh.joint[mesh.triangles[:, 0]] == joint]
    if not len(chosen):
        return None
    part = PlayerMesh(
        mesh.position, mesh.normal, mesh.colour, mesh.surface, mesh.tint, mesh.joint, mesh.option, chosen, mesh.parts
    )
    node = GeomNode(f"joint {joint}")
    node.add_geom(surface_geom(part))
    return node


def headset_eyes() -> tuple[Eye, Eye]:
    """A headset's eyes as a VR runtime tells of them."""
    left, right, down, up = EYE_FIELD
    found = []
    for side, (first, last) in ((-1.0, (left, right)), (1.0, (-right, -left))):
        projection = np.zeros((4, 4))
        projection[0, [0, 2]] = 2 / (last - first), (last + first) / (last - first)
        projection[1, [1, 2]] = 2 / (up - down), (up + down) / (up - down)
        to_head = np.eye(4)
        to_head[0, 3] = side * IPD_M / 2
        found.append(eye_of(projection, to_head, NEAR_M, FAR_M))
    return found[0], found[1]


def put_on(view: StageView, multisamples: int) -> StereoBuffer:
    """Look with a headset from the podium."""
    place = np.eye(4)
    place[1, 3] = EYES_M + PODIUM_HEIGHT_M
    head = view.world.attach_new_node("head")
    head.set_mat(moved(place))
    eyes = StereoBuffer(view.base, head, EYE_PX, multisamples)
    eyes.look_with(headset_eyes())
    view.see_with(eyes.viewpoint)
    return eyes


def open_view() -> tuple[StageView, tuple[PlayerPlacement, ...], Callable[[int], None]]:
    """The scene with its orchestra, and what moves everyone to the next frame."""
    score = orchestra()
    placements = place_players(score, read_plan("american"), read_hall())
    names = [part.name for part in score.parts]
    view = StageView(placements, names, "Benchmark", window=False, size=(640, 360), score=score)
    clock = iter(range(10**9))
    return view, placements, lambda _: view.update(frame(next(clock), len(names)))


def draw_stereo(frames: int) -> None:
    """How long the graphics card takes for both eyes."""
    load_prc_file_data("bench", "gl-finish 1")
    view, placements, step = open_view()
    renderer = view.base.win.gsg.driver_renderer
    if any(name in renderer.lower() for name in SOFTWARE):
        print(f"software renderer ({renderer}): no graphics card draws here, so a stereo frame is not timed")
        view.close()
        return
    put_on(view, 4)
    print(f"{len(placements)} players, {view.base.win.gsg.driver_renderer}, 2 x {EYE_PX[0]} x {EYE_PX[1]}, 4 samples")
    spent = []
    for index in range(frames + 10):
        step(index)
        start_s = time.perf_counter()
        view.render()
        if index >= 10:
            spent.append(1000 * (time.perf_counter() - start_s))
    median, high = statistics.median(spent), float(np.percentile(spent, 95))
    print(f"stereo frame {median:.2f} ms, p95 {high:.2f} ms; a frame of 90 Hz / cost {1000 / 90 / median:.1f}x")
    view.close()


def measure(view: StageView, name: str, step: Callable[[int], None], frames: int) -> float:
    """Print what a frame costs as the view looks now; its median of everything in ms."""
    for index in range(30):
        step(index)
        view.render()
    app_ms, app_high = median_ms(step, frames)
    draw_ms, draw_high = median_ms(lambda _: view.render(), frames)
    ratio = LIMIT_MS / (app_ms + draw_ms)
    print(f"{name:<10} {app_ms:8.2f} {app_high:6.2f} {draw_ms:8.2f} {draw_high:6.2f} {ratio:12.1f}x")
    return app_ms + draw_ms


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--frames", type=int, default=400)
    arguments.add_argument("--draw", action="store_true")
    chosen = arguments.parse_args()
    frames = chosen.frames
    if chosen.draw:
        draw_stereo(frames)
        return
    view, placements, step = open_view()
    print(f"{len(placements)} players, {view.base.win.gsg.driver_renderer}, rasteriser off")
    print(f"{'camera':<10} {'app ms':>8} {'p95':>6} {'draw ms':>8} {'p95':>6} {'limit / cost':>13}")
    worst_ms = 0.0
    for camera in view.cameras:
        view.look_from(camera)
        worst_ms = max(worst_ms, measure(view, camera, step, frames))
    put_on(view, 0)
    stereo_ms = measure(view, "headset", step, frames)
    view.place(())
    known = read_player_meshes(load_gltf(asset_path("models", "players.glb")))
    meshes = [known[model_of(catalogue()[placement.instrument].model, known)][0] for placement in placements]
    peer = NodePerPart(view, placements, meshes)
    for index in range(10):
        peer.step(index)
        view.render()
    peer_app_ms, _ = median_ms(peer.step, frames // 4)
    peer_draw_ms, _ = median_ms(lambda _: view.render(), frames // 4)
    peer_ms = peer_app_ms + peer_draw_ms
    print(
        f"peer in the headset, a node per part (transforms only, nothing computed): app {peer_app_ms:.2f}, "
        f"draw {peer_draw_ms:.2f} ms"
    )
    print(
        f"window {worst_ms:.2f} ms, limit / cost {LIMIT_MS / worst_ms:.1f}x; headset {stereo_ms:.2f} ms, "
        f"limit / cost {LIMIT_MS / stereo_ms:.1f}x, peer / cost {peer_ms / stereo_ms:.1f}x",
        flush=True,
    )
    view.close()
    drawing = {name: value for name, value in os.environ.items() if name != "GALLIUM_NOOP"}
    subprocess.run([sys.executable, __file__, "--draw", "--frames", str(frames)], env=drawing, check=True)


if __name__ == "__main__":
    main()
