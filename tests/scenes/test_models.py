"""The models that ship: files present and small enough, every player with its parts, instruments of true size."""

import json
import math
import re
import struct
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ASSETS = Path(__file__).parents[2] / "assets"
MODELS = ASSETS / "models"
KINDS = sorted({i["model"] for i in tomllib.loads((ASSETS / "instruments.toml").read_text()).values()} | {"conductor"})
BOWED = ("violin", "viola", "cello", "contrabass")
MOST_TRIANGLES = {0: 6000, 1: 1000, 2: 400}
"""Of one figure with one build and one head of hair; kettledrums and piano are the largest."""
ALTERNATIVES = ("_body_b", "_hair_b", "_hair_c", "_hair_d")


class Glb:
    """The JSON and binary chunks of a glTF file (glTF 2.0, section 4.4)."""

    def __init__(self, path: Path) -> None:
        data = path.read_bytes()
        magic, version, length = struct.unpack_from("<4sII", data)
        assert (magic, version, length) == (b"glTF", 2, len(data))
        size = struct.unpack_from("<I", data, 12)[0]
        self.json: dict[str, Any] = json.loads(data[20 : 20 + size])
        self.binary = data[28 + size :]
        self.nodes = {n["name"]: n for n in self.json["nodes"]}

    def descendants(self, name: str) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        todo = list(self.nodes[name].get("children", []))
        while todo:
            node = self.json["nodes"][todo.pop()]
            found[node["name"]] = node
            todo += node.get("children", [])
        return found

    def triangles(self, node: dict[str, Any]) -> int:
        if "mesh" not in node:
            return 0
        primitives = self.json["meshes"][node["mesh"]]["primitives"]
        return sum(self.json["accessors"][p["indices"]]["count"] // 3 for p in primitives)

    def accessor(self, index: int) -> np.ndarray:
        a = self.json["accessors"][index]
        view = self.json["bufferViews"][a["bufferView"]]
        width = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}[a["type"]]
        kind = {5121: "u1", 5123: "<u2", 5125: "<u4", 5126: "<f4"}[a["componentType"]]
        start = view.get("byteOffset", 0) + a.get("byteOffset", 0)
        return np.frombuffer(self.binary, kind, a["count"] * width, start).reshape(-1, width)

    def attribute(self, node: dict[str, Any], name: str) -> np.ndarray:
        primitive = self.json["meshes"][node["mesh"]]["primitives"][0]
        return self.accessor(primitive["attributes"][name])


@pytest.fixture(scope="module")
def players() -> Glb:
    return Glb(MODELS / "players.glb")


@pytest.fixture(scope="module")
def hall() -> Glb:
    return Glb(MODELS / "halls" / "musikverein.glb")


@pytest.fixture(scope="module")
def rig() -> dict[str, Any]:
    models: dict[str, Any] = json.loads((MODELS / "rig.json").read_text())["models"]
    return models


def test_all_files_together_are_small() -> None:
    assert sum(p.stat().st_size for p in MODELS.rglob("*") if p.is_file()) <= 15e6


@pytest.mark.parametrize("lod", [0, 1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_every_model_has_its_parts(players: Glb, rig: dict[str, Any], kind: str, lod: int) -> None:
    prefix = kind if lod == 0 else f"{kind}_lod{lod}"
    parts = players.descendants(f"player_{prefix}")
    wanted = {"legs", "body", "body_b", "shirt", "head", "hair", "hair_b", "hair_c", "hair_d"}
    wanted |= {"arm_R", "arm_L", "fore_R", "fore_L"}
    wanted |= {"bow"} if kind in BOWED else set()
    wanted |= {"stick_R", "stick_L"} if rig[kind]["kind"] == "strike" else set()
    assert {f"{prefix}_{w}" for w in wanted} <= set(parts)
    assert kind == "conductor" or {f"{prefix}_instrument", f"{prefix}_ground"} & set(parts)
    shown = sum(players.triangles(n) for name, n in parts.items() if not name.endswith(ALTERNATIVES))
    assert 100 <= shown <= MOST_TRIANGLES[lod]


@pytest.mark.parametrize("kind", KINDS)
def test_parts_hang_as_the_rig_says(players: Glb, rig: dict[str, Any], kind: str) -> None:
    joints, parents = rig[kind]["joints"], rig[kind]["parents"]
    for part, joint in joints.items():
        x, y, z = players.nodes[f"{kind}_{part}"].get("translation", (0.0, 0.0, 0.0))
        above = joints[parents[part]] if part in parents else (0, 0, 0)
        assert np.allclose((x, -z, y), np.subtract(joint, above), atol=2e-4), part


def test_poses_move_known_parts_by_unit_quaternions(rig: dict[str, Any]) -> None:
    for kind, model in rig.items():
        for pose, moves in model["poses"].items():
            for part, move in moves.items():
                assert part in model["joints"], (kind, pose, part)
                assert math.isclose(np.linalg.norm(move["q"]), 1, abs_tol=1e-3)


def _matrix(q: list[float]) -> np.ndarray:
    w, x, y, z = q
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


@pytest.mark.parametrize("kind", BOWED)
def test_the_bow_stays_on_the_string(rig: dict[str, Any], kind: str) -> None:
    """Through the stroke the bow keeps its direction, and the hand moves along one line by at least 25 cm."""
    joints, poses = {p: np.array(j) for p, j in rig[kind]["joints"].items()}, rig[kind]["poses"]
    hands = []
    for i in range(5):
        pose = poses[f"bow_{i}"]
        arm, fore, bow = (_matrix(pose[p]["q"]) for p in ("arm_R", "fore_R", "bow"))
        assert np.allclose(arm @ fore @ bow, np.eye(3), atol=2e-3)
        elbow = joints["arm_R"] + arm @ (joints["fore_R"] - joints["arm_R"])
        hands.append(elbow + arm @ fore @ (joints["bow"] - joints["fore_R"]))
    whole = hands[-1] - hands[0]
    assert np.linalg.norm(whole) > 0.25
    for hand in hands[1:-1]:
        assert np.linalg.norm(np.cross(hand - hands[0], whole)) / np.linalg.norm(whole) < 0.008


@pytest.mark.parametrize(
    ("kind", "part", "longest_m"),
    [
        ("violin", "instrument", 0.595),
        ("viola", "instrument", 0.67),
        ("cello", "ground", 1.45),
        ("contrabass", "ground", 2.0),
        ("flute", "instrument", 0.67),
        ("oboe", "instrument", 0.65),
        ("clarinet", "instrument", 0.66),
        ("bassoon", "instrument", 1.36),
        ("trumpet", "instrument", 0.50),
        ("harp", "ground", 1.90),
        ("guitar", "instrument", 1.0),
        ("violin", "bow", 0.70),
    ],
)
def test_instruments_are_as_large_as_real_ones(players: Glb, kind: str, part: str, longest_m: float) -> None:
    """The longest distance between two points of the mesh (with its end pin, for cello and contrabass)."""
    p = players.attribute(players.nodes[f"{kind}_{part}"], "POSITION").astype(float)
    directions = np.random.default_rng(1).normal(size=(2000, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    along = p @ directions.T
    assert (along.max(0) - along.min(0)).max() == pytest.approx(longest_m, rel=0.07)


def test_figures_are_of_human_size(players: Glb, rig: dict[str, Any]) -> None:
    for kind, model in rig.items():
        hair = players.attribute(players.nodes[f"{kind}_hair"], "POSITION")[:, 1].max() + model["joints"]["hair"][2]
        low, high = (1.70, 1.85) if model["stance"] == "standing" else (1.28, 1.42)
        assert low < hair < high, kind


def test_colours_say_where_a_tint_applies(players: Glb) -> None:
    head = players.attribute(players.nodes["violin_head"], "COLOR_0")
    fore = players.attribute(players.nodes["violin_fore_R"], "COLOR_0")
    assert head.shape[1] == fore.shape[1] == 4
    top = np.iinfo(head.dtype).max if head.dtype.kind == "u" else 1.0
    assert (head[:, 3] == top).mean() > 0.7
    assert 0.1 < (fore[:, 3] == top).mean() < 0.95, "a forearm is sleeve, cuff and hand"


def test_roughness_and_metal_lie_in_the_texture_coordinates(players: Glb) -> None:
    horn = players.attribute(players.nodes["horn_instrument"], "TEXCOORD_0")
    cloth = players.attribute(players.nodes["horn_body"], "TEXCOORD_0")
    assert np.median(horn[:, 1]) == pytest.approx(1.0)
    assert np.median(cloth[:, 1]) == pytest.approx(0.0)
    assert np.median(cloth[:, 0]) > 0.8


def test_what_the_conductor_holds(players: Glb) -> None:
    tip = players.nodes["hand_R_baton_tip"]["translation"]
    assert math.dist(tip, (0, 0, 0)) == pytest.approx(0.345, abs=0.03)
    assert "hand_L" in players.nodes
    pages = players.descendants("podium_stand")
    for name in ("podium_page_L", "podium_page_R"):
        uv = players.attribute(pages[name], "TEXCOORD_0")
        assert {tuple(c) for c in uv.round(3).tolist()} == {(0, 0), (1, 0), (0, 1), (1, 1)}


def test_hall_is_baked_and_unlit(hall: Glb) -> None:
    assert "KHR_materials_unlit" in hall.json["extensionsUsed"]
    for name in ("hall_stage", "hall_walls", "hall_house"):
        primitive = hall.json["meshes"][hall.nodes[name]["mesh"]]["primitives"][0]
        material = hall.json["materials"][primitive["material"]]
        assert "KHR_materials_unlit" in material["extensions"]
        assert "baseColorTexture" in material["pbrMetallicRoughness"]
    assert len(hall.json["images"]) == 3
    unique = sum(hall.triangles({"mesh": m}) for m in range(len(hall.json["meshes"])))
    assert 15_000 < unique < 45_000


def test_hall_is_as_large_as_its_description(hall: Glb) -> None:
    room = tomllib.loads((ASSETS / "halls" / "musikverein.toml").read_text())["room"]
    house = hall.attribute(hall.nodes["hall_house"], "POSITION")
    assert house[:, 0].max() == pytest.approx(room["half_width_m"], abs=0.05)
    # Half of the last beam of the ceiling lies in the wall.
    assert -house[:, 2].max() == pytest.approx(room["house_end_y_m"], abs=0.25)
    assert house[:, 1].max() == pytest.approx(room["ceiling_z_m"], abs=0.05)
    assert house[:, 1].min() == pytest.approx(room["house_floor_z_m"], abs=0.05)


def test_risers_of_the_picture_are_those_of_the_description(hall: Glb) -> None:
    """On each riser the stage's mesh has a floor at its height."""
    stage = hall.attribute(hall.nodes["hall_stage"], "POSITION")
    radius = np.hypot(stage[:, 0], stage[:, 2])
    for r in tomllib.loads((ASSETS / "halls" / "musikverein.toml").read_text())["risers"]:
        edge = stage[(abs(radius - r["inner_radius_m"]) < 0.02) & (abs(stage[:, 1] - r["height_m"]) < 0.02)]
        assert len(edge) > 20


def test_rows_fade_and_share_meshes(hall: Glb) -> None:
    rows = [n for name, n in hall.nodes.items() if name.startswith("seats_")]
    assert len(rows) > 40
    assert len({n["mesh"] for n in rows}) == 1
    tints = [
        n["extras"]["tint"]
        for name, n in sorted(hall.nodes.items())
        if name.startswith("seats_") and name.endswith("_L")
    ]
    assert tints == sorted(tints, reverse=True)
    assert sum(name.startswith("chandelier_") for name in hall.nodes) == 12


OTHERS = sorted(path.stem for path in (MODELS / "halls").glob("*.glb") if path.stem != "musikverein")


@pytest.mark.parametrize("name", OTHERS)
def test_other_halls_are_light_enough_for_a_headset_of_its_own(name: str) -> None:
    path = MODELS / "halls" / f"{name}.glb"
    model = Glb(path)
    assert path.stat().st_size < 1.3e6
    materials = model.json["materials"]
    assert all("KHR_materials_unlit" in material["extensions"] for material in materials)
    assert all(not material.get("doubleSided") for material in materials)
    baked = [node for node_name, node in model.nodes.items() if node_name.startswith("hall_")]
    assert len(baked) == len(model.json["images"]) <= 3
    assert 2_000 < sum(model.triangles(node) for node in baked) < 30_000
    assert sum(model.triangles(node) for node in model.nodes.values()) < 300_000


@pytest.mark.parametrize("name", OTHERS)
def test_other_halls_have_the_stage_and_the_rows_of_their_description(name: str) -> None:
    model = Glb(MODELS / "halls" / f"{name}.glb")
    tables = tomllib.loads((ASSETS / "halls" / f"{name}.toml").read_text())
    golden = tomllib.loads((ASSETS / "halls" / "musikverein.toml").read_text())
    stage = model.attribute(model.nodes["hall_stage"], "POSITION")
    radius = np.hypot(stage[:, 0], stage[:, 2])
    for r in golden["risers"]:
        edge = stage[(abs(radius - r["inner_radius_m"]) < 0.02) & (abs(stage[:, 1] - r["height_m"]) < 0.02)]
        assert len(edge) > 20
    podium = stage[(abs(stage[:, 1] - golden["podium"]["height_m"]) < 0.005) & (radius < 0.9)]
    assert np.abs(podium[:, 0]).max() == pytest.approx(golden["podium"]["half_width_m"], abs=0.01)
    rows = [node["translation"] for key, node in model.nodes.items() if re.fullmatch(r"seats_\d+_[LR]", key)]
    seats, room = tables["seats"], tables["room"]
    assert max(-z for _, _, z in rows) == pytest.approx(seats["first_row_y_m"], abs=0.01)
    assert min(-z for _, _, z in rows) == pytest.approx(seats["last_row_y_m"], abs=1.01 * seats["row_pitch_m"])
    for _, y, z in rows:
        behind = (seats["first_row_y_m"] + z) / seats["row_pitch_m"]
        assert y == pytest.approx(room["house_floor_z_m"] + behind * seats.get("rise_per_row_m", 0.0), abs=0.001)
