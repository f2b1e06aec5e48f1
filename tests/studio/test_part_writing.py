"""AI parts offline: every task writes files that read back, in which AI notes can be told from the others."""

import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import mido
import pytest
from ai_support import write_small
from music21 import converter
from support import make_score

from tutti.engine.errors import ModelError
from tutti.engine.notation.score_cache import open_score
from tutti.engine.notation.score_reader import read_score
from tutti.engine.score import Score
from tutti.engine.types import ScoreNote
from tutti.models.copy_check import CopyIndex, copies_path
from tutti.models.craft.rules import RuleSet
from tutti.models.craft.traditions import tradition
from tutti.models.provenance import Provenance
from tutti.models.score_shapes import all_notes
from tutti.models.wish import Wish
from tutti.studio.ai.ai_record import CopyWatch, answered_score
from tutti.studio.ai.jam import JamChoice, jam_score, prepare_jam
from tutti.studio.ai.part_files import AI_COLOUR, spelled, write_musicxml, write_score
from tutti.studio.ai.part_writing import TASKS, PartRequest, fifths_of, write_part
from tutti.studio.commands.part import bars_named

PROVENANCE = Provenance("ai:test", "ab" * 32, "CC0", "fill", 7, ("Cello",), 3, {"key": "G major", "density": "1.0"})


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small(tmp_path_factory.mktemp("weights") / "small.safetensors")


@pytest.fixture(scope="module")
def tune(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four bars in G major with a pickup's worth of eighths, a tie over a barline and a rest."""
    pitches = [67, 69, 71, 72, 74, 72, 71, 69]
    rows = [(q / 2, 0.5, pitches[q % 8], 0, 0.6, 0) for q in range(24)] + [(12.0, 1.0, 67, 0, 0.6, 0)]
    score = make_score(rows, instruments=("violin",))
    path = tmp_path_factory.mktemp("tune") / "tune.musicxml"
    write_musicxml(path, score, all_notes(score), fifths=1)
    return path


def test_a_contrabass_is_printed_an_octave_above_its_sound(tmp_path: Path) -> None:
    rows = [(0.0, 4.0, 28, 0, 0.6, 0), (0.0, 4.0, 84, 1, 0.6, 0)]
    score = make_score(rows, instruments=("contrabass", "piccolo"))
    write_musicxml(tmp_path / "low.musicxml", score, all_notes(score))
    printed = [f"{n.findtext('step')}{n.findtext('octave')}"
               for n in ElementTree.parse(tmp_path / "low.musicxml").iter("pitch")]  # fmt: skip
    assert printed == ["E2", "C5"]
    assert [note.pitch for note in all_notes(read_score(tmp_path / "low.musicxml"))] == [28, 84]


@pytest.mark.parametrize("task", TASKS)
def test_every_task_writes_a_score_that_reads_back(task: str, tune: Path, weights: Path, tmp_path: Path) -> None:
    request = PartRequest(
        task,
        str(tune),
        tmp_path / f"{task}.musicxml",
        bars=(2, 3) if task == "fill" else None,
        wish=Wish(key="G major", density=1.0),
        rules=RuleSet().without("range"),
        seed=4,
        weights=weights,
    )
    done = write_part(request)
    assert [path.suffix for path in done.files] == [".musicxml", ".mid"]
    back = read_score(done.files[0])
    assert [(n.onset_quarter, n.pitch) for n in all_notes(back)] == [
        (n.onset_quarter, n.pitch) for n in done.composition.notes
    ]
    assert back.measures["start_quarter"].tolist() == done.composition.score.measures["start_quarter"].tolist()
    parsed = converter.parse(done.files[0])
    coloured = sum(
        1
        for note in parsed.recurse().notes
        if note.style.color == AI_COLOUR and not (note.tie and note.tie.type != "start")
    )
    assert coloured == len(done.composition.written) > 0
    assert {part.partName for part in parsed.parts if "(AI)" in part.partName} == {
        f"{name} (AI)" for name in done.provenance.parts
    }
    fields = {
        field.get("name"): field.text
        for field in ElementTree.parse(done.files[0]).getroot().iter("miscellaneous-field")
    }
    assert fields["ai-source"] == "ai:small" and fields["ai-seed"] == "4" and fields["ai-task"] == task
    assert "key: G major" in (fields["ai-controls"] or "") and ", range" not in (fields["ai-controls"] or "")
    midi = mido.MidiFile(done.files[1])
    texts = [message.text for track in midi.tracks[1:] for message in track if message.type == "text"]
    assert len(texts) == len(done.provenance.parts) and all("ai-source=ai:small" in text for text in texts)
    assert sum(m.type == "note_on" for track in midi.tracks for m in track) == len(done.composition.notes)


def test_same_request_same_files(tune: Path, weights: Path, tmp_path: Path) -> None:
    files = [
        write_part(PartRequest("counter", str(tune), tmp_path / f"{n}.mid", seed=1, weights=weights))
        .files[0]
        .read_bytes()
        for n in range(2)
    ]
    assert files[0] == files[1]


def test_a_copy_is_reported(tune: Path, weights: Path, tmp_path: Path) -> None:
    """An index made of what the model will write: all of it is a copy."""
    first = write_part(
        PartRequest("counter", str(tune), tmp_path / "a.musicxml", wish=Wish(density=2.0), weights=weights)
    )
    assert first.provenance.copied is None, "weights without an index are not checked"
    own = [(n.onset_quarter, n.pitch) for n in first.composition.written]
    CopyIndex.of([own], usual_notes=8).save(copies_path(weights))
    try:
        again = write_part(
            PartRequest("counter", str(tune), tmp_path / "b.musicxml", wish=Wish(density=2.0), weights=weights)
        )
        shared = again.provenance.copied
        assert shared is not None and shared.suspicious and shared.notes == len(own)
        assert "longer than the usual" in (tmp_path / "b.musicxml").read_text(encoding="utf-8")
    finally:
        copies_path(weights).unlink()


def test_a_copy_is_told_while_it_is_played() -> None:
    from tutti.engine.types import NoteEvent

    stolen = [(q / 2, 60 + (q * q + 3 * q) % 11) for q in range(24)]
    watch = CopyWatch(CopyIndex.of([stolen], usual_notes=10))
    told = []
    for number, (quarter, pitch) in enumerate(stolen):
        watch.hear(
            [
                NoteEvent(number, 1, quarter, 0.5, pitch + 5, 64, "sustain", quarter, "ai:x"),
                NoteEvent(number + 100, 0, quarter, 0.5, pitch, 64, "sustain", quarter, "written"),
            ]
        )
        line = watch.check()
        if line is not None:
            told.append(line)
    assert len(told) == 2 and "16 notes" in told[0] and "24 notes" in told[1], told
    assert watch.check() is None


def test_what_is_wrong_is_said_in_one_line(tune: Path, weights: Path, tmp_path: Path) -> None:
    cases = {
        "write to a": PartRequest("vary", str(tune), tmp_path / "x.pdf", weights=weights),
        "no task": PartRequest("compose", str(tune), tmp_path / "x.mid", weights=weights),
        "no cadence": PartRequest("vary", str(tune), tmp_path / "x.mid", cadence="maybe", weights=weights),
        "is the score that is read": PartRequest("vary", str(tune), tune.with_suffix(".mid"), weights=weights),
        "no part named": PartRequest("vary", str(tune), tmp_path / "x.mid", parts=("tuba",), weights=weights),
        "no such file": PartRequest("vary", str(tune), tmp_path / "x.mid", weights=tmp_path / "no.safetensors"),
    }
    for words, request in cases.items():
        with pytest.raises(ModelError, match=words) as caught:
            write_part(request)
        assert "\n" not in str(caught.value)
    for words, wish in (("is not a key", {"key": "H dur"}), ("density: nan", {"density": float("nan")})):
        with pytest.raises(ModelError, match=words):
            Wish(**wish)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="like 5-8"):
        bars_named("8-5")
    assert bars_named("5-8") == (5, 8) and bars_named("5") == (5, 5) and bars_named("") is None


def test_notes_over_barlines_chords_and_voices_survive(tmp_path: Path) -> None:
    rows: list[tuple[float, float, int, int, float, int]] = [
        (0.0, 6.0, 60, 0, 0.5, 0), (1.0, 1.0, 72, 0, 0.5, 0), (1.0, 1.0, 76, 0, 0.5, 0), (2.0, 1.0 / 3, 67, 0, 0.5, 0),
        (2.0 + 1.0 / 3, 1.0 / 3, 69, 0, 0.5, 0), (2.0 + 2.0 / 3, 1.0 / 3, 71, 0, 0.5, 0), (7.0, 1.0, 61, 0, 0.9, 0),
    ]  # fmt: skip
    score = make_score(rows, measures=2, instruments=("piano",))
    notes = [
        n if n.pitch != 72 else ScoreNote(n.onset_quarter, 1.0, 72, 0, 0.5, source="ai:test") for n in all_notes(score)
    ]
    write_score(tmp_path / "x.musicxml", score, notes, PROVENANCE)
    back = read_score(tmp_path / "x.musicxml")
    expected = sorted((round(n.onset_quarter, 3), round(n.duration_quarter, 3), n.pitch) for n in notes)
    assert (
        sorted((round(n.onset_quarter, 3), round(n.duration_quarter, 3), n.pitch) for n in all_notes(back)) == expected
    )
    assert Provenance.of_fields(PROVENANCE.fields()).fields() == PROVENANCE.fields()


def test_what_players_also_play_survives(tmp_path: Path) -> None:
    taken = {0: ("flute", ("piccolo",)), 1: ("timpani", ("percussion", "glockenspiel")), 2: ("percussion", ())}
    rows = [(float(q), 1.0, 60 + q, part, 0.5, 0) for q in range(8) for part in taken]
    score = make_score(rows, measures=2, instruments=[own for own, _ in taken.values()])
    parts = tuple(
        replace(part, doublings=others) for part, (_, others) in zip(score.parts, taken.values(), strict=True)
    )
    score = replace(score, parts=parts)
    notes = [
        replace(note, instrument=(parts[note.part].doublings or ("",))[-1] if note.pitch > 63 else "", cents=50.0)
        for note in all_notes(score)
    ]
    write_score(tmp_path / "x.musicxml", score, notes, PROVENANCE)
    back = all_notes(read_score(tmp_path / "x.musicxml"))
    assert [(n.part, n.pitch + n.cents / 100, n.instrument) for n in back] == [
        (n.part, n.pitch + n.cents / 100, n.instrument) for n in notes
    ]
    programs = [m.program for track in mido.MidiFile(tmp_path / "x.mid").tracks[1:] for m in track
                if m.type == "program_change"]  # fmt: skip
    assert programs == [73, 72, 47, 9, 48]


@pytest.mark.parametrize(
    ("fifths", "names"),
    [(0, "C4 C#4 D4 E-4 E4 F4 F#4 G4 G#4 A4 B-4 B4"), (-3, "C4 D-4 D4 E-4 E4 F4 G-4 G4 A-4 A4 B-4 B4")],
)
def test_pitches_are_spelled_in_the_key(fifths: int, names: str) -> None:
    assert [spelled(60 + step, fifths) for step in range(12)] == names.split()
    assert spelled(59, 7) == "B3" and spelled(60, 7) == "B#3" and spelled(59, -6) == "C-4"


def test_the_key_signature_is_found() -> None:
    def scale(steps: tuple[int, ...], tonic: int) -> Score:
        rows = [(float(q), 1.0, tonic + steps[q % len(steps)], 0, 0.5, 0) for q in range(16)]
        return make_score(rows)

    major = (0, 2, 4, 5, 7, 4, 11, 12, 7, 4, 0, 7)
    assert fifths_of(scale(major, 60)) == 0
    assert fifths_of(scale(major, 67)) == 1
    assert fifths_of(scale(major, 63)) == -3


def test_empty_bars_to_play_freely_are_a_score(tmp_path: Path) -> None:
    files = prepare_jam(JamChoice(mode="accompany", metre="7/8", bars=6, bpm=100.0), tmp_path)
    score = read_score(files.score)
    assert [part.instrument for part in score.parts] == ["violin", "violin", "viola", "cello"]
    assert files.ai_parts == tuple(part.name for part in score.parts)
    assert len(score.notes) == 0 and score.end_quarter == 21.0 and score.quarter_bpm_at(0.0) == 100.0
    assert files.take is not None and files.take.exists()
    assert prepare_jam(JamChoice(conducted=True, bars=4), tmp_path).take is None
    for wrong in (JamChoice(metre="4/5"), JamChoice(bpm=5.0), JamChoice(bars=1)):
        with pytest.raises(ModelError):
            jam_score(wrong)


def test_an_answered_score_has_the_learner_in_a_part_of_their_own() -> None:
    from tutti.engine.types import BeatCrossing, HeardNote
    from tutti.studio.performance_log import PlayedNote

    score = make_score([(float(q), 1.0, 60, 0, 0.5, 0) for q in range(8)], measures=2, instruments=("violin", "cello"))
    crossings = [BeatCrossing(q, 1.0 + q / 2, float(q), "1", 1 + q % 4, 120.0, None, 1.0) for q in range(8)]
    notes = [PlayedNote(1.0 + q / 2, 0.45, 0, 60, 64, "written", float(q)) for q in range(8)]
    notes += [PlayedNote(1.0 + q / 2, 0.9, 1, 48, 64, "ai:x", float(q)) for q in range(0, 8, 2)]
    heard = (HeardNote(1, 1.51, 0.24, 74.2, 90, 1.0), HeardNote(2, 2.0, None, 76.0, 90, 1.0))
    answered, played = answered_score(score, notes, crossings, heard)
    assert [part.name for part in answered.parts] == ["Violin 1", "Cello 2", "Learner"]
    assert [(n.onset_quarter, n.duration_quarter) for n in played if n.part == 1] == [(q, 2.0) for q in (0, 2, 4, 6)]
    assert [(n.onset_quarter, n.pitch) for n in played if n.part == 2] == [(1.0, 74)]
    assert {n.source for n in played} == {"written", "ai:x"}


def test_the_command_writes_and_says_so(tune: Path, weights: Path, tmp_path: Path) -> None:
    import subprocess

    arguments = ["part", "harmonise", str(tune), "-o", str(tmp_path / "out.musicxml"), "--weights", str(weights)]
    arguments += ["--density", "even", "--without-rule", "crossing", "--seed", "2", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "tutti.studio", *arguments], capture_output=True, text=True, timeout=170
    )
    assert done.returncode == 0, done.stderr
    assert '"ai-seed": "2"' in done.stdout and '"ai-parts": "Alto, Tenor, Bass voice"' in done.stdout
    wrong = subprocess.run(
        [
            sys.executable,
            "-m",
            "tutti.studio",
            "part",
            "vary",
            str(tune),
            "-o",
            str(tmp_path / "o.mid"),
            "--density",
            "x",
        ],
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert wrong.returncode == 1 and "no density 'x'" in wrong.stderr


def test_quarter_tones_of_a_tradition_are_written_and_read_back(tune: Path, weights: Path, tmp_path: Path) -> None:
    out = tmp_path / "rast.musicxml"
    request = PartRequest("counter", str(tune), out, tradition="maqam-rast:C", seed=1, weights=weights)
    written = write_part(request)
    tuning = tradition("maqam-rast:C").tuning()
    read = [(note.onset_quarter, note.part, note.pitch, note.cents) for note in all_notes(open_score(out))]
    meant = [(n.onset_quarter, n.part, n.pitch, tuning.cents_of(n.part, n.pitch)) for n in written.composition.notes]
    assert sorted(read) == sorted(meant) and any(cents == -50.0 for *_, cents in read)
    heard = set()
    for part, track in enumerate(mido.MidiFile(out.with_suffix(".mid")).tracks[1:]):
        now, bend = 0, 0
        for message in track:
            now += message.time
            if message.type == "pitchwheel":
                bend = message.pitch
            elif message.type == "note_on":
                heard.add((round(now / 960, 3), part, message.note, round(200.0 * bend / 8192)))
    assert heard == {(round(onset, 3), part, pitch, round(cents)) for onset, part, pitch, cents in meant}
    text = out.read_text(encoding="utf-8")
    assert "<accidental>quarter-flat</accidental>" in text and "tutti-cents" not in text
    again = write_part(
        PartRequest("counter", str(out), tmp_path / "b.musicxml", tradition="maqam-rast:C", weights=weights)
    )
    source = [note for note in again.composition.notes if note.source == "written"]
    assert any(note.cents == -50.0 for note in source), "the source's own quarter tones stay"
