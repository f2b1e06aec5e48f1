"""The command line as a user meets it: real processes, exit statuses, one-line reasons, files as promised."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
from needs import gl_works

from tutti.engine.conducting.tracking import read_take, write_take
from tutti.engine.conducting.virtual_conductor import clean_timings, conduct
from tutti.engine.notation.score_cache import open_score
from tutti.engine.notation.score_reader import read_score
from tutti.studio.marked_timings import marked_timings
from tutti.studio.session_file import read_session

PIECE = "bach/bwv66.6"


def tutti(*arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "tutti.studio", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    if check:
        assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short take: the first twelve beats of a chorale, then a still baton."""
    score = open_score(PIECE)
    quarters = score.beats["quarter"][:13].astype(float)
    times = 2.0 + 0.6 * np.arange(13)
    path = tmp_path_factory.mktemp("take") / "take.csv"
    write_take(path, conduct(score, clean_timings(quarters, times), seed=4))
    return path


@pytest.fixture(scope="module")
def rendered(take: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("render")
    tutti("render", PIECE, "--take", take, "-o", out, "--ai-parts", "alto,tenor,bass", "--seed", "3")
    return out


def test_a_render_writes_everything_it_promises(rendered: Path) -> None:
    samples, rate_hz = soundfile.read(rendered / "performance.wav")
    assert rate_hz == 48000 and samples.shape[1] == 2
    notes = list(csv.DictReader((rendered / "notes.csv").open(encoding="utf-8")))
    first_s = min(float(note["onset_s"]) for note in notes)
    before = samples[: int((first_s - 0.1) * rate_hz)]
    after = samples[int(first_s * rate_hz) : int((first_s + 2.0) * rate_hz)]
    assert np.abs(before).max() < 1e-4, "silence before the first note"
    assert np.sqrt((after**2).mean()) > 0.003
    assert np.abs(samples).max() < 10 ** (-1 / 20)
    assert {note["source"] for note in notes} == {"written", "ai:parts"}
    assert {note["part"] for note in notes if note["source"] == "written"} == {"Soprano"}
    beats = list(csv.DictReader((rendered / "beats.csv").open(encoding="utf-8")))
    assert len(beats) >= 12
    assert len(mido.MidiFile(rendered / "performance.mid").tracks) == 5
    numbers = json.loads((rendered / "report.json").read_text(encoding="utf-8"))
    assert numbers["sound"]["clipped_samples"] == 0
    assert numbers["ai_windows_missed"] == 0
    assert len(numbers["conducting"]["tempo_by_measure"]) >= 3
    assert (rendered / "conducting.png").read_bytes().startswith(b"\x89PNG")
    by_ai = [note for note in notes if note["source"] == "ai:parts"]
    answers = numbers["answers"]
    assert [part["name"] for part in answers["parts"]] == ["Alto", "Tenor", "Bass"]
    assert [note["pitch"] for note in answers["notes"]] == [int(note["pitch"]) for note in by_ai]
    assert all(note["source"] == "ai:parts" and note["nats"] >= 0 for note in answers["notes"])
    assert answers["bars"] == sorted(answers["bars"], key=lambda bar: -bar["nats"])
    played = read_score(rendered / "performance.musicxml")
    assert len(played.parts) == 4 and len(played.tempos) > len(beats) // 2
    assert "<audio" in (rendered / "report.html").read_text(encoding="utf-8")
    if gl_works():
        assert (rendered / "stage.png").read_bytes().startswith(b"\x89PNG")


def test_an_exported_session_is_the_performance(rendered: Path, tmp_path: Path) -> None:
    session = read_session(rendered / "session.mcap")
    assert session.complete
    tutti("export", rendered / "session.mcap", "-o", tmp_path)
    for name in ("beats.csv", "notes.csv", "performance.mid", "performance.musicxml"):
        assert (tmp_path / name).read_bytes() == (rendered / name).read_bytes()
    reports = [json.loads((folder / "report.json").read_text(encoding="utf-8")) for folder in (rendered, tmp_path)]
    assert reports[1]["ai_parts"] == ["Alto", "Tenor", "Bass"]
    assert reports[0]["answers"] == reports[1]["answers"], "the AI's notes are explained alike"
    again, _ = soundfile.read(tmp_path / "performance.wav")
    first, _ = soundfile.read(rendered / "performance.wav")
    assert np.array_equal(again, first), "the same notes and seed give the same sound"


def test_a_take_from_timings(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("quarter,time_s\n" + "".join(f"{q},{1 + 0.7 * q}\n" for q in range(20)))
    tutti("take", PIECE, "--timings", tmp_path / "t.csv", "-o", tmp_path / "take.csv", "--seed", "1", "--rate-hz", "30")
    text = (tmp_path / "take.csv").read_text()
    old = ("--rate", "30", "--noise", "0.002")
    tutti("take", PIECE, "--timings", tmp_path / "t.csv", "-o", tmp_path / "old.csv", "--seed", "1", *old)
    assert (tmp_path / "old.csv").read_text() == text, "their names from before"
    assert "time_s,device,x_m,y_m,z_m,qw,qx,qy,qz,valid" in text


def test_a_take_without_timings_beats_the_marks_and_holds_fermatas(tmp_path: Path) -> None:
    tutti("take", PIECE, "-o", tmp_path / "take.csv")
    take, score = read_take(tmp_path / "take.csv"), open_score(PIECE)
    marked_s = 60.0 * score.end_quarter / score.quarter_bpm_at(0.0)
    quarters, times_s = marked_timings(score)
    held_s = sum(end - start for start, end in score.fermatas.tolist()) * 60.0 / score.quarter_bpm_at(0.0)
    assert held_s > 0.0, "chorales have fermatas"
    assert times_s[-1] - times_s[0] == pytest.approx(marked_s + held_s)
    assert take.end_s - take.start_s == pytest.approx(marked_s + held_s, abs=5.0)
    assert (np.diff(times_s) > 0.0).all() and quarters[-1] == score.end_quarter


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("render", "no-such-score", "--take", "{take}", "-o", "{out}"), "no-such-score"),
        (("render", PIECE, "--take", "{out}/none.csv", "-o", "{out}"), "none.csv"),
        (("render", PIECE, "--take", "{take}", "-o", "{out}", "--ai-parts", "kazoo"), "kazoo"),
        (("render", PIECE, "--take", "{take}", "-o", "{out}", "--on-cue", "zurna"), "zurna"),
        (("render", PIECE, "--take", "{take}", "-o", "{out}", "--seating", "moon"), "moon"),
        (("render", PIECE, "--take", "{take}", "-o", "{out}", "--hall", "moon"), "moon"),
        (("export", "{take}", "-o", "{out}"), "not a session"),
        (("replay", "{take}"), "not a session"),
        (("bench", "nothing"), "no benchmark"),
        (("scores", "show", "no-such-score"), "no-such-score"),
        (("export", "{take}", "-o", "{take}/folder"), "take"),
    ],
)
def test_failures_are_one_line_and_status_1(
    arguments: tuple[str, ...], reason: str, take: Path, tmp_path: Path
) -> None:
    done = tutti(*(text.format(take=take, out=tmp_path) for text in arguments), check=False)
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if line.startswith("tutti: ")]
    assert len(lines) == 1 and reason in lines[0]
    assert "Traceback" not in done.stderr


def test_a_benchmark_has_options_of_its_own() -> None:
    assert "--frames" in tutti("bench", "frame", "--help").stdout


def test_wrong_usage_is_status_2() -> None:
    assert tutti("render", check=False).returncode == 2
    assert tutti("no-such-command", check=False).returncode == 2


def test_a_seed_is_no_negative_number(take: Path, tmp_path: Path) -> None:
    done = tutti("render", PIECE, "--take", take, "-o", tmp_path, "--seed", "-1", check=False)
    assert done.returncode == 2 and "Traceback" not in done.stderr


def test_doctor_and_lists_answer_in_json() -> None:
    findings = json.loads(tutti("doctor", "--json").stdout)
    assert {"Python", "Packages", "Sound device", "3-D picture", "Page for browsers"} <= {f["what"] for f in findings}
    assert all(f["works"] or f["advice"] for f in findings)
    assert any(entry["title"] for entry in json.loads(tutti("scores", "list", "--json").stdout))
    assert json.loads(tutti("scores", "show", PIECE, "--json").stdout)["parts"]
    assert isinstance(json.loads(tutti("sounds", "list", "--json").stdout), list)


def test_a_lone_melody_is_harmonised_with_provenance(tmp_path: Path) -> None:
    tune = "X:1\nT:Tune\nM:4/4\nL:1/4\nK:C\nCDEF|GAGE|FDEC|G2C2|]\n"
    (tmp_path / "tune.abc").write_text(tune)
    tutti("part", "harmonise", tmp_path / "tune.abc", "-o", tmp_path / "out.musicxml", "--seed", "2")
    text = (tmp_path / "out.musicxml").read_text(encoding="utf-8")
    assert text.count("(AI)") >= 3 and "ai:parts" in text
    again = open_score(tmp_path / "out.musicxml")
    assert len(again.parts) == 4
