"""Scales and metres of many cultures: the data, what rules make of them, and that quarter tones are heard."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import soundfile
from audio_support import EXACT, SETTINGS, cues, player, small_room, tone_sounds
from support import make_score

from tutti.engine.audio import ensemble
from tutti.engine.audio.offline import render_wav
from tutti.engine.errors import ModelError
from tutti.engine.intonation import EQUAL, Intonation
from tutti.engine.parts import PartBook
from tutti.engine.scheduler import Scheduler
from tutti.engine.types import Dynamics, NoteEvent, ScoreNote, ScorePosition
from tutti.engine.units import pitch_to_hz
from tutti.models.craft.charges import HOLD, UNKNOWN, StepContext
from tutti.models.craft.rules import RuleSet
from tutti.models.craft.traditions import out_of_scale, pitch_class, read_traditions, tradition, traditions


def line(*pitches: int, part: int = 0) -> list[ScoreNote]:
    return [ScoreNote(float(at), 1.0, pitch, part, 0.5) for at, pitch in enumerate(pitches)]


def performed(tuning: Intonation, pitches: tuple[int, ...], instrument: str) -> list[NoteEvent]:
    """What the scheduler makes of a line in minims, a second each."""
    score = make_score(
        [(2.0 * at, 2.0, pitch, 0, 0.6, 0) for at, pitch in enumerate(pitches)], instruments=(instrument,)
    )
    scheduler = Scheduler(score, PartBook(score, ()), lookahead_s=99.0, tuning=tuning)
    position = ScorePosition(0.0, 0.0, 0.0, 2.0, 120.0, "1", 1.0, "playing")
    notes, _ = scheduler.step(0.0, position, lambda quarter: quarter / 2.0, Dynamics(0.0, 0.5, 0.0))
    return list(notes)


def heard_hz(audio: np.ndarray, rate_hz: int, start_s: float, near_hz: float) -> float:
    """The strongest frequency within two semitones of ``near_hz``, over 0.6 s."""
    piece = audio[round(start_s * rate_hz) :][: round(0.6 * rate_hz)].mean(axis=1)
    spectrum = np.abs(np.fft.rfft(piece * np.hanning(len(piece)), 2**19))
    hz = np.fft.rfftfreq(2**19, 1 / rate_hz)
    near = (hz > near_hz / 1.12) & (hz < near_hz * 1.12)
    return float(hz[near][np.argmax(spectrum[near])])


@pytest.mark.parametrize(("exact", "within_cents"), [(True, 1.0), (False, 16.0)])
def test_quarter_tones_are_heard_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exact: bool, within_cents: float
) -> None:
    if exact:
        monkeypatch.setattr(ensemble, "HABITS", EXACT)
    rast = tradition("maqam-rast")
    pitches = (72, 76, 79, 83)  # the third and the seventh of rast are half-flat
    events = performed(rast.tuning(), pitches, "violin")
    players = [player(0, 0.0, 3.0)]
    render_wav(tmp_path / "a.wav", players, tone_sounds(), small_room(0.1), cues(events), 4.5, settings=SETTINGS)
    audio, rate_hz = soundfile.read(tmp_path / "a.wav")
    for second, cents in enumerate((0, 350, 700, 1050)):
        true_hz = pitch_to_hz(72 + cents / 100)
        off = 1200 * np.log2(heard_hz(audio, rate_hz, second + 0.2, true_hz) / true_hz)
        assert abs(off) < within_cents, (cents, off)


def test_only_the_parts_that_are_tuned_are_moved() -> None:
    tuned = Intonation((0.0,) * 4 + (-50.0,) + (0.0,) * 7, frozenset({1}))
    assert tuned.cents_of(1, 64) == -50.0 and tuned.cents_of(0, 64) == 0.0 and tuned.cents_of(1, 65) == 0.0
    assert [event.cents for event in performed(EQUAL, (60, 64), "violin")] == [0.0, 0.0]
    with pytest.raises(ValueError, match="twelve"):
        Intonation((0.0, 50.0))


def test_a_note_s_own_cents_come_on_top() -> None:
    score = make_score([], instruments=("violin",))

    class Bent:
        parts = frozenset({0})

        def prepare(self, start_quarter: float, end_quarter: float, heard: object) -> None: ...

        def collect(self, start_quarter: float, end_quarter: float) -> list[ScoreNote]:
            return [ScoreNote(start_quarter, 1.0, 64, 0, 0.5, cents=20.0)]

        def close(self) -> None: ...

    tuning = tradition("maqam-rast").tuning()
    scheduler = Scheduler(score, PartBook(score, (Bent(),)), lookahead_s=0.1, tuning=tuning)
    position = ScorePosition(0.0, 0.0, 0.0, 2.0, 120.0, "1", 1.0, "playing")
    notes, _ = scheduler.step(0.0, position, lambda quarter: quarter / 2.0, Dynamics(0.0, 0.5, 0.0))
    assert [note.cents for note in notes] == [-30.0]


def test_every_tradition_says_where_it_comes_from() -> None:
    known = traditions()
    assert len(known) > 50
    assert len({found.culture for found in known.values()}) >= 8
    for found in known.values():
        assert found.sources and found.about and (found.has_scale or found.metre)
        if found.has_scale:
            scale = found.scale()
            assert found.tonic in scale.ascending | scale.descending
            assert {(found.tonic + step) % 12 for step in found.notes.values()} <= scale.pitch_classes
            for places in (found.ascending, found.descending):
                cents = [found.cents.get(step, 100.0 * step) for step in sorted(places)]
                assert cents == sorted(cents) and all(b - a >= 25 for a, b in itertools.pairwise(cents))


def test_known_scales_are_right() -> None:
    assert tradition("chinese-zhi").scale().pitch_classes == {7, 9, 0, 2, 4}  # the same notes as gong on C
    assert tradition("chinese-gong").scale().pitch_classes == {7, 9, 0, 2, 4}
    assert tradition("maqam-hijaz:A").scale().descending == {9, 10, 1, 2, 4, 5, 7}
    assert tradition("maqam-sikah").tuning().cents[pitch_class("E")] == -50.0
    assert tradition("maqam-sikah").tuning().cents[pitch_class("B")] == -50.0
    assert tradition("makam-hicaz").tuning().cents_of(0, 61) == pytest.approx(-15.1)  # C♯ over A, 17 commas
    assert tradition("maqam-bayati").is_microtonal and not tradition("chinese-gong").is_microtonal


def test_a_raga_is_kept_on_the_way_up_and_on_the_way_down() -> None:
    desh = tradition("raga-desh").scale(0)  # S R M P N S', S' n D P M G R S
    assert out_of_scale(line(60, 62, 65, 67, 71, 72, 70, 69, 67, 65, 64, 62, 60), desh) == []
    strangers = out_of_scale(line(60, 62, 64, 65, 67, 69, 72, 71, 67), desh)
    assert [note.pitch for note in strangers] == [64, 69, 71]  # Ga and Dha rising, the high Ni falling


def test_parts_and_chords_are_judged_by_themselves() -> None:
    desh = tradition("raga-desh").scale(0)
    low = [ScoreNote(0.0, 1.0, 72, 1, 0.5), ScoreNote(1.0, 1.0, 64, 1, 0.5)]  # falls to Ga
    high = line(60, 64)  # rises to it
    assert [(note.part, note.pitch) for note in out_of_scale(low + high, desh)] == [(0, 64)]
    chords = [ScoreNote(0.0, 1.0, 60, 0, 0.5), ScoreNote(0.0, 1.0, 67, 0, 0.5), ScoreNote(1.0, 1.0, 65, 0, 0.5)]
    assert out_of_scale(chords, desh) == []  # F falls from G


def test_rules_charge_notes_out_of_the_tradition() -> None:
    rules = RuleSet.none().only("out-of-scale")
    desh = tradition("raga-desh").scale(0)
    context = StepContext((67, 48), (UNKNOWN, 48), (True, False), scale=desh)
    up, down, repeated, held = rules.penalties(context, 0, np.array([69, 64, 67, HOLD]))
    assert up > 0 and down == 0 and repeated == 0 and held == 0
    falling = rules.penalties(context, 0, np.arange(55, 67))
    assert {pitch for pitch, cost in zip(range(55, 67), falling, strict=True) if cost == 0} == {
        pitch for pitch in range(55, 67) if pitch % 12 in desh.descending
    }


def test_metres_are_beaten_as_they_are_felt() -> None:
    rachenitsa = tradition("aksak-rachenitsa").metre
    assert rachenitsa is not None
    beats = rachenitsa.conductor_beats(bars=3, quarter_bpm=200.0)
    assert beats["duration_quarter"].tolist() == [1.0, 1.0, 1.5] * 3
    assert beats["quarter"][-1] == pytest.approx(3 * 3.5 - 1.5)
    bell = tradition("timeline-standard").metre
    assert bell is not None
    assert [pulse for pulse, struck in enumerate(bell.timeline) if struck] == [0, 2, 4, 5, 7, 9, 11]
    assert bell.conductor_beats(1, 150.0)["duration_quarter"].tolist() == [1.5] * 4
    for found in traditions().values():
        if found.metre is not None:
            beats = found.metre.conductor_beats(2, 160.0)
            assert beats["duration_quarter"].sum() == pytest.approx(2 * found.metre.bar_quarters)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("culture = 'x'\nsources = []\n[[tradition]]\nkey='a'\nname='A'\nabout=''", "neither a scale"),
        ("culture = 'x'\nsources = []\n[[tradition]]\nkey='a'\nname='A'\nabout=''\nup=[2, 14]", "semitones"),
        (
            "culture='x'\nsources=[]\n[[tradition]]\nkey='a'\nname='A'\nabout=''\nup=[0,4]\ncents={4=520}",
            "within a semi",
        ),
        ("culture='x'\nsources=[]\n[[tradition]]\nkey='a'\nname='A'\nabout=''\nup=[0,'b']", "wrong or missing"),
        ("culture='x'\nsources=[]\n[[tradition]]\nname='A'\nup=[0]", "tradition 1: wrong or missing field \\('key'\\)"),
        ("[[tradition", "cannot be read"),
        ("culture='x'\nsources=[]\n[tradition]\nkey='a'\nname='A'\nup=[0]", "begins with"),
        ("culture='x'\nsources=[]\n[[tradition]]\nkey='a'\nname='A'\nabout=''\nmetre={signature=7}", "wrong or miss"),
        (
            "culture='x'\nsources=[]\n[[tradition]]\nkey='a'\nname='A'\nabout=''\n"
            "metre={signature='7/8', groups=[2, 2, 2]}",
            "add up to 7",
        ),
    ],
)
def test_wrong_data_is_refused_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "a.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=says) as error:
        read_traditions(tmp_path / "a.toml")
    assert "\n" not in str(error.value)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ModelError, match="maqam-rost"):
        tradition("maqam-rost")
    with pytest.raises(ModelError, match="maqam-rast:H"):
        tradition("maqam-rast:H")
    with pytest.raises(ModelError, match="name of a note"):
        pitch_class("H")
    with pytest.raises(ModelError, match="it is a metre"):
        tradition("usul-aksak").tuning()
    with pytest.raises(ModelError, match="it is a metre"):
        tradition("usul-aksak").scale()


def test_a_tradition_of_one_s_own_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        "culture='mine'\nsources=['me']\n[[tradition]]\nkey='a'\nname='A'\nabout='.'\nup=[0, 3]\ncents={3=340}",
        encoding="utf-8",
    )
    assert tradition(str(path)).tonic == 0
    assert tradition(f"{path}:Bb").tuning().cents[1] == 40.0
    (tmp_path / "none.toml").write_text("culture='x'\nsources=[]", encoding="utf-8")
    with pytest.raises(ModelError, match="no \\[\\[tradition"):
        tradition(str(tmp_path / "none.toml"))
