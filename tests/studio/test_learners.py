"""Feedback on AI music is kept, survives a crash, shapes what is offered, and can be exported and forgotten."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ai_support import write_small
from score_samples import attributes, note
from score_samples import score as musicxml
from support import make_score
from typer.testing import CliRunner

from tutti.engine.errors import ModelError, ProfileError
from tutti.models import weights
from tutti.models.preference_training import TuningPlan
from tutti.models.provenance import Provenance
from tutti.models.score_shapes import all_notes
from tutti.models.weights import read_part_weights
from tutti.models.wish import Wish
from tutti.studio.ai import feedback_training, learners
from tutti.studio.ai.ai_files import open_ai_file, read_provenance
from tutti.studio.ai.feedback_training import judgements_of, train_from_feedback
from tutti.studio.ai.part_files import write_midi
from tutti.studio.cli import app
from tutti.studio.commands.learner import offered

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


def test_who_said_nothing_yet_is_no_new_learner_without_a_word(
    tmp_path: Path, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A slip of the pen chose by chance, and nobody was told."""
    invoke("part", "like", str(write_piece(tmp_path / "liked.mid", LIKED)), "--learner", "Ada")
    offered("Ada", 0, Wish())
    assert not caplog.text
    offered("Ana", 0, Wish())
    assert "no feedback by 'Ana'; there is some by Ada: what is left open is chosen by chance" in caplog.text


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


LIKED = [48, 50, 52, 53, 55, 53, 52, 50] * 4
DROPPED = [40, 41] * 12
PLAN = TuningPlan(most_steps=16, learning_rate=3e-3, batch=2, steps=32, bound_nats=10.0)


def told(start: Path, plan: TuningPlan, out: Path | None) -> dict[str, float]:
    return train_from_feedback("Ada", start, plan, out, lambda share, loss: None)[1]


def test_what_was_liked_gains_likelihood_against_what_was_not(tmp_path: Path) -> None:
    start = write_small(tmp_path / "small.safetensors")
    liked = write_piece(tmp_path / "liked.mid", LIKED)
    dropped = write_piece(tmp_path / "dropped.mid", DROPPED)
    for verdict, piece in (("like", liked), ("like", dropped), ("dislike", dropped)):
        invoke("part", verdict, str(piece), "--learner", "Ada")
    judged = judgements_of("Ada")
    assert [one.piece.tokens.shape[0] for one in judged.liked] == [32] and len(judged.disliked) == 1
    assert judged.liked[0].answered == (1,), "the cello is the AI's"
    figures = told(start, PLAN, tmp_path / "ada.safetensors")
    gained = figures["liked_nats_before"] - figures["liked_nats_after"]
    lost = figures["disliked_nats_after"] - figures["disliked_nats_before"]
    assert figures["pairs"] == 1 and gained > 0.1 and gained + lost > 0.3
    before, old = read_part_weights(start)
    after, manifest = read_part_weights(tmp_path / "ada.safetensors")
    assert manifest.data["began_with"] == old.sha256 and len(manifest.data["feedback"]) == 2
    again = told(start, PLAN, tmp_path / "again.safetensors")
    assert again == figures, "same seed, same weights"
    told(start, replace(PLAN, anchor=1000.0), tmp_path / "near.safetensors")
    near, _ = read_part_weights(tmp_path / "near.safetensors")
    assert away(near, before) < 0.5 * away(after, before)
    with pytest.raises(ModelError, match="liked nothing yet"):
        judgements_of("Bob")


def test_other_music_does_not_become_less_likely_than_the_bound_allows(tmp_path: Path) -> None:
    """A rate that would wreck the weights: the way is shortened."""
    start = write_small(tmp_path / "small.safetensors", seed=2)
    invoke("part", "like", str(write_piece(tmp_path / "liked.mid", LIKED)), "--learner", "Ada")
    wild = replace(PLAN, learning_rate=0.02, anchor=0.0)
    free = told(start, wild, tmp_path / "free.safetensors")
    assert free["held_out_nats_after"] > free["held_out_nats_before"] + 0.03 and free["share_kept"] == 1.0
    bound = told(start, replace(wild, bound_nats=0.03), tmp_path / "bound.safetensors")
    assert bound["held_out_nats_after"] <= bound["held_out_nats_before"] + 0.0301
    assert bound["share_kept"] < 1.0


def test_an_edit_is_a_pair_before_and_after(tmp_path: Path) -> None:
    original = write_piece(tmp_path / "original.mid", DROPPED)
    edited = write_piece(tmp_path / "edited.mid", LIKED)
    invoke("part", "edited", str(original), str(edited), "--learner", "Ada")
    found = judgements_of("Ada")
    (pair,) = found.edits
    assert pair.liked == found.liked[0] and pair.disliked == found.disliked[0]


def test_tuned_weights_are_kept_with_the_learner_used_and_undone(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The typed command, from feedback to an answer by weights of one's own, and back."""
    ships = write_small(tmp_path / "parts.safetensors")
    for module in (weights, learners, feedback_training):
        monkeypatch.setattr(module, "default_part_weights", lambda: ships)
    liked = write_piece(tmp_path / "liked.mid", LIKED)
    invoke("part", "like", str(liked), "--learner", "Ada")
    said = invoke("train", "--from-feedback", "Ada", "--minutes", "0.02")
    tuned = home / "learners" / "Ada" / "parts-tuned.safetensors"
    assert str(tuned) in said.replace("\n", "") and learners.tuned_weights("Ada") == tuned
    out = tmp_path / "answer.musicxml"
    invoke("part", "counter", str(liked), "-o", str(out), "--learner", "Ada", "--drafts", "1")
    assert read_provenance(out).source == "ai:parts-tuned"
    invoke("learner", "reset", "Ada", "--tuning")
    assert learners.tuned_weights("Ada") is None and len(learners.read_feedback("Ada")) == 1
    with pytest.raises(ProfileError, match="nothing was tuned"):
        learners.forget_tuning("Ada")
    invoke("train", "--from-feedback", "Ada", "--minutes", "0.01")
    write_small(ships, seed=5)
    assert learners.tuned_weights("Ada") is None, "other weights ship now: what was tuned to the old ones is not used"
    invoke("learner", "reset", "Ada")
    assert not tuned.exists()


def away(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> float:
    return sum(float(((one[name] - other[name]) ** 2).sum()) for name in one)
