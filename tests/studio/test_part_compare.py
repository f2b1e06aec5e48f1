"""Several answers to one melody, as files and as a page that needs nothing else."""

import json
import re
from pathlib import Path

import numpy as np
import soundfile
from ai_support import write_small
from score_samples import attributes, note
from score_samples import score as musicxml
from support import make_score
from typer.testing import CliRunner

from tutti.models.craft.analysis import analyse
from tutti.models.craft.beatwise import sounding_on_beats
from tutti.models.provenance import Provenance
from tutti.studio.ai.ai_files import open_ai_file
from tutti.studio.ai.part_compare import (
    Answer,
    CompareRequest,
    Comparison,
    compare,
    figures_of,
    melody_of,
    write_comparison,
)
from tutti.studio.cli import app


def test_rules_and_the_lstm_that_ships_answer_a_melody(tmp_path: Path) -> None:
    lines = {"Flute": "C5 D5 E5 F5 G5 F5 D5 C5", "Cello": "C3 C3 C3 C3 C3 C3 C3 C3"}
    parts = []
    for name, line in lines.items():
        notes = line.split()
        parts.append((name, [attributes("4/4") + "".join(map(note, notes[:4])), "".join(map(note, notes[4:]))]))
    path = tmp_path / "tune.musicxml"
    path.write_text(musicxml(*parts), encoding="utf-8")
    out = tmp_path / "answers"
    (tmp_path / "broken.safetensors").write_bytes(b"broken")
    arguments = ["part", "compare", str(path), "-o", str(out), "--by", "rules,lstm,grid", "--seed", "3"]
    arguments += ["--weights", f"grid={tmp_path / 'broken.safetensors'}"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    numbers = json.loads((out / "compare.json").read_text(encoding="utf-8"))
    assert set(numbers["answers"]) == {"rules", "lstm"} and "its manifest" in numbers["missing"]["grid"]
    assert numbers["answers"]["rules"]["parallels_per_100_beats"] == 0.0
    for kind, source in (("rules", "ai:rules"), ("lstm", "ai:baseline-lstm")):
        opened = open_ai_file(out / f"{kind}.musicxml")
        assert opened.provenance.source == source and opened.parts == (1, 2, 3) and opened.notes
        assert [n.pitch for n in opened.score.notes_between(0.0, 8.0) if n.part == 0] == [
            72,
            74,
            76,
            77,
            79,
            77,
            74,
            72,
        ]
        assert (out / f"{kind}.mid").exists()
    page = (out / "compare.html").read_text(encoding="utf-8")
    assert len(re.findall("data:image/png;base64", page)) == 2 and "<audio" not in page and "http" not in page


def test_the_networks_answer_comes_home(tmp_path: Path) -> None:
    """As in ``tutti part harmonise``, whatever its network would like: this one has learned nothing."""
    tune = [attributes("4/4") + "".join(map(note, line.split())) for line in ("C5 D5 E5 F5", "G5 E5 D5 C5")]
    (tmp_path / "tune.musicxml").write_text(musicxml(("Flute", tune)), encoding="utf-8")
    weights = {"grid": write_small(tmp_path / "small.safetensors")}
    for seed in range(3):
        request = CompareRequest(
            str(tmp_path / "tune.musicxml"), tmp_path / "answers", kinds=("grid",), seed=seed, weights=weights
        )
        answer = compare(request).answers[0]
        dominant, last = sounding_on_beats(answer.score)[-2:]
        assert {pitch % 12 for pitch in dominant} <= {7, 11, 2, 5} and 11 in {pitch % 12 for pitch in dominant}
        assert {pitch % 12 for pitch in last} <= {0, 4, 7}
        bass = answer.score.notes[answer.score.notes["part"] == 3]
        ends = bass["onset_quarter"] + bass["duration_quarter"]
        roots = [int(bass["pitch"][(bass["onset_quarter"] <= at) & (ends > at)][0]) % 12 for at in (6.0, 7.0)]
        assert roots == [7, 0]


def test_the_page_plays_what_was_performed(tmp_path: Path) -> None:
    rows = [(float(q), 1.0, 72 + q % 3, 0, 0.5, 0) for q in range(8)]
    melody = make_score(rows, measures=2, instruments=("flute",))
    analysis = analyse(melody)
    wav = tmp_path / "performance.wav"
    soundfile.write(wav, 0.1 * np.sin(np.arange(48000) / 20.0), 48000)
    who = Provenance("ai:rules", "", "", "harmonise", 0, ())
    answer = Answer("rules", melody, who, (), analysis, figures_of(melody, analysis))
    page = write_comparison(Comparison(melody, (answer,), {}), tmp_path, {"rules": wav}).read_text(encoding="utf-8")
    sound = re.search(r"data:audio/mpeg;base64,([^\"]+)", page)
    assert sound is not None and 2000 < len(sound[1]) < 60000


def test_the_melody_is_the_highest_part_or_the_one_named() -> None:
    rows = [(float(q), 1.0, pitch, part, 0.5, 0) for q in range(4) for part, pitch in enumerate((55, 72))]
    score = make_score(rows, measures=1, instruments=("viola", "violin"))
    assert set(melody_of(score).notes["pitch"].tolist()) == {72}
    assert set(melody_of(score, "viola").notes["pitch"].tolist()) == {55}
