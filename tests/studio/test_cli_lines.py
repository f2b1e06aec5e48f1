"""What commands say: lines that may be copied, lists, and what was written where."""

import json
from pathlib import Path

import pytest
from ai_support import write_small
from typer.testing import CliRunner

from tutti.engine.errors import ScoreError
from tutti.studio.cli import app
from tutti.studio.commands import options

RUN = CliRunner()
PIECE = "bach/bwv66.6"


def invoke(*arguments: str | Path) -> str:
    result = RUN.invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "40"}, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_long_path_stays_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was broken at the edge of the terminal, and could not be copied."""
    monkeypatch.setattr(options.console, "width", 40)
    folder = tmp_path / "a folder with a name that is longer than a line"
    assert f"{folder / 'seats.json'}: " in invoke("seats", PIECE, "-o", folder / "seats.json")
    assert f"{folder / 'take.csv'}: " in invoke("take", PIECE, "-o", folder / "take.csv")
    assert f"{folder / 'by.mid'}" in invoke("part", "by-rules", PIECE, "-o", folder / "by.mid")


def test_a_report_says_where_it_is(tmp_path: Path) -> None:
    weights, out, why = write_small(tmp_path / "small.safetensors"), tmp_path / "out.mid", tmp_path / "why"
    said = invoke("part", "fill", PIECE, "--parts", "alto", "-o", out, "--weights", weights, "--drafts", "1",
                  "--bars", "1-2", "--report", why)  # fmt: skip
    assert f"Why: {why / 'explain.html'}\n" in said and (why / "explain.html").exists()


def test_pieces_of_the_corpus_can_be_found() -> None:
    """The commands take their names, and nothing told them."""
    assert "bach/bwv66.6" in invoke("scores", "list", "--corpus", "bwv66").splitlines()
    assert "bach/bwv66.6" in json.loads(invoke("scores", "list", "--corpus", "bwv66", "--json"))
    with pytest.raises(ScoreError, match="has no piece with 'nosuch' in its name"):
        invoke("scores", "list", "--corpus", "nosuch")
