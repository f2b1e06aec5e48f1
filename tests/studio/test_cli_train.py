"""``tutti train``: scores in; weights, a manifest that says where they come from, and an index of copies out."""

import json
from pathlib import Path

import pytest
from ai_support import write_small
from typer.testing import CliRunner

from tutti.engine.errors import ModelError, OutputError
from tutti.models.copy_check import CopyIndex, copies_path
from tutti.models.decoding import PartDecoder
from tutti.models.grid import HOLD, Place, pitch_to_token
from tutti.models.part.runtime import PartModel
from tutti.models.weights import part_manifest_path
from tutti.studio.cli import app


def test_weights_are_trained_from_pieces_and_answer(tmp_path: Path) -> None:
    chords = ([72, 67, 64, 48], [72, 69, 65, 53], [71, 67, 62, 55], [72, 67, 64, 48])
    rows = [chord for chord in chords * 4 for _ in range(4)]
    moved = [[pitch + 2 for pitch in row] for row in rows]
    source, out = tmp_path / "pieces.json", tmp_path / "own.safetensors"
    source.write_text(json.dumps({"train": [rows, moved], "valid": [rows], "test": [rows]}))
    options = ["--minutes", "0.15", "--width", "32", "--layers", "1", "--licence", "mine", "-o", str(out)]
    result = CliRunner().invoke(app, ["train", str(source), *options])
    assert result.exit_code == 0, result.output
    model = PartModel.load(out)
    manifest = model.manifest
    assert model.source == "ai:own" and manifest.licence == "mine"
    assert manifest.command.startswith("tutti train pieces.json --minutes 0.15")
    assert len(manifest.data["training"]) == 2 and len(manifest.data["validation"]) == 1
    assert manifest.figures["nats_per_token"] < 4.5, "below log 87, which is knowing nothing"
    assert CopyIndex.load(copies_path(out)).usual_notes >= 8
    decoder = PartDecoder(model, given=(0,))
    tokens = [decoder.step(Place(step % 4, 0, 4), {0: pitch_to_token(72) if step == 0 else HOLD}) for step in range(8)]
    assert {row[0] for row in tokens} == {pitch_to_token(72), HOLD}


def test_where_weights_cannot_be_written_is_told_before_the_training(tmp_path: Path) -> None:
    source, folder = tmp_path / "pieces.json", tmp_path / "folder.safetensors"
    source.write_text("a corpus that must not be replaced")
    folder.mkdir()
    (tmp_path / "file").write_text("")
    refused = {
        tmp_path / "pieces.safetensors": (ModelError, "would replace it"),
        tmp_path / "own.json": (ModelError, "ends in .safetensors"),
        folder: (OutputError, "is a folder"),
        tmp_path / "file" / "own.safetensors": (OutputError, "a file is where the folder should be"),
    }
    for out, (error, why) in refused.items():
        for kind in ("grid", "lstm"):
            result = CliRunner().invoke(app, ["train", str(source), "--network", kind, "-o", str(out)])
            assert isinstance(result.exception, error) and why in str(result.exception)
    assert source.read_text() == "a corpus that must not be replaced"


@pytest.mark.parametrize(
    "words", [("train", "{pieces}"), ("train", "{pieces}", "--network", "lstm"), ("train-gesture", "--lessons", "1")]
)
def test_weights_that_are_there_are_replaced_only_when_told_to(tmp_path: Path, words: tuple[str, ...]) -> None:
    """They were, as soon as the first held-out music was looked at, by weights that may have been worse."""
    source, out = tmp_path / "pieces.json", tmp_path / "own.safetensors"
    source.write_text("no pieces: where the training would begin it ends")
    write_small(out)
    manifest = part_manifest_path(out)
    manifest.write_text(manifest.read_text().replace('"figures": {}', '"figures": {"nats_per_token": 0.61712}'))
    before = out.read_bytes(), manifest.read_bytes()
    command = [word.format(pieces=source) for word in words] + ["-o", str(out)]
    refused = CliRunner().invoke(app, command)
    assert isinstance(refused.exception, ModelError)
    assert str(refused.exception) == (
        f"{out}: there are weights already (0.617 nats a token on the music held out from them); name another file "
        "with -o, or say --force to replace them"
    )
    begins_from = ["--start", str(source)] if words[0] == "train-gesture" else []
    forced = CliRunner().invoke(app, [*command, *begins_from, "--force"])
    assert isinstance(forced.exception, ModelError) and "there are weights already" not in str(forced.exception)
    assert (out.read_bytes(), manifest.read_bytes()) == before
