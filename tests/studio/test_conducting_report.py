"""The conducting half of the report, from a real performance under a virtual conductor."""

import io
import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from support import make_score

from tutti.engine.conducting.virtual_conductor import conduct
from tutti.engine.performance import Performance
from tutti.engine.types import Sign
from tutti.studio import conducting_plots as plots
from tutti.studio.conducting_plots import conducting_plots, draw_tempo, draw_timeline, write_conducting_png
from tutti.studio.conducting_report import Conducting, Span, conducting_figures, look_back
from tutti.studio.performance_log import PerformanceLog
from tutti.studio.plots import png
from tutti.studio.render import perform_offline
from tutti.studio.report import ReportInput, write_report

MEASURES = 10


@pytest.fixture(scope="module")
def conducting() -> Conducting:
    score = make_score([(float(n), 1.0, 60, 0, 0.5, 0) for n in range(4 * MEASURES)], measures=MEASURES)
    quarters = score.beats["quarter"].astype(float)
    lengths = np.repeat([0.6, 0.8], [20, 20])
    take = conduct(score, (quarters, 4.0 + np.concatenate([[0.0], np.cumsum(lengths[:-1])])), seed=3)
    frames = list(perform_offline(Performance(score), take))
    middle = len(frames) // 2
    for index in range(middle, middle + 50):  # half a second of the same sign is one sign
        frames[index] = replace(frames[index], signs=(Sign(frames[index].time_s, "cue", "Horns"),))
    log = PerformanceLog()
    log.extend(frames)
    return look_back(score, frames, log.crossings())


def test_figures_tell_tempo_beats_timeline_and_way(conducting: Conducting) -> None:
    figures = json.loads(json.dumps(conducting_figures(conducting)))
    tempi = figures["tempo_by_measure"]
    assert [row["measure"] for row in tempi] == [str(n + 1) for n in range(MEASURES)]
    assert tempi[3]["conducted_bpm"] == pytest.approx(100, abs=6)
    assert tempi[8]["conducted_bpm"] == pytest.approx(75, abs=5)
    assert {row["marked_bpm"] for row in tempi} == {100.0}
    beats = figures["beats_of_the_bar"]
    assert [row["beat"] for row in beats] == [1, 2, 3, 4]
    assert all(0 < row["clarity"] <= 1 and 0 < row["known_after_ms"] < 400 for row in beats)
    states = [row["state"] for row in figures["states"]]
    assert states[0] == "waiting" and "playing" in states
    assert all(a["end_s"] == b["start_s"] for a, b in pairwise(figures["states"]))
    assert len(figures["icti"]) >= 4 * MEASURES - 3
    assert [row["sign"] for row in figures["signs"] if row["section"] == "Horns"] == ["cue"]
    assert [way["measure"] for way in figures["ways"]] == [str(n + 1) for n in range(MEASURES)], "the last one, too"
    for way in figures["ways"]:
        assert 8 <= len(way["way_mm"]) <= 32 and len(way["ideal_icti_mm"]) == 4


def test_the_pictures_are_drawn(conducting: Conducting, tmp_path: Path) -> None:
    write_conducting_png(tmp_path / "conducting.png", conducting)
    picture = np.asarray(Image.open(tmp_path / "conducting.png").convert("RGB"), dtype=float)
    assert picture.shape == (1000, 1600, 3)
    assert (picture.std(axis=2) > 20).sum() > 5000, "nothing is drawn in colour"
    titles = [title for title, _ in conducting_plots(conducting)]
    assert len(titles) == 4
    for _, image in conducting_plots(conducting):
        assert np.asarray(Image.open(io.BytesIO(image)).convert("L")).std() > 5


def test_an_upbeat_stands_just_before_the_first_whole_bar(conducting: Conducting) -> None:
    """It was drawn at the beginning of a bar of its own, and a slow last bar fell out of the picture."""
    from_upbeat = look_back(conducting.score, [], conducting.crossings[3:])
    slow = replace(from_upbeat.bars[-1], conducted_bpm=20.0)
    axes = Figure().add_subplot()
    draw_tempo(axes, replace(from_upbeat, bars=(*from_upbeat.bars[:-1], slow)))
    at = {str(line.get_label()): np.asarray(line.get_xdata(), dtype=float) for line in axes.lines}
    assert at["conducted, by beat"][:3] == pytest.approx([0.75, 1.0, 1.25])
    assert at["conducted, by measure"][:2] == pytest.approx([0.875, 1.5])
    assert axes.get_ylim()[0] < 20.0


def test_the_timeline_shows_what_happened(conducting: Conducting) -> None:
    """It began with a take's first frame: after a minute of waiting all of the music stood at the edge."""
    first, *others = conducting.states
    waited = replace(conducting, states=(Span("waiting", -60.0, first.end_s), *others))
    axes = Figure().add_subplot()
    draw_timeline(axes, waited)
    left_s, right_s = axes.get_xlim()
    assert 3.0 <= others[0].start_s - left_s <= 4.0, "a little of the waiting"
    assert right_s == pytest.approx(conducting.states[-1].end_s)
    left = Span("ended", conducting.states[-1].start_s, conducting.states[-1].start_s + 60.0)
    axes = Figure().add_subplot()
    draw_timeline(axes, replace(conducting, states=(*conducting.states[:-1], left)))
    assert axes.get_xlim()[1] == pytest.approx(left.start_s + 3.0)


def test_a_narrow_figure_leaves_its_title_room(
    conducting: Conducting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of beats that go up and down alone the title ran into its neighbour's."""
    narrow = []
    for way in conducting.ways:
        assert way.ghost is not None
        ghost = replace(way.ghost, way=way.ghost.way * (0.1, 1.0), icti=way.ghost.icti * (0.1, 1.0))
        narrow.append(replace(way, way=way.way * (0.1, 1.0), icti=way.icti * (0.1, 1.0), ghost=ghost))
    drawn: list[Figure] = []
    monkeypatch.setattr(plots, "png", lambda figure: drawn.append(figure) or png(figure))
    write_conducting_png(tmp_path / "conducting.png", replace(conducting, ways=tuple(narrow)))
    (figure,) = drawn
    way, clarity = figure.axes[1:3]
    assert way.get_title("left").startswith("The baton") and clarity.get_title("left").startswith("Clarity")
    (title,) = (
        text for text in way.get_children() if isinstance(text, Text) and text.get_text() == way.get_title("left")
    )
    assert title.get_window_extent().x1 < clarity.get_window_extent().x0


def test_a_performance_of_nothing_has_a_report(tmp_path: Path) -> None:
    score = make_score([(0.0, 1.0, 60, 0, 0.5, 0)])
    nothing = look_back(score, [], [])
    assert conducting_figures(nothing)["tempo_by_measure"] == []
    write_conducting_png(tmp_path / "conducting.png", nothing)
    assert len(conducting_plots(nothing)) == 2


def test_the_report_names_what_players_also_play(conducting: Conducting, tmp_path: Path) -> None:
    score = conducting.score
    score = replace(
        score, parts=(replace(score.parts[0], instrument="flute", doublings=("piccolo",)), *score.parts[1:])
    )
    asked = ReportInput(score, (), (), conducting.crossings, conducting, 60.0, None, None, "none", 0, 0, ())
    numbers = write_report(tmp_path, asked, None)
    assert (
        numbers["parts"][0]["doublings"]
        == ["piccolo"]
        == json.loads((tmp_path / "report.json").read_text())["parts"][0]["doublings"]
    )
    assert "<td>flute and piccolo</td>" in (tmp_path / "report.html").read_text(encoding="utf-8")
