"""The shipped models as the scene reads them."""

from pathlib import Path

import numpy as np
import pytest

from tutti.assets import asset_path
from tutti.engine.errors import SceneError
from tutti.scenes.meshes import JOINTS, NO_OPTION, TINTS, PlayerMesh, load_gltf, read_player_meshes
from tutti.scenes.rig import Rig, read_rigs


@pytest.fixture(scope="module")
def meshes() -> dict[str, tuple[PlayerMesh, ...]]:
    return read_player_meshes(load_gltf(asset_path("models", "players.glb")))


@pytest.fixture(scope="module")
def rigs() -> dict[str, Rig]:
    return read_rigs(load_gltf(asset_path("models", "players.glb")), asset_path("models", "rig.json"))


def test_arrays_fit_each_other(meshes: dict[str, tuple[PlayerMesh, ...]]) -> None:
    for model, levels in meshes.items():
        for mesh in levels:
            count = len(mesh.position)
            assert mesh.triangles.max() < count, model
            assert {len(a) for a in (mesh.normal, mesh.colour, mesh.surface, mesh.tint, mesh.joint, mesh.option)} == {
                count
            }
            assert mesh.joint.max() < len(JOINTS) and mesh.tint.max() < len(TINTS) and mesh.option.max() <= NO_OPTION
            assert mesh.surface.min() >= 0 and mesh.surface.max() <= 1
            assert np.isfinite(mesh.position).all()


def test_players_are_people_sized_and_stand_on_the_floor(meshes: dict[str, tuple[PlayerMesh, ...]]) -> None:
    for model, levels in meshes.items():
        low, high = levels[0].position.min(axis=0), levels[0].position.max(axis=0)
        assert -0.06 < low[2] < 0.05, model
        assert 1.2 < high[2] < 2.2, model


def test_skin_and_hair_are_tinted_from_white(meshes: dict[str, tuple[PlayerMesh, ...]]) -> None:
    mesh = meshes["violin"][0]
    for tint in ("skin", "hair"):
        colour = mesh.colour[mesh.tint == TINTS.index(tint)]
        assert len(colour) > 50
        assert 0.8 < np.percentile(colour, 99) <= 1.2
    assert mesh.colour[mesh.tint == 0].max() <= 1.0


def test_hands_are_skin_and_sleeves_are_not(meshes: dict[str, tuple[PlayerMesh, ...]]) -> None:
    mesh = meshes["violin"][0]
    fore = mesh.joint == JOINTS.index("fore_R")
    skin = fore & (mesh.tint == TINTS.index("skin"))
    assert 0.1 < skin.sum() / fore.sum() < 0.9


def test_joints_hang_together(rigs: dict[str, Rig], meshes: dict[str, tuple[PlayerMesh, ...]]) -> None:
    assert set(rigs) == set(meshes)
    for model, rig in rigs.items():
        head, arm, fore = (JOINTS.index(name) for name in ("head", "arm_R", "fore_R"))
        assert rig.joints[head, 2] > rig.joints[arm, 2] > 0.8, model
        assert 0.2 < np.linalg.norm(rig.joints[fore] - rig.joints[arm]) < 0.4, model
        assert (rig.parents[1:] < np.arange(1, len(JOINTS))).all(), model
        assert rig.parents[fore] == arm
        np.testing.assert_allclose(np.linalg.norm(rig.rotations, axis=-1), 1.0, atol=1e-3)


def test_a_missing_or_broken_file_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="missing"):
        load_gltf(tmp_path / "players.glb")
    (tmp_path / "broken.glb").write_bytes(b"glTF\x02\x00\x00\x00 nothing")
    with pytest.raises(SceneError, match=r"broken\.glb cannot be read") as caught:
        load_gltf(tmp_path / "broken.glb")
    assert "\n" not in str(caught.value)


def test_a_broken_rig_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rig.json").write_text('{"models": {"violin": {"kind": "bow", "poses": {"lift": {"tail": {}}}}}}')
    with pytest.raises(SceneError, match="violin has no part tail"):
        read_rigs(load_gltf(asset_path("models", "players.glb")), tmp_path / "rig.json")
