"""Seat, head and formats as a user chooses them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from rich.progress import Progress
from typer.testing import CliRunner

from tutti.engine.conducting.tracking import read_take, write_take
from tutti.engine.conducting.virtual_conductor import clean_timings, conduct
from tutti.engine.errors import SeatingError, SoundError, TuttiError
from tutti.engine.hall import read_hall
from tutti.engine.notation.score_cache import open_score
from tutti.engine.types import PlayerPlacement
from tutti.studio import hearing
from tutti.studio.cli import app
from tutti.studio.hearing import Hearing
from tutti.studio.render import RenderJob, render

PIECE = "bach/bwv66.6"
SINGER = PlayerPlacement(0, 0, "Sopranos", "soprano", (-2.0, 3.0, 0.0), 200.0, 0)


def test_a_seat_fixes_the_listener_and_the_podium_does_not(tmp_path: Path) -> None:
    hall = read_hall()
    assert Hearing().settings(hall, [SINGER], 3).listener is None
    settings = Hearing("row-10", head_radius_cm=9.5, reflections=2).settings(hall, [SINGER], 3)
    assert settings.listener is not None and settings.listener.position_m[1] == pytest.approx(-13.66)
    assert settings.head_radius_m == pytest.approx(0.095) and settings.seed == 3 and settings.reflection_order == 2
    with pytest.raises(SeatingError, match="in:Sopranos"):
        Hearing("in:tubas").settings(hall, [SINGER], 3)
    with pytest.raises(SoundError, match="usual"):
        Hearing(head_radius_cm=87.0).check()
    (tmp_path / "no.sofa").write_text("hello")
    with pytest.raises(SoundError, match="not a SOFA file"):
        Hearing(sofa=tmp_path / "no.sofa").check()


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four beats of a chorale."""
    score = open_score(PIECE)
    path = tmp_path_factory.mktemp("take") / "take.csv"
    timings = clean_timings(score.beats["quarter"][:5].astype(float), 2.0 + 0.6 * np.arange(5))
    write_take(path, conduct(score, timings, seed=4))
    return path


def test_a_render_from_the_balcony_with_everything(take: Path, tmp_path: Path) -> None:
    job = RenderJob(
        PIECE,
        read_take(take),
        tmp_path / "balcony",
        sounds="synthesised",
        hall="musikverein",
        hearing=Hearing("balcony"),
        formats=("binaural", "stereo", "ambisonics-1"),
        stems=True,
    )
    with Progress(disable=True) as bars:
        render(job, bars)
    frames = soundfile.info(job.out / "performance.wav").frames
    for name, channels in (("stereo", 2), ("ambisonics-1", 4)):
        info = soundfile.info(job.out / f"performance-{name}.wav")
        assert info.channels == channels and info.frames == frames
    assert {path.stem for path in (job.out / "stems").glob("*.wav")} >= {"hall"}
    mix = soundfile.read(job.out / "performance.wav")[0]
    assert np.abs(mix).max() > 0.01
    # From 36 m away the hall is stronger than what comes straight from the stage.
    hall = soundfile.read(job.out / "stems" / "hall.wav")[0]
    assert (hall**2).mean() > 0.5 * (mix**2).mean()


@pytest.mark.parametrize(
    "wrong",
    [
        ["--seat", "loge"],
        ["--format", "quad"],
        ["--hall", "missing.wav"],
        ["--hall", "nowhere"],
        ["--head-radius-cm", "30"],
        ["--hrtf", "missing.sofa"],
    ],
)
def test_wrong_choices_are_told_before_anything_is_played(take: Path, tmp_path: Path, wrong: list[str]) -> None:
    result = CliRunner().invoke(app, ["render", PIECE, "--take", str(take), "-o", str(tmp_path / "out"), *wrong])
    assert isinstance(result.exception, TuttiError) and "\n" not in str(result.exception)
    assert not list((tmp_path / "out").glob("*.wav")) and not (tmp_path / "out" / "session.mcap").exists()


def test_a_head_is_read_once_before_the_score_and_what_is_refused_leaves_no_folder(
    take: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Path] = []
    monkeypatch.setattr(hearing, "read_sofa", looked.append)
    job = RenderJob("nosuch", read_take(take), tmp_path / "out", hearing=Hearing("row-9", tmp_path / "head.sofa"))
    for wrong, says in ((job, "nosuch"), (replace(job, score=PIECE, hearing=Hearing("moon")), "moon")):
        with pytest.raises(TuttiError, match=says), Progress() as bars:
            render(wrong, bars)
    assert looked == [tmp_path / "head.sofa"]
    assert not (tmp_path / "out").exists()
