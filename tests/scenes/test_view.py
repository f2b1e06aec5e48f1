"""The stage drawn for real, offscreen (Mesa's software OpenGL will do)."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from needs import needs_gl
from PIL import Image

from tutti.assets import asset_path
from tutti.engine.errors import SceneError
from tutti.engine.hall import SHOEBOX, picture_names, read_hall
from tutti.engine.score import Score
from tutti.engine.types import Applause, Dynamics, Frame, NoteEvent, PlayerPlacement, Pose, ScorePosition
from tutti.scenes.audience import listeners
from tutti.scenes.cameras import cameras_of
from tutti.scenes.meshes import load_gltf
from tutti.scenes.view import RESTING, StageView

pytestmark = needs_gl

SIZE = (480, 270)


@pytest.fixture(scope="module")
def view(score: Score, placements: tuple[PlayerPlacement, ...]) -> Iterator[StageView]:
    stage = StageView(
        placements, [part.name for part in score.parts], score.title, window=False, size=SIZE, score=score
    )
    yield stage
    stage.close()


def frame(time_s: float, *notes: NoteEvent, baton: tuple[float, float, float] = (0.2, 1.2, -0.4)) -> Frame:
    position = ScorePosition(time_s, 2 * time_s, 2 * time_s, 2.0, 120.0, "12", 1.0, "playing")
    poses = (Pose(time_s, "baton", baton), Pose(time_s, "left", (-0.3, 1.2, -0.4)))
    return Frame(int(time_s * 60), time_s, position, None, Dynamics(time_s, 0.5, 0.0), notes=notes, poses=poses)


def picture(view: StageView, path: Path, camera: str) -> np.ndarray:
    view.screenshot(path, camera)
    image = np.asarray(Image.open(path).convert("RGB"), float) / 255
    assert image.shape == (SIZE[1], SIZE[0], 3)
    return image


def test_every_camera_sees_a_lit_stage(view: StageView, tmp_path: Path) -> None:
    for camera in view.cameras:
        image = picture(view, tmp_path / f"{camera}.png", camera)
        assert 0.06 < image.mean() < 0.6, camera
        assert image.std() > 0.08, camera
        assert (image.min(axis=2) > 0.98).mean() < 0.01, f"{camera}: nothing is burnt out or drawn without its shader"
        assert image[..., 0].mean() > image[..., 2].mean(), f"{camera}: the light is warm"


def test_players_are_drawn_and_can_leave(
    view: StageView, placements: tuple[PlayerPlacement, ...], tmp_path: Path
) -> None:
    full = picture(view, tmp_path / "full.png", "picture")
    view.place(placements[:4])
    thin = picture(view, tmp_path / "thin.png", "picture")
    view.place(())
    nobody = picture(view, tmp_path / "nobody.png", "picture")
    view.place(placements)
    again = picture(view, tmp_path / "again.png", "picture")
    changed = (np.abs(full - nobody).max(axis=2) > 0.1).mean()
    assert changed > 0.08
    assert (np.abs(thin - nobody).max(axis=2) > 0.1).mean() < changed / 4
    assert np.abs(full - again).max() < 0.02


def test_moving_a_player_moves_the_picture_there_only(
    view: StageView, placements: tuple[PlayerPlacement, ...], tmp_path: Path
) -> None:
    before = picture(view, tmp_path / "before.png", "audience")
    x, y, z = placements[-1].position_m
    view.place([*placements[:-1], replace(placements[-1], position_m=(x, y - 0.5, z))])
    after = picture(view, tmp_path / "after.png", "audience")
    view.place(placements)
    changed = np.argwhere(np.abs(after - before).max(axis=2) > 0.1)
    assert 0 < len(changed) < 0.1 * before[..., 0].size
    assert np.ptp(changed[:, 1]) < 0.4 * SIZE[0]


def test_the_conductor_follows_the_baton(view: StageView, tmp_path: Path) -> None:
    view.update(frame(1.0, baton=(0.2, 1.0, -0.4)))
    low = picture(view, tmp_path / "low.png", "picture")
    view.update(frame(1.0, baton=(0.45, 1.6, -0.3)))
    high = picture(view, tmp_path / "high.png", "picture")
    assert (np.abs(low - high).max(axis=2) > 0.1).sum() > 20


def test_a_ghost_baton_comes_and_goes(view: StageView, tmp_path: Path) -> None:
    before = picture(view, tmp_path / "before.png", "podium")
    for step in range(8):
        view.show_ghost(Pose(step / 60, "baton", (-0.2 + 0.03 * step, 1.35, -0.5)))
    shown = picture(view, tmp_path / "shown.png", "podium")
    view.show_ghost(None)
    gone = picture(view, tmp_path / "gone.png", "podium")
    assert (np.abs(shown - before).max(axis=2) > 0.08).sum() > 8
    assert np.abs(gone - before).max() < 0.02


def test_players_move_while_their_part_plays(view: StageView, tmp_path: Path) -> None:
    notes = [NoteEvent(900 + part, part, 10.0, 1.0, 60, 100, "sustain", 20.0) for part in range(12)]
    view.update(frame(10.0, *notes))
    pictures = []
    for step in range(4):
        view.update(frame(10.05 + 0.2 * step))
        pictures.append(picture(view, tmp_path / f"{step}.png", "strings"))
    for earlier, later in pairwise(pictures):
        assert (np.abs(later - earlier).max(axis=2) > 0.05).mean() > 0.002


def test_muted_players_are_darker(view: StageView, placements: tuple[PlayerPlacement, ...], tmp_path: Path) -> None:
    lit = picture(view, tmp_path / "lit.png", "strings")
    view.place([replace(placement, muted=True) for placement in placements])
    muted = picture(view, tmp_path / "muted.png", "strings")
    view.place(placements)
    assert muted.mean() < lit.mean() - 0.005


def test_few_draw_calls_for_many_players(view: StageView) -> None:
    geoms = sum(
        path.node().get_num_geoms()
        for path in view.world.find_all_matches("**/players/**/+GeomNode")
        if not path.is_hidden()
    )
    models = 12
    assert geoms <= 3 * models


@pytest.mark.parametrize("name", [name for name in picture_names() if name != SHOEBOX])
def test_another_hall_is_seen_and_the_way_back(view: StageView, name: str, tmp_path: Path) -> None:
    view.update(RESTING)
    before = {camera: picture(view, tmp_path / f"{camera}.png", camera) for camera in ("hall", "podium")}
    view.enter(read_hall(name))
    try:
        for camera in view.cameras:
            image = picture(view, tmp_path / f"{camera}-there.png", camera)
            assert 0.06 < image.mean() < 0.6 and image.std() > 0.05, camera
            if camera in before:
                assert (np.abs(image - before[camera]).max(axis=2) > 0.1).mean() > 0.12, f"{camera}: another place"
        view.update(replace(frame(20.0), applause=Applause(20.0, 40.0, 1.0)))
        still = picture(view, tmp_path / "still.png", "hall")
        view.update(frame(30.0))
        assert (np.abs(picture(view, tmp_path / "clap.png", "hall") - still).max(axis=2) > 0.03).sum() > 20, "they clap"
    finally:
        view.enter(read_hall())
    view.update(RESTING)
    assert np.abs(picture(view, tmp_path / "back.png", "podium") - before["podium"]).mean() < 0.01
    assert len(view.world.find_all_matches("hall")) == 1, "the last hall is gone"


def test_cameras_stay_within_a_small_room(view: StageView) -> None:
    small = read_hall("chamber-room")
    for camera in cameras_of(small).values():
        inside = [low < x < high for low, x, high in zip(small.low_m, camera.position_m, small.high_m, strict=True)]
        assert all(inside)
    vineyard = read_hall("vineyard")
    assert vineyard.rows is not None
    seen_from = cameras_of(vineyard)["audience"].position_m
    row = (vineyard.rows.first_y_m - seen_from[1]) / vineyard.rows.pitch_m
    assert seen_from[2] > vineyard.rows.floor_z_m + row * vineyard.rows.rise_m + 1.5, "not among the feet of a row"
    assert cameras_of(read_hall())["hall"] == read_hall().cameras["hall"], "there is room enough"


def test_listeners_clap_where_they_look() -> None:
    """On the terraces beside and behind the orchestra too, each before their own chest."""
    vineyard = listeners(load_gltf(asset_path("models", "halls", "vineyard.glb")))
    places, looks = vineyard[:, :3], vineyard[:, 3:]
    np.testing.assert_allclose(np.linalg.norm(looks, axis=1), 1.0, atol=0.01)
    to_stage = np.array([0.0, 4.0]) - places[:, :2]
    towards = (looks * to_stage).sum(axis=1) / np.linalg.norm(to_stage, axis=1)
    assert towards.min() > 0.4, "all look at the stage"
    assert (looks[:, 1] < -0.9).sum() > 100 and (np.abs(looks[:, 0]) > 0.9).sum() > 100
    golden = listeners(load_gltf(asset_path("models", "halls", "musikverein.glb")))
    assert set(map(tuple, golden[:, 3:])) == {(0.0, 1.0)}


def test_unknown_camera_is_refused_with_the_known_ones(view: StageView) -> None:
    with pytest.raises(SceneError, match=r"no camera named moon: choose one of .*podium"):
        view.look_from("moon")


def test_unwritable_picture_is_refused_in_one_line(view: StageView, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises((SceneError, OSError)) as caught:
        view.screenshot(tmp_path / "file" / "stage.png")
    assert "\n" not in str(caught.value)


def test_a_second_view_opens_after_the_first_is_closed(
    score: Score, placements: tuple[PlayerPlacement, ...], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Runs last: it closes the module's view by opening another one (ShowBase is a singleton)."""
    request.getfixturevalue("view").close()
    second = StageView(placements, [part.name for part in score.parts], "", window=False, size=SIZE)
    try:
        image = picture(second, tmp_path / "second.png", "hall")
        assert image.std() > 0.05
    finally:
        second.close()
