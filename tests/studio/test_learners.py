"""Feedback on AI music is kept, survives a crash, shapes what is offered, and can be exported and forgotten."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from ai_support import write_small
from score_samples import attributes, note
from score_samples import score as musicxml
from support import make_score
from typer.testing import CliRunner

from tutti.engine.errors import ModelError, ProfileError
from tutti.models.preference_training import TuningPlan
from tutti.models.provenance import Provenance
from tutti.models.score_shapes import all_notes
from tutti.models.weights import read_part_weights
from tutti.studio.ai import learners
from tutti.studio.ai.ai_files import open_ai_file, read_provenance
from tutti.studio.ai.feedback_training import liked_pieces, train_from_feedback
from tutti.studio.ai.part_files import write_midi
from tutti.studio.cli import app

RUN = CliRunner()
WHO = Provenance("ai:parts", "ab" * 32, "CC0", "harmonise", 7, ("Cello 2",), 4, {"style": "baroque", "cadence": "end"})


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(learners, "data_folder", lambda: tmp_path / "data")
    return tmp_path / "data"


def write_piece(path: Path, low: list[int]) -> Path:
    rows = [(float(q), 1.0, 72 + q % 3, 0, 0.5, 0) for q in range(8)]
    rows += [(i * 8 / len(low), 8 / len(low), pitch, 1, 0.5, 0) for i, pitch in enumerate(low)]
    score = make_score(rows, measures=2, instruments=("violin", "cello"))
    write_midi(path, score, all_notes(score), WHO)
    return path


def invoke(*arguments: str) -> str:
    result = RUN.invoke(app, list(arguments), env={"COLUMNS": "160"}, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_file_says_who_wrote_it(tmp_path: Path) -> None:
    path = write_piece(tmp_path / "piece.mid", [48, 50, 52, 53])
    assert read_provenance(path) == WHO
    opened = open_ai_file(path)
    assert [n.pitch for n in opened.notes] == [48, 50, 52, 53] and opened.parts == (1,)
    fields = "".join(f'<miscellaneous-field name="{k}">{v}</miscellaneous-field>' for k, v in WHO.fields().items())
    body = [attributes("4/4") + "".join(map(note, ["C4", "D4", "E4", "F4"]))]
    text = musicxml(("Violin", body), ("Cello 2", body))
    head = f"<identification><miscellaneous>{fields}</miscellaneous></identification>"
    xml = tmp_path / "piece.musicxml"
    xml.write_text(text.replace("<part-list>", head + "<part-list>", 1), encoding="utf-8")
    assert open_ai_file(xml).provenance == WHO and len(open_ai_file(xml).notes) == 4
    plain = tmp_path / "plain.musicxml"
    plain.write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match="does not say that an AI wrote"):
        open_ai_file(plain)


def test_likes_dislikes_and_edits_are_kept_and_shown(tmp_path: Path) -> None:
    piece = write_piece(tmp_path / "piece.mid", [48, 50, 52, 53, 55, 53, 52, 50] * 2)
    thin = write_piece(tmp_path / "thin.mid", [48, 52])
    invoke("part", "like", str(piece), "--learner", "Ada")
    invoke("part", "dislike", str(piece), "--learner", "Ada")
    said = invoke("part", "edited", str(piece), str(thin), "--learner", "Ada")
    assert "2 notes stayed" in said or "another length" in said
    shown = json.loads(invoke("learner", "show", "Ada", "--json"))
    assert shown["opinions"] == {"like": 1, "dislike": 1, "edit": 1}
    likely = shown["likely"]["density"]
    assert likely["sparse"] > 0.5 > likely["lively"], "the edit thinned out what was lively"
    assert shown["likely"]["style"]["baroque"] == pytest.approx(0.5, abs=0.02)
    assert json.loads(invoke("learner", "list", "--json")) == ["Ada"]
    assert "sparse" in invoke("learner", "show", "Ada")
    feedback = learners.read_feedback("Ada")
    assert all(learners.piece_path("Ada", one.piece).exists() for one in feedback)
    assert feedback[2].original and learners.piece_path("Ada", feedback[2].original).read_bytes() == piece.read_bytes()


def test_a_line_that_a_crash_cut_off_costs_no_other(
    tmp_path: Path, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    opened = open_ai_file(write_piece(tmp_path / "piece.mid", [48, 50, 52, 53]))
    learners.keep_verdict("me", opened, True)
    path = home / "learners" / "me" / "feedback.jsonl"
    path.write_bytes(path.read_bytes() + path.read_bytes()[:90])
    learners.keep_verdict("me", opened, False)
    assert [one.verdict for one in learners.read_feedback("me")] == ["like", "dislike"]
    assert "line 2" in caplog.text and "this opinion is lost" in caplog.text


def test_feedback_is_exported_and_forgotten(tmp_path: Path, home: Path) -> None:
    piece = write_piece(tmp_path / "piece.mid", [48, 50, 52, 53])
    invoke("part", "like", str(piece))
    with zipfile.ZipFile(invoke("learner", "export", "me", "-o", str(tmp_path / "me.zip")).strip()) as archive:
        names = archive.namelist()
        assert "feedback.jsonl" in names and len(names) == 2
        assert archive.read(next(n for n in names if n != "feedback.jsonl")) == piece.read_bytes()
    invoke("learner", "reset", "me")
    assert not (home / "learners" / "me").exists() and learners.read_feedback("me") == []
    with pytest.raises(ProfileError, match="nobody yet"):
        learners.reset_learner("me")
    with pytest.raises(ProfileError, match="use letters"):
        learners.learner_folder("../elsewhere")


def test_weights_are_tuned_on_what_was_liked_and_stay_near(tmp_path: Path) -> None:
    start = write_small(tmp_path / "small.safetensors")
    liked = write_piece(tmp_path / "liked.mid", [48, 50, 52, 53, 55, 53, 52, 50] * 4)
    dropped = write_piece(tmp_path / "dropped.mid", [40, 41] * 12)
    for verdict, piece in (("like", liked), ("like", dropped), ("dislike", dropped)):
        invoke("part", verdict, str(piece), "--learner", "Ada")
    plan = TuningPlan(most_steps=12, learning_rate=3e-3, batch=2, steps=32)
    assert [piece.tokens.shape[0] for piece in liked_pieces("Ada")] == [32]
    manifest = train_from_feedback("Ada", start, tmp_path / "ada.safetensors", plan, lambda share, loss: None)
    figures = manifest.figures
    assert figures["liked_pieces"] == 1 and figures["liked_nats_after"] < figures["liked_nats_before"] - 0.1
    before, old = read_part_weights(start)
    after, _ = read_part_weights(tmp_path / "ada.safetensors")
    assert manifest.data["began_with"] == old.sha256
    firmly = TuningPlan(most_steps=12, learning_rate=3e-3, batch=2, steps=32, anchor=1000.0)
    train_from_feedback("Ada", start, tmp_path / "near.safetensors", firmly, lambda share, loss: None)
    near, _ = read_part_weights(tmp_path / "near.safetensors")
    assert away(near, before) < 0.5 * away(after, before)
    with pytest.raises(ModelError, match="liked nothing yet"):
        liked_pieces("Bob")


def away(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> float:
    return sum(float(((one[name] - other[name]) ** 2).sum()) for name in one)
