"""What a written score means, sign by sign."""

from itertools import pairwise

import numpy as np
import pytest
from score_samples import attributes, dynamic, metronome, note, score, wedge, words, write

from tutti.engine.notation.score_reader import read_score
from tutti.engine.score import NoteFlag, Score

FIRST = attributes()


@pytest.fixture
def read(tmp_path):
    def reader(*parts) -> Score:
        return read_score(write(tmp_path, score(*parts)))

    return reader


def sounding(compiled: Score, part: int = 0) -> list[tuple[float, float, int]]:
    rows = compiled.notes[compiled.notes["part"] == part]
    return [
        (round(float(row["onset_quarter"]), 4), round(float(row["duration_quarter"]), 4), int(row["pitch"]))
        for row in rows
    ]


def flags(compiled: Score) -> list[NoteFlag]:
    return [NoteFlag(int(value)) for value in compiled.notes["flags"]]


def test_ties_sound_once_and_the_arrays_are_read_only(read):
    tied = note("C4", 24, notations='<tied type="start"/>'), note("C4", 48, notations='<tied type="stop"/>')
    compiled = read([FIRST + note("D4", 24) + tied[0], tied[1]])
    assert sounding(compiled) == [(0.0, 2.0, 62), (2.0, 6.0, 60)]
    assert compiled.notes["measure"].tolist() == [0, 0]
    with pytest.raises(ValueError, match="read-only"):
        compiled.notes["pitch"] = 0


def test_a_tie_whose_end_is_not_marked_still_holds(read):
    compiled = read([FIRST + note("C4", 48, notations='<tied type="start"/>'), note("C4", 24) + note("C4", 24)])
    assert sounding(compiled) == [(0.0, 6.0, 60), (6.0, 2.0, 60)]


def test_a_stray_mark_does_not_lengthen_a_pickup(read):
    stray = dynamic("f").replace("</direction>", "<offset>12</offset></direction>")
    compiled = read([FIRST + note("G4", 12) + stray, note("C5", 48)], [FIRST + note("r", 12) + stray, note("C4", 48)])
    assert compiled.measures["duration_quarter"].tolist() == [1.0, 4.0]


def test_a_measure_that_ends_with_a_skip_keeps_its_length(read):
    skip = "<forward><duration>24</duration></forward>"
    compiled = read([FIRST + note("C4", 24) + skip, note("D4", 48)])
    assert [onset for onset, _d, _p in sounding(compiled)] == [0.0, 4.0]


def test_transposition_is_the_files_own_and_may_change_within_a_part(read):
    clarinet = attributes(transpose=(-1, -2))
    to_a = "<attributes><transpose><diatonic>-2</diatonic><chromatic>-3</chromatic></transpose></attributes>"
    compiled = read(("Clarinet", [clarinet + note("D4", 48), to_a + note("D4", 48)]))
    assert [pitch for _o, _d, pitch in sounding(compiled)] == [60, 59]


def test_a_clarinet_without_transpose_is_at_concert_pitch(read):
    compiled = read(("Bb Clarinet", [FIRST + note("D4", 48)]), ("Horn in F", [FIRST + note("D4", 48)]))
    assert compiled.notes["pitch"].tolist() == [62, 62]


def test_octave_change_moves_by_octaves(read):
    bass = attributes().replace(
        "</attributes>",
        "<transpose><diatonic>0</diatonic><chromatic>0</chromatic><octave-change>-1</octave-change></transpose>"
        "</attributes>",
    )
    assert sounding(read(("Contrabass", [bass + note("C3", 48)])))[0][2] == 36


def test_a_piano_of_two_staves_is_one_part(read):
    staves = attributes(extra="<staves>2</staves>")
    right = note("C5", 48, extra="<staff>1</staff>")
    left = "<backup><duration>48</duration></backup>" + note("C3", 48, extra="<staff>2</staff>")
    compiled = read(("Piano", [staves + right + left]), ("Flute", [FIRST + note("C6", 48)]))
    assert [part.instrument for part in compiled.parts] == ["piano", "flute"]
    assert [pitch for _o, _d, pitch in sounding(compiled, 0)] == [48, 72]


def test_a_pickup_is_as_long_as_it_is_even_where_other_parts_rest(read):
    whole_rest = '<note><rest measure="yes"/><duration>12</duration></note>'
    compiled = read(
        [FIRST + note("G4", 12), note("C5", 48)],
        [FIRST + whole_rest, note("C4", 48)],
    )
    assert compiled.measures["duration_quarter"].tolist() == [1.0, 4.0]
    assert sounding(compiled, 1) == [(1.0, 4.0, 60)]
    assert compiled.beats["beat"].tolist() == [4, 1, 2, 3, 4]


def test_underfull_measures_of_one_part_do_not_shift_it(read):
    compiled = read(
        [FIRST + note("C5", 48), note("D5", 48), note("E5", 48)],
        [FIRST + note("C4", 48), note("D4", 12), note("E4", 48)],
    )
    assert [onset for onset, _d, _p in sounding(compiled, 1)] == [0.0, 4.0, 8.0]


def test_slashed_grace_takes_time_from_the_note_before(read):
    grace = note("D5", 6, grace='<grace slash="yes"/>')
    compiled = read([FIRST + metronome("quarter", 60) + note("C5", 24) + grace + note("E5", 24)])
    rows = sounding(compiled)
    assert rows[0] == (0.0, pytest.approx(2.0 - 0.085), 72)
    assert rows[1][0] == pytest.approx(2.0 - 0.085) and rows[1][2] == 74
    assert rows[2] == (2.0, 2.0, 76)
    assert flags(compiled)[1] & NoteFlag.GRACE


def test_grace_at_the_very_start_is_on_the_beat(read):
    grace = note("D5", 6, grace='<grace slash="yes"/>')
    rows = sounding(read([FIRST + grace + note("E5", 48)]))
    assert rows[0][0] == 0.0 and rows[1][0] == pytest.approx(rows[0][1])
    assert rows[1][0] + rows[1][1] == pytest.approx(4.0)


@pytest.mark.parametrize(("ticks", "taken"), [(24, 1.0), (36, 1.0), (12, 0.5)])
def test_appoggiatura_takes_its_printed_value_of_the_main_note(read, ticks, taken):
    grace = note("D5", 12, grace="<grace/>")
    rows = sounding(read([FIRST + grace + note("C5", ticks) + note("r", 48 - ticks)]))
    assert rows == [(0.0, taken, 74), (taken, ticks / 12 - taken, 72)]


def test_measures_printed_as_repeats_are_played(read):
    def percent(kind: str, count: str = "1") -> str:
        sign = f"<measure-repeat type='{kind}'>{count}</measure-repeat>"
        return f"<attributes><measure-style>{sign}</measure-style></attributes>"

    whole = "<note><rest measure='yes'/><duration>48</duration></note>"
    one, two = FIRST + note("C4", 24) + note("D4", 24), note("E4", 48)
    compiled = read([one, percent("start") + whole, whole, percent("stop") + two, percent("start", "2") + whole, whole])
    assert compiled.notes["pitch"].tolist() == [60, 62, 60, 62, 60, 62, 64, 60, 62, 64]
    assert compiled.notes["onset_quarter"].tolist() == [0, 2, 4, 6, 8, 10, 12, 16, 18, 20]
    assert read([percent("start") + FIRST + two]).notes["pitch"].tolist() == [64], "there is nothing before it"


def test_cue_notes_are_not_played(read):
    compiled = read([FIRST + note("C4", 24, extra="<cue/>") + note("D4", 24)])
    assert sounding(compiled) == [(2.0, 2.0, 62)]


def test_trill_uses_the_key_and_closes_on_its_note(read):
    trill = note("E5", 48, notations="<ornaments><trill-mark/></ornaments>")
    in_f = attributes(fifths=-1)
    for prefix, upper in ((FIRST, 77), (attributes(fifths=2), 78)):
        compiled = read([prefix + metronome("quarter", 60) + trill])
        pitches = [pitch for _o, _d, pitch in sounding(compiled)]
        assert set(pitches) == {76, upper} and pitches[0] == pitches[-1] == 76
        assert 30 <= len(pitches) <= 40  # four seconds at about nine notes a second
        assert compiled.notes["duration_quarter"].sum() == pytest.approx(4.0)
        assert not flags(compiled)[0] & NoteFlag.ORNAMENT and flags(compiled)[1] & NoteFlag.ORNAMENT
    sharpened = "<ornaments><trill-mark/><accidental-mark>natural</accidental-mark></ornaments>"
    compiled = read([in_f + note("A4", 48, notations=sharpened)])
    assert {pitch for _o, _d, pitch in sounding(compiled)} == {69, 71}


def test_trill_over_a_tie_goes_on(read):
    start = '<ornaments><trill-mark/></ornaments><tied type="start"/>'
    compiled = read([FIRST + note("C5", 48, notations=start), note("C5", 48, notations='<tied type="stop"/>')])
    rows = sounding(compiled)
    assert len(rows) > 30 and rows[-1][0] > 7.0


@pytest.mark.parametrize(
    ("sign", "pitches"),
    [
        ("mordent", [72, 71, 72]),
        ("inverted-mordent", [72, 74, 72]),
        ("turn", [74, 72, 71, 72]),
        ("inverted-turn", [71, 72, 74, 72]),
        ("delayed-turn", [72, 74, 72, 71, 72]),
    ],
)
def test_mordents_and_turns(read, sign, pitches):
    rows = sounding(read([FIRST + note("C5", 48, notations=f"<ornaments><{sign}/></ornaments>")]))
    assert [pitch for _o, _d, pitch in rows] == pitches
    assert rows[0][0] == 0.0 and rows[-1][0] + rows[-1][1] == pytest.approx(4.0)
    for (onset, duration, _p), (following, _d, _q) in pairwise(rows):
        assert onset + duration == pytest.approx(following, abs=1e-3)


@pytest.mark.parametrize(
    ("ticks", "marks", "count"), [(12, 1, 2), (12, 2, 4), (24, 1, 4), (6, 1, 2), (48, 1, 8), (18, 1, 3)]
)
def test_measured_tremolo_is_written_out(read, ticks, marks, count):
    tremolo = f'<ornaments><tremolo type="single">{marks}</tremolo></ornaments>'
    rest = note("r", 48 - ticks) if ticks < 48 else ""
    compiled = read([FIRST + metronome("quarter", 60) + note("G4", ticks, notations=tremolo) + rest])
    assert len(compiled.notes) == count
    assert compiled.notes["duration_quarter"].sum() == pytest.approx(ticks / 12)
    assert not compiled.notes["flags"].any()


def test_unmeasured_tremolo_and_a_drums_trill_stay_one_note(read):
    tremolo = '<ornaments><tremolo type="single">3</tremolo></ornaments>'
    compiled = read([FIRST + note("G4", 48, notations=tremolo)])
    assert sounding(compiled) == [(0.0, 4.0, 67)] and flags(compiled) == [NoteFlag.TREMOLO]
    roll = read(("Timpani", [FIRST + note("C3", 48, notations="<ornaments><trill-mark/></ornaments>")]))
    assert flags(roll) == [NoteFlag.TREMOLO]


def test_tremolo_between_two_notes_alternates(read):
    pair = [
        note(name, 24, notations=f'<ornaments><tremolo type="{kind}">1</tremolo></ornaments>')
        for name, kind in (("C4", "start"), ("E4", "stop"))
    ]
    rows = sounding(read([FIRST + metronome("quarter", 60) + "".join(pair)]))
    assert [pitch for _o, _d, pitch in rows] == [60, 64] * 4
    assert [onset for onset, _d, _p in rows] == [index / 2 for index in range(8)]


def test_arpeggio_goes_up_and_ends_together(read):
    broken = "<arpeggiate/>"
    chord = note("C4", 48, notations=broken) + note("E4", 48, notations=broken, chord=True)
    rows = sounding(read([FIRST + chord + ""]))
    assert [pitch for _o, _d, pitch in rows] == [60, 64]
    assert rows[0][0] == 0.0 and 0.0 < rows[1][0] < 0.2
    assert rows[1][0] + rows[1][1] == pytest.approx(4.0)


def test_articulations_slurs_and_strings_techniques(read):
    staccato = "<articulations><staccato/></articulations>"
    music = (
        FIRST
        + words("pizz.")
        + note("C4", 12)
        + words("arco")
        + note("D4", 12, notations='<slur type="start" number="1"/>')
        + note("E4", 12, notations='<slur type="stop" number="1"/>')
        + note("F4", 12, notations=staccato)
    )
    muted = words("con sord.") + note("C4", 24) + words("senza sord.") + note("C4", 24)
    compiled = read(("Violin", [music, muted]))
    assert flags(compiled) == [
        NoteFlag.PIZZICATO,
        NoteFlag.SLURRED | NoteFlag.SLUR_START,
        NoteFlag.NONE,
        NoteFlag.STACCATO,
        NoteFlag.MUTED,
        NoteFlag.NONE,
    ]


def test_dynamics_hairpins_and_accents(read):
    music = FIRST + dynamic("p") + wedge("crescendo") + "".join(note("C4", 12) for _ in range(4)) + wedge("stop")
    after = dynamic("f") + note("C4", 12) + dynamic("sfz") + note("C4", 12) + dynamic("fp") + note("C4", 12) * 2
    compiled = read([music, after])
    levels = compiled.notes["dynamic"]
    assert levels[:4] == pytest.approx([0.33, 0.4225, 0.515, 0.6075], abs=1e-3)
    assert levels[4:] == pytest.approx([0.70, 0.70, 0.70, 0.33], abs=1e-3)
    accented = [bool(value & NoteFlag.SFORZATO) for value in flags(compiled)]
    assert accented == [False] * 5 + [True, True, False]


def test_cresc_in_words_leads_to_the_next_mark(read):
    music = [FIRST + dynamic("p") + words("cresc.") + note("C4", 24) + note("C4", 24), dynamic("f") + note("C4", 48)]
    levels = read(music).notes["dynamic"]
    assert levels[0] == pytest.approx(0.33) and levels[2] == pytest.approx(0.70)
    assert 0.4 < levels[1] < 0.65


def test_fermata_is_flagged_and_listed(read):
    held = note("C4", 24, notations="<fermata/>")
    compiled = read([FIRST + note("D4", 24) + held], [FIRST + note("E3", 48, notations="<fermata/>")])
    assert compiled.fermatas.tolist() == [(2.0, 4.0)]
    assert sum(bool(value & NoteFlag.FERMATA) for value in flags(compiled)) == 2


def test_tempo_marks_in_numbers_and_words(read):
    compiled = read(
        [
            FIRST + metronome("half", 80) + words("Vivace") + note("C4", 48),
            words("Adagio") + note("C4", 48),
            words("rit.") + note("C4", 48),
            words("Tempo I") + note("C4", 48),
            words("Pi\u00f9 mosso") + note("C4", 48),
        ]
    )
    assert compiled.tempos["quarter"].tolist() == [0.0, 4.0, 12.0, 16.0]
    assert compiled.tempos["quarter_bpm"].tolist() == pytest.approx([160.0, 56.0, 160.0, 184.0])
    assert (4.0, "Adagio") in compiled.markings and (8.0, "rit.") in compiled.markings


def test_hidden_playback_tempi_do_not_change_the_unit_of_beating(read):
    slowing = "".join(f'<sound tempo="{bpm}"/>' + note("C4", 12) for bpm in (60, 50, 43, 38))
    compiled = read([FIRST + metronome("quarter", 66) + note("C4", 48), slowing, note("C4", 48)])
    assert len(compiled.beats) == 12
    assert compiled.tempos["quarter_bpm"].tolist() == [66.0, 60.0, 50.0, 43.0, 38.0]


def test_percussion_has_keys_and_never_fails(read):
    hit = "<note><unpitched><display-step>E</display-step><display-octave>4</display-octave></unpitched>"
    hit += "<duration>48</duration><type>whole</type></note>"
    compiled = read(("Triangle", [FIRST + hit]), ("Grosse Trommel", [FIRST + hit]))
    assert [part.instrument for part in compiled.parts] == ["percussion", "percussion"]
    assert compiled.notes["pitch"].tolist() == [81, 36]


def test_timewise_scores_are_read(tmp_path):
    text = score([FIRST + note("C4", 48)]).replace("score-partwise", "score-timewise")
    text = text.replace('<part id="P1"><measure number="1">', '<measure number="1"><part id="P1">')
    text = text.replace("</measure></part>", "</part></measure>")
    assert sounding(read_score(write(tmp_path, text))) == [(0.0, 4.0, 60)]


def test_rehearsal_marks_and_credits(tmp_path):
    mark = "<direction><direction-type><rehearsal>B</rehearsal></direction-type></direction>"
    text = score([FIRST + note("C4", 48), mark + note("C4", 48)]).replace(
        "<part-list>",
        "<work><work-title>Study</work-title></work>"
        '<identification><creator type="composer">Anon</creator></identification><part-list>',
    )
    compiled = read_score(write(tmp_path, text))
    assert compiled.rehearsal == ((4.0, "B"),)
    assert (compiled.title, compiled.composer) == ("Study", "Anon")


def test_progress_is_told(tmp_path):
    steps: list[tuple[str, float]] = []
    read_score(write(tmp_path, score([FIRST + note("C4", 48)])), lambda what, part: steps.append((what, part)))
    fractions = [part for _what, part in steps]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0


def test_notes_are_sorted_and_lie_in_their_measures(read):
    compiled = read([FIRST + note("E4", 24) + note("C4", 24), note("D4", 48)], [FIRST + note("C3", 48)] * 2)
    onsets = compiled.notes["onset_quarter"]
    assert (np.diff(onsets) >= 0).all()
    starts = compiled.measures["start_quarter"][compiled.notes["measure"]]
    assert (onsets >= starts).all()


def test_the_playback_tempo_beside_a_metronome_mark_is_more_exact(read):
    """A printed 96 with a playback tempo of 95.63 is 95.63; a playback tempo far off is a program's default."""
    exact = metronome("quarter", 96).replace("</direction>", '<sound tempo="95.63"/></direction>')
    far = metronome("half", 40).replace("</direction>", '<sound tempo="120"/></direction>')
    bar = note("C4", 48)
    tempos = read([FIRST + exact + bar, far + bar]).tempos["quarter_bpm"]
    assert [round(float(bpm), 2) for bpm in tempos] == [95.63, 80.0]
