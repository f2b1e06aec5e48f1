"""The conductor's view drawn off the screen: it shows when asked, and draws what was conducted."""

from pathlib import Path

import numpy as np
import pytest
from needs import needs_gl
from PIL import Image
from support import make_score

from tutti.engine.conducting.tracking import TakeSource
from tutti.engine.conducting.virtual_conductor import conduct
from tutti.engine.performance import Performance
from tutti.engine.types import PlayerPlacement
from tutti.scenes.conductor_view import ConductorView
from tutti.scenes.sheet import Sheet
from tutti.scenes.view import StageView

GOLD = np.array([224, 187, 120])


def gold_pixels(path: Path) -> int:
    picture = np.asarray(Image.open(path).convert("RGB"), dtype=int)
    right = picture[:, picture.shape[1] // 2 :]
    return int((np.abs(right - GOLD).max(axis=2) < 16).sum())


@needs_gl
def test_the_view_shows_and_hides(tmp_path: Path) -> None:
    score = make_score([(float(n), 1.0, 60, 0, 0.5, 0) for n in range(32)], measures=8)
    quarters = score.beats["quarter"].astype(float)
    source = TakeSource(conduct(score, (quarters, 4.0 + 0.6 * np.arange(len(quarters))), seed=5))
    placements = [PlayerPlacement(0, 0, "violins-1", "violin", (-1.5, 2.0, 0.0), 216.0, 0)]
    view = StageView(placements, ["Violin"], "Prelude", window=False, size=(640, 360), score=score)
    try:
        shown = ConductorView(view.base.a2dTopRight, score)
        performance = Performance(score)
        assert not shown.shown
        for now_s in np.arange(0.0, 14.0, 0.01).tolist():
            frame = performance.step(now_s, source.poll(now_s))
            shown.update(frame)
        view.screenshot(tmp_path / "hidden.png")
        shown.toggle()
        shown.update(frame)
        view.screenshot(tmp_path / "shown.png")
        shown.toggle()
        view.screenshot(tmp_path / "again.png")
    finally:
        view.close()
    assert gold_pixels(tmp_path / "shown.png") > gold_pixels(tmp_path / "hidden.png") + 300
    assert abs(gold_pixels(tmp_path / "again.png") - gold_pixels(tmp_path / "hidden.png")) < 50


@pytest.mark.parametrize("points", [0, 1, 2, 50])
def test_lines_of_any_length_become_triangles(points: int) -> None:
    way = np.stack([np.linspace(0, 1, points), np.zeros(points)], axis=1)
    sheet = Sheet()
    sheet.line(way, 0.1, (1, 1, 1, 1))
    sheet.dashes(way, 0.1, (1, 1, 1, 1), 0.05, 0.05)
    node = sheet.node("test")
    assert node.get_num_geoms() == (1 if points > 1 else 0)
    if points > 1:
        geom = node.get_geom(0)
        assert geom.check_valid()
        assert geom.get_primitive(0).get_num_primitives() == 2 * (points - 1) + 2 * 10
        low, high = node.get_bounds().get_min(), node.get_bounds().get_max()  # type: ignore[attr-defined]
        assert high[0] - low[0] >= 1.0
