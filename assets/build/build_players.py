"""Players with their instruments → players.glb and rig.json.

    python build_players.py OUT [--only violin,cello] [--samples 24]

Needs Blender as a module (``pip install bpy==5.0.1``, Python 3.11). The node names, colours and poses are described
in assets/models/README.md.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import body
import bpy
import glb
import numpy as np
import percussion
import strings
import winds
from blender import add_empty, add_mesh, bake_occlusion, empty_scene, export_glb
from kit import Bowing, Hold, Kit, Lowering, Plucking, Striking
from meshes import Array, Mesh, frame, unit, vec
from rig import Arm, Hand, Pose, joint, rotation

LODS = (0, 1, 2)
BUDGET = {0: 3600, 1: 900, 2: 300}
"""Triangles of a model to aim at, one build and one head of hair counted; the finest level is as it is built."""
KEEP_BELOW = 40
"""Parts of so few triangles are not reduced: they would fall apart."""
HAIR = {"hair": "short", "hair_b": "bun", "hair_c": "long", "hair_d": "curly"}
PARENTS = {
    "body": None,
    "body_b": None,
    "legs": None,
    "chair": None,
    "stand": None,
    "ground": None,
    "shirt": "body",
    "head": "body",
    **dict.fromkeys(HAIR, "head"),
    "instrument": "body",
    "arm_R": "body",
    "arm_L": "body",
    "fore_R": "arm_R",
    "fore_L": "arm_L",
    "bow": "fore_R",
    "baton": "fore_R",
    "stick_R": "fore_R",
    "stick_L": "fore_L",
}


@dataclass(frozen=True, slots=True)
class Model:
    """One kind of player: how they sit or stand, where their music stands, and what they hold."""

    name: str
    kind: str
    build: Callable[[Kit], Hold]
    standing: bool = False
    spread_m: float = 0.15
    stand: tuple[float, float, float] | None = None
    """Music stand: x, y and height of the desk."""


SEATED_STAND = (0.0, 0.86, 0.80)
MODELS = (
    Model("violin", "bow", strings.violin, stand=SEATED_STAND),
    Model("viola", "bow", strings.viola, stand=SEATED_STAND),
    Model("cello", "bow", strings.cello, spread_m=0.275, stand=(-0.30, 1.0, 0.78)),
    Model("contrabass", "bow", strings.contrabass, standing=True, stand=(0.55, 0.95, 1.12)),
    Model("flute", "wind", winds.flute, stand=SEATED_STAND),
    Model("oboe", "wind", winds.oboe, stand=SEATED_STAND),
    Model("clarinet", "wind", winds.clarinet, stand=SEATED_STAND),
    Model("bassoon", "wind", winds.bassoon, stand=(0.0, 0.92, 0.80)),
    Model("contrabassoon", "wind", winds.contrabassoon, spread_m=0.22, stand=(0.0, 0.95, 0.80)),
    Model("saxophone", "wind", winds.saxophone, stand=(0.0, 0.92, 0.80)),
    Model("horn", "brass", winds.horn, stand=(0.0, 0.92, 0.78)),
    Model("trumpet", "brass", winds.trumpet, stand=(0.0, 1.05, 0.76)),
    Model("trombone", "brass", winds.trombone, stand=(0.22, 1.15, 0.76)),
    Model("tuba", "brass", winds.tuba, spread_m=0.19, stand=(0.0, 0.95, 0.80)),
    Model("timpani", "strike", percussion.timpani, standing=True, stand=(0.0, 1.15, 1.05)),
    Model("percussion", "strike", percussion.percussion, standing=True, stand=(0.26, 1.0, 1.08)),
    Model("mallets", "strike", percussion.mallets, standing=True, stand=(0.0, 1.15, 1.12)),
    Model("harp", "pluck", strings.harp, spread_m=0.25, stand=(-0.50, 0.85, 0.80)),
    Model("guitar", "pluck", strings.guitar, stand=(0.0, 0.92, 0.76)),
    Model("piano", "keys", percussion.piano),
    Model("singer", "voice", percussion.singer, standing=True),
    Model("conductor", "conductor", percussion.conductor, standing=True),
)


def build(model: Model, lod: int) -> tuple[Kit, Hold, dict[str, Arm]]:
    """All parts of a model in place, and its arms."""
    rise = body.STANDING_RISE_M if model.standing else 0.0
    kit = Kit(lod, rise)
    hip, neck = body.HIP + (0, 0, rise), body.NECK + (0, 0, rise)
    body.torso(kit.part("body", hip), rise, slight=False)
    body.torso(kit.part("body_b", hip), rise, slight=True)
    body.shirt(kit.part("shirt", hip), rise)
    body.legs(kit.part("legs"), rise, model.spread_m)
    body.head(kit.part("head", neck), rise)
    for part, style in HAIR.items():
        body.hair(kit.part(part, neck), rise, style)
    hold = model.build(kit)
    if not model.standing and "chair" not in kit.parts:
        body.chair(kit.part("chair"))
    if model.stand is not None:
        x, y, height = model.stand
        body.music_stand(kit.part("stand", (x, y, 0)), vec(x, y, 0), height)
    arms = {}
    for name, hand, side in (("R", hold.right, 1), ("L", hold.left, -1)):
        arm = Arm.reach(body.shoulder(side, rise), hand)
        short = float(np.linalg.norm(arm.grip - hand.grip))
        if short > 0.02:
            print(f"{model.name}: hand {name} misses its grip by {short:.3f} m")
        body.upper_arm(kit.part(f"arm_{name}", arm.shoulder), arm)
        body.forearm(kit.part(f"fore_{name}", arm.elbow), arm, hand, side)
        arms[name] = arm
    if isinstance(hold.motion, Bowing):
        strings.bow_mesh(kit.part("bow", arms["R"].grip), arms["R"].grip, hold.motion)
    return kit, hold, arms


# ---------------------------------------------------------------- poses
def arm_pose(name: str, arm: Arm, grip: Array, tool: str | None = None, tool_turn: Array | None = None) -> Pose:
    """Arm to ``grip``. A tool in the hand keeps its direction in the body's frame, turned by ``tool_turn``."""
    upper, fore, _ = arm.rotations(grip)
    pose = {f"arm_{name}": joint(upper), f"fore_{name}": joint(upper.T @ fore)}
    if tool is not None:
        pose[tool] = joint(fore.T @ (np.eye(3) if tool_turn is None else tool_turn))
    return pose


def bow_poses(b: Bowing, arms: dict[str, Arm]) -> dict[str, Pose]:
    right, rest = arms["R"], arms["R"].grip
    out: dict[str, Pose] = {}

    def hand(share: float) -> Array:
        return rest + b.along * (b.held_m - share * b.length_m)

    # Where the arm ends before the bow does, the stroke ends there, still on the line of the bow.
    shares = np.linspace(0.04, 0.94, 46)
    within = [s for s in shares if np.linalg.norm(right.rotations(hand(s))[2] - hand(s)) < 0.004]
    for i, share in enumerate(np.linspace(min(within), max(within), 5)):
        out[f"bow_{i}"] = arm_pose("R", right, hand(share), "bow")
    out["lift"] = arm_pose("R", right, rest + b.away * 0.05, "bow")
    lowered = right.shoulder + vec(0.10, 0.26, -0.37)
    drop = frame(unit(vec(-0.45, 0.75, -0.25)), vec(0, 0, 1))
    current = frame(unit(b.along), b.away)
    out["rest"] = arm_pose("R", right, lowered, "bow", drop.T @ current)
    for i, grip in enumerate(b.neck):
        out[f"left_{i}"] = arm_pose("L", arms["L"], arms["L"].grip + (grip - b.neck[0]))
    return out


def lowering_poses(m: Lowering, kit: Kit, arms: dict[str, Arm]) -> dict[str, Pose]:
    pivot, turn = kit.parts["instrument"].pivot, rotation(m.axis, m.angle_deg)
    rest: Pose = {"instrument": joint(turn, m.shift)}
    for name, arm in arms.items():
        rest |= arm_pose(name, arm, pivot + turn @ (arm.grip - pivot) + m.shift)
    return {"rest": rest}


def strike_poses(s: Striking, arms: dict[str, Arm]) -> dict[str, Pose]:
    out = {}
    for name, arm in arms.items():
        tool = f"stick_{name}"
        out[f"up_{name}"] = arm_pose(name, arm, arm.grip + s.lift, tool, rotation(s.wrist_axis, s.wrist_deg))
        # At rest the beater hovers; a stroke ends 6 cm lower at its tip, 0.36 m before the hand.
        out[f"hit_{name}"] = arm_pose(name, arm, arm.grip - vec(0, 0, 0.015), tool, rotation(s.wrist_axis, -6.5))
    return out


def breath(model: Model) -> Pose:
    lean = rotation((1, 0, 0), 2.5)  # back
    return {"body": joint(lean, (0, 0, 0.006)), "head": joint(rotation((1, 0, 0), 3.0))}


def poses_of(model: Model, kit: Kit, hold: Hold, arms: dict[str, Arm]) -> dict[str, Pose]:
    poses = {"breath": breath(model)}
    match hold.motion:
        case Bowing() as b:
            poses |= bow_poses(b, arms)
        case Lowering() as m:
            poses |= lowering_poses(m, kit, arms)
        case Striking() as s:
            poses |= strike_poses(s, arms)
        case Plucking(right=r, left=le):
            poses["pluck_R"] = arm_pose("R", arms["R"], arms["R"].grip + r)
            poses["pluck_L"] = arm_pose("L", arms["L"], arms["L"].grip + le)
        case None:
            pass
    return poses


# ---------------------------------------------------------------- the file
def write_model(model: Model, lod: int, samples: int) -> dict[str, object]:
    kit, hold, arms = build(model, lod)
    prefix = model.name if lod == 0 else f"{model.name}_lod{lod}"
    root = add_empty(f"player_{model.name}" + ("" if lod == 0 else f"_lod{lod}"), None, (0, 0, 0))
    objects: dict[str, bpy.types.Object] = {}
    order = [p for p in PARENTS if kit.parts.get(p)]
    counted = {p: kit.parts[p].triangles() for p in order if p not in ("body_b", "hair_b", "hair_c", "hair_d")}
    kept = sum(n for n in counted.values() if n <= KEEP_BELOW)
    ratio = min(1.0, max(0.25, (BUDGET[lod] - kept) / (sum(counted.values()) - kept)))
    for part in order:
        parent = PARENTS[part]
        above = root if parent is None else objects[parent]
        origin = kit.parts[part].pivot - (0 if parent is None else kit.parts[parent].pivot)
        objects[part] = add_mesh(
            f"{prefix}_{part}",
            kit.parts[part],
            above,
            origin,
            reduce_to=ratio if lod and kit.parts[part].triangles() > KEEP_BELOW else 1.0,
        )
    # Each alternative is shaded with the rest of the figure around it, but not with the other alternatives.
    bake_occlusion([objects[p] for p in counted], samples)
    for alternative, usual in (("body_b", "body"), ("hair_b", "hair"), ("hair_c", "hair"), ("hair_d", "hair")):
        around = [objects[p] for p in counted if p not in (usual, "shirt" if usual == "body" else usual)]
        bake_occlusion([objects[alternative]], samples, around)
    triangles = {p: sum(len(q.vertices) - 2 for q in objects[p].data.polygons) for p in counted}
    rig: dict[str, object] = {}
    if lod == 0:
        rig = {
            "stance": "standing" if model.standing else "seated",
            "kind": model.kind,
            "joints": {p: [round(float(x), 5) for x in kit.parts[p].pivot] for p in order},
            "parents": {p: PARENTS[p] for p in order if PARENTS[p]},
            "poses": poses_of(model, kit, hold, arms),
        }
    print(f"{prefix}: {sum(triangles.values())} triangles {triangles if lod == 0 else ''}", flush=True)
    return rig


def write_conductor_things(samples: int) -> None:
    """Hands of the person who conducts, and the stand on the podium."""
    for name, side in (("hand_R_baton", 1), ("hand_L", -1)):
        mesh = Mesh()
        forward = vec(0, 1, 0)
        curl = 48 if side > 0 else 18
        wrist = vec(0, -0.078, 0.024) if side > 0 else vec(0, 0, 0)
        hand = Hand(vec(0, 0, 0), forward, vec(0, 0, -1), vec(0, 0, -1), curl)
        body.hand_mesh(mesh, wrist, forward, hand, side)
        mesh.tube([wrist - forward * 0.034, wrist - forward * 0.004], [0.0325, 0.0335], "shirt", 12)
        mesh.tube([wrist - forward * 0.16, wrist - forward * 0.02], [0.045, 0.037], "cloth", 12)
        if side > 0:
            percussion.baton(mesh, vec(0, 0, 0), forward)
        o = add_mesh(name, mesh, None, vec(0, 0, 0))
        bake_occlusion([o], samples)
        if side > 0:
            add_empty("hand_R_baton_tip", o, (0, percussion.BATON_M - 0.035, 0))
    mesh = Mesh()
    mesh.tube([(0, 0, 0.03), (0, 0, 0.98)], [0.03, 0.022], "varnish_dark", 10)
    mesh.lathe(
        (0, 0, 0), (0, 0, 1), [(0, 0.20), (0.02, 0.20), (0.035, 0.15), (0.06, 0.035), (0.10, 0.03)], "varnish_dark", 20
    )
    normal = unit((0, -0.80, 0.60))
    axes = np.array([vec(1, 0, 0), unit((0, 0.60, 0.80)), normal])
    center = vec(0, 0.0, 1.04)
    mesh.box(center, (0.36, 0.235, 0.009), "varnish_dark", axes)
    mesh.box(center - axes[1] * 0.235 + normal * 0.03, (0.36, 0.009, 0.035), "varnish_dark", axes)
    stand = add_mesh("podium_stand", mesh, None, vec(0, 0, 0))
    bake_occlusion([stand], samples)
    for name, s in (("podium_page_L", -1), ("podium_page_R", 1)):
        c = center + axes[0] * s * 0.166 + axes[1] * 0.012 + normal * 0.013
        corners = [c + axes[0] * u * 0.162 + axes[1] * v * 0.215 for u, v in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        page = Mesh()
        page.add(corners, [(0, 1, 2, 3)], "paper", False)
        add_mesh(name, page, stand, vec(0, 0, 0), page_coordinates=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", default="", help="comma-separated models")
    parser.add_argument("--samples", type=int, default=48, help="rays per vertex for ambient occlusion")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    empty_scene()
    wanted = set(filter(None, arguments.only.split(",")))
    rigs = {}
    for model in MODELS:
        if wanted and model.name not in wanted:
            continue
        for lod in LODS:
            rig = write_model(model, lod, arguments.samples if lod == 0 else arguments.samples // 2)
            if rig:
                rigs[model.name] = rig
    write_conductor_things(arguments.samples)
    export_glb(arguments.out / "players.glb")
    size = glb.edit(arguments.out / "players.glb", glb.opaque)
    (arguments.out / "rig.json").write_text(json.dumps({"models": rigs}, separators=(",", ":")) + "\n")
    print(f"players.glb: {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
