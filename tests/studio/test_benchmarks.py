"""Benchmarks at their edges: nothing to measure is told, and a part of the sound is measured as a part."""

import sys
from importlib import import_module
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def _benchmarks_importable(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])


@pytest.mark.parametrize("name", ["rules", "score_open"])
def test_a_folder_without_scores_is_named(name, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", [name, str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        import_module(name).main()
    assert ended.value.code == 2 and str(tmp_path) in capsys.readouterr().err


def test_only_so_many_seconds_of_sound_are_rendered_and_counted(capsys, monkeypatch):
    """Notes whose end lies behind the cut used to ring for minutes, which counted as music rendered fast."""
    import offline_render
    from audio_players import sawtooths

    instruments = sorted({part.instrument for part in offline_render.open_score(offline_render.concert_score()).parts})
    monkeypatch.setattr(offline_render, "sound_loader", lambda *_: lambda: sawtooths(instruments))
    monkeypatch.setattr(sys, "argv", ["offline_render", "--seconds", "4"])
    offline_render.main()
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("sound of"))
    assert " 4.0 s of music" in line


def test_notes_struck_again_are_counted_apart_from_held_ones_and_from_a_pulse():
    import numpy as np
    from _ai_measures import begun

    from tutti.models.grid import HOLD, REST, pitch_to_token

    c, d = pitch_to_token(60), pitch_to_token(62)
    tokens = np.full((12, 4), REST)
    tokens[:, 0] = c  # the given voice is not counted
    tokens[:, 1] = [c, HOLD, c, HOLD, c, HOLD, d, HOLD, REST, d, HOLD, HOLD]  # a pulse; what comes after a rest is new
    tokens[:, 2] = [c, HOLD, HOLD, c, d, HOLD, HOLD, HOLD, HOLD, HOLD, HOLD, HOLD]  # one that could have been held
    assert begun(tokens) == {"begun": 5 + 3, "again": 2 + 1, "uneven": 1}
