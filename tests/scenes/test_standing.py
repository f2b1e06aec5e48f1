"""The orchestra stands up for its applause: when it does, and that its feet stay on the floor."""

from dataclasses import replace

import numpy as np
import pytest
from panda3d.core import NodePath

from tutti.assets import asset_path
from tutti.engine.types import Applause, PlayerPlacement, ScorePosition
from tutti.scenes.meshes import JOINTS, PlayerMesh, load_gltf, read_player_meshes
from tutti.scenes.rig import IDENTITY, Rig, joint_matrices, read_rigs, root_matrices
from tutti.scenes.standing import BOWED_TO_S, RISES_S, SITS_BEFORE_S, Ovation, stand
from tutti.scenes.view import RESTING

APPLAUSE = Applause(10.0, 24.0, 0.8)
ENDED = replace(RESTING.position, state="ended")


@pytest.fixture(scope="module")
def models() -> NodePath:
    return load_gltf(asset_path("models", "players.glb"))


def stood(mesh: PlayerMesh, rig: Rig, amount: float, feet: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> np.ndarray:
    """The vertices of a model that stands so far, in the hall."""
    rotations = np.tile(IDENTITY, (1, len(JOINTS), 1))
    shifts = np.zeros((1, len(JOINTS), 3))
    stand(rotations, shifts, np.array([amount]), np.array(["ground" not in rig.parts]))
    roots = root_matrices(np.array([feet]), np.zeros(1), np.ones(1))
    matrices = joint_matrices(rig.joints[None], rig.parents[None], rotations, shifts, roots)[0][mesh.joint]
    moved: np.ndarray = np.einsum("vab,vb->va", matrices[:, :, :3], mesh.position) + matrices[:, :, 3]
    return moved


def of_joint(mesh: PlayerMesh, *names: str) -> np.ndarray:
    return np.isin(mesh.joint, [JOINTS.index(name) for name in names])


@pytest.mark.parametrize("model", ["violin", "horn", "cello", "harp", "clarinet"])
@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_seated_player_stands_on_the_same_floor(models: NodePath, model: str, level: int) -> None:
    mesh = read_player_meshes(models)[model][level]
    rig = read_rigs(models, asset_path("models", "rig.json"))[model]
    assert "chair" in rig.parts
    sits, half, stands = (stood(mesh, rig, amount) for amount in (0.0, 0.5, 1.0))
    np.testing.assert_allclose(sits, mesh.position, atol=1e-5)
    head = of_joint(mesh, "head")
    rise = stands[head].mean(axis=0) - sits[head].mean(axis=0)
    assert 0.36 < rise[2] < 0.46, "as much as those are taller who always stand"
    assert 0.3 * rise[2] < (half[head] - sits[head])[:, 2].mean() < 0.8 * rise[2]
    legs = of_joint(mesh, "thighs", "shins")
    assert abs(stands[legs][:, 2].min()) < 0.02, "the feet are on the floor"
    # thighs are upright now, under the torso, and end at the knees
    thighs = of_joint(mesh, "thighs")
    assert 4 <= thighs.sum() < legs.sum()
    assert 0.85 < stands[thighs][:, 2].max() < 1.1
    assert np.ptp(stands[thighs][:, 1]) < 0.3
    torso = stands[of_joint(mesh, "body")]
    assert abs(stands[thighs][:, 1].mean() - torso[:, 1].mean()) < 0.16
    assert torso[:, 2].min() < stands[thighs][:, 2].max(), "no gap at the hips"
    shins = of_joint(mesh, "shins")
    chair = of_joint(mesh, "chair")
    back = (stands[chair] - sits[chair])[:, 1].mean()
    assert back == pytest.approx(-0.445 if "ground" in rig.parts else 0.0, abs=0.01)
    assert stands[shins][:, 1].min() - stands[chair][:, 1].max() > -0.1, "nobody stands in the seat"


def test_who_stands_always_or_is_a_prop_has_no_chair(models: NodePath) -> None:
    rigs = read_rigs(models, asset_path("models", "rig.json"))
    for model in ("contrabass", "timpani", "singer", "conductor"):
        assert "chair" not in rigs[model].parts
        assert not of_joint(read_player_meshes(models)[model][0], "thighs").any()


def players(count: int) -> list[PlayerPlacement]:
    return [PlayerPlacement(index, 0, "v", "violin", (0.0, 2.0, 0.0), 0.0, 0) for index in range(count)]


def test_they_rise_one_after_the_other_and_sit_down_before_the_last_clap() -> None:
    ovation = Ovation(players(40))

    def at(time_s: float, applause: Applause | None = None, position: ScorePosition = ENDED) -> np.ndarray:
        return ovation.step(replace(RESTING, time_s=time_s, position=position, applause=applause))

    assert not at(9.0, APPLAUSE).any()
    steps = {time_s: at(time_s).copy() for time_s in np.arange(9.05, 27.0, 0.05).round(2).tolist()}
    assert not steps[11.0].any(), "the conductor thanks first"
    mid = steps[12.4]
    assert mid.min() == 0.0 and mid.max() > 0.5, "not as one"
    up_s = APPLAUSE.begin_s + BOWED_TO_S[1] + RISES_S
    assert (steps[round(up_s + 0.2, 2)] == 1.0).all()
    assert (steps[20.0] == 1.0).all()
    assert steps[round(APPLAUSE.end_s - SITS_BEFORE_S + RISES_S + 0.2, 2)].min() == 0.0
    assert not steps[26.5].any()


def test_a_longer_applause_keeps_them_up_and_music_sits_them_down() -> None:
    ovation = Ovation(players(5))
    for time_s in np.arange(9.0, 20.0, 0.1):
        ovation.step(replace(RESTING, time_s=time_s, position=ENDED, applause=APPLAUSE if time_s == 9.0 else None))
    longer = Applause(20.0, 34.0, 1.0)
    ovation.step(replace(RESTING, time_s=20.0, position=ENDED, applause=longer))
    for time_s in np.arange(20.1, 30.0, 0.1):
        standing = ovation.step(replace(RESTING, time_s=time_s, position=ENDED))
        assert (standing == 1.0).all(), "they stay up between the first clapping and the second"
    playing = replace(RESTING.position, state="playing")
    for time_s in np.arange(30.0, 30.0 + 1.2 * RISES_S, 0.1):
        standing = ovation.step(replace(RESTING, time_s=time_s, position=playing))
    assert not standing.any()
