"""What a frame of the scene costs the processor: python benchmarks/scene_frame.py [--frames N]

Eighty animated players in the hall. ``app`` is the step that moves everyone, ``draw`` is culling and issuing the
draw calls; both are process CPU time. Mesa is told to draw nothing (GALLIUM_NOOP), so that a machine without a graphics
card measures the program and not the rasteriser. The limit is 5 ms (72 and 90 Hz headsets leave 11 to 14 ms for
everything); the peer is the same orchestra the ordinary way, a scene graph node for each moving part.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("GALLIUM_NOOP", "1")

import numpy as np
from panda3d.core import GeomNode, LMatrix4, NodePath

from tutti.assets import asset_path
from tutti.engine.hall import read_hall
from tutti.engine.instruments import catalogue
from tutti.engine.placement import place_players, read_plan
from tutti.engine.score import BEAT_DTYPE, FERMATA_DTYPE, MEASURE_DTYPE, NOTE_DTYPE, TEMPO_DTYPE, Part, Score
from tutti.engine.types import Dynamics, Frame, NoteEvent, PlayerPlacement, Pose, ScorePosition
from tutti.scenes.cast import model_of
from tutti.scenes.meshes import JOINTS, PlayerMesh, load_gltf, read_player_meshes
from tutti.scenes.players import surface_geom
from tutti.scenes.view import StageView

LIMIT_MS = 5.0
FRAMES_PER_S = 90
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
        np.array([(float(q), 1.0, 60, part, 0.6, 0, 0) for q in range(8) for part in range(len(parts))], NOTE_DTYPE),
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


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--frames", type=int, default=400)
    frames = arguments.parse_args().frames
    score = orchestra()
    placements = place_players(score, read_plan("american"), read_hall())
    names = [part.name for part in score.parts]
    view = StageView(placements, names, "Benchmark", window=False, size=(640, 360), score=score)
    print(f"{len(placements)} players, {view.base.win.gsg.driver_renderer}, rasteriser off")
    clock = iter(range(10**9))

    def step(_: int) -> None:
        view.update(frame(next(clock), len(names)))

    print(f"{'camera':<10} {'app ms':>8} {'p95':>6} {'draw ms':>8} {'p95':>6} {'limit / cost':>13}")
    worst_ms = 0.0
    for camera in view.cameras:
        view.look_from(camera)
        for index in range(30):
            step(index)
            view.render()
        app_ms, app_high = median_ms(step, frames)
        draw_ms, draw_high = median_ms(lambda _: view.render(), frames)
        worst_ms = max(worst_ms, app_ms + draw_ms)
        ratio = LIMIT_MS / (app_ms + draw_ms)
        print(f"{camera:<10} {app_ms:8.2f} {app_high:6.2f} {draw_ms:8.2f} {draw_high:6.2f} {ratio:12.1f}x")
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
        f"peer, a node per part (transforms only, nothing computed): app {peer_app_ms:.2f}, draw {peer_draw_ms:.2f} ms"
    )
    print(f"cost {worst_ms:.2f} ms; limit / cost {LIMIT_MS / worst_ms:.1f}x; peer / cost {peer_ms / worst_ms:.1f}x")
    view.close()


if __name__ == "__main__":
    main()
