"""An AI-written part explained: in the terminal, as JSON, and as a page with a picture."""

import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from ai_support import write_small
from PIL import Image
from support import make_score
from typer.testing import CliRunner

from tutti.models.craft.analysis import analyse
from tutti.models.explain import NoteSurprise, Surprise
from tutti.models.provenance import Provenance
from tutti.models.score_shapes import all_notes
from tutti.studio.ai.part_files import write_midi
from tutti.studio.ai.part_plots import chord_roll
from tutti.studio.cli import app

RUN = CliRunner()
COPIED = "31 notes, quarters 0–8 (longer than the usual 15)"
WHO = Provenance("ai:parts", "ab" * 32, "CC0", "harmonise", 7, ("Violin 2", "Cello 3"), 16, checked=COPIED)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small(tmp_path_factory.mktemp("weights") / "small.safetensors")


@pytest.fixture
def piece(tmp_path: Path) -> Path:
    lines = ((72, 74, 76, 77, 79, 77, 74, 72), (67, 67, 67, 69, 71, 69, 65, 64), (48, 43, 48, 53, 43, 53, 43, 48))
    rows = [(float(q), 1.0, pitch, part, 0.5, 0) for part, line in enumerate(lines) for q, pitch in enumerate(line)]
    score = make_score(rows, measures=2, instruments=("violin", "violin", "cello"))
    path = tmp_path / "piece.mid"
    write_midi(path, score, all_notes(score), WHO)
    return path


def invoke(*arguments: str) -> str:
    result = RUN.invoke(app, ["part", "explain", *arguments], env={"COLUMNS": "200"}, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_ais_parts_are_explained_and_the_others_heard(piece: Path, weights: Path) -> None:
    found = json.loads(invoke(str(piece), "--surprise", "--weights", str(weights), "--json"))
    surprise = found["surprise"]
    assert surprise["model"] == "ai:small" and len(surprise["parts"]) == 2 and len(surprise["notes"]) == 16
    assert {note["part"] for note in surprise["notes"]} == {1, 2}
    assert found["provenance"]["ai-seed"] == "7"
    first = surprise["explained"][0]
    assert first["nats"] == max(note["nats"] for note in surprise["notes"])
    assert f"{first['nats']:.1f} nats" in first["words"] and f"measure {first['measure']}" in first["words"]
    assert "surprise" not in json.loads(invoke(str(piece), "--json")), "without being asked, no model is loaded"
    assert "What surprised ai:small most" in invoke(str(piece), "--surprise", "--weights", str(weights))


def test_a_page_shows_roll_chords_provenance_and_the_copy_warning(piece: Path, weights: Path, tmp_path: Path) -> None:
    invoke(str(piece), "--weights", str(weights), "--report", str(tmp_path / "why"))
    page = (tmp_path / "why" / "explain.html").read_text(encoding="utf-8")
    assert 'class="warning"' in page and "31 notes, quarters 0" in page and "ai:parts" in page and "seed 7" in page
    image = re.search(r"data:image/png;base64,([^\"]+)", page)
    assert image is not None
    assert Image.open(io.BytesIO(base64.b64decode(image[1]))).width > 800
    assert json.loads((tmp_path / "why" / "explain.json").read_text(encoding="utf-8"))["chords"]
    assert "http" not in page.replace("http-equiv", ""), "one file, nothing fetched"


def test_surprising_notes_are_red_and_expected_ones_green() -> None:
    score = make_score([(0.0, 4.0, 60, 0, 0.5, 0)], measures=1)
    analysis = analyse(score)

    def colour(nats: float) -> np.ndarray:
        surprise = Surprise((NoteSurprise(0, 0.0, 60, nats),), np.array([nats]))
        picture = np.asarray(Image.open(io.BytesIO(chord_roll(score, analysis, surprise, [0]))).convert("RGB"), float)
        far = np.abs(picture - picture[0, 0]).sum(axis=2) > 150
        return picture[far].mean(axis=0)

    red, green = colour(9.0), colour(0.0)
    assert red[0] > red[1] + 40 and green[1] > green[0]
