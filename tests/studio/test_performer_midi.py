"""A soloist's MIDI file that holds more than the soloist."""

from collections.abc import Sequence
from pathlib import Path

import mido
import pytest
from support import make_score

from tutti.engine.errors import InputError
from tutti.engine.notation.score_cache import open_score
from tutti.engine.score import Score
from tutti.engine.types import HeardNote
from tutti.studio.performer_file import read_performer
from tutti.studio.performer_midi import SoloPart

PIECE = "bach/bwv66.6"


@pytest.fixture(scope="module")
def chorale() -> Score:
    return open_score(PIECE)


def track(notes: Sequence[HeardNote | tuple[float, float, int]], name: str, channel: int, program: int | None):
    """A track at 120 quarters a minute, 480 ticks each, of (onset, duration) in quarters and pitch."""
    events = []
    for onset, duration, pitch in notes:
        at, end = round(480 * onset), round(480 * (onset + duration))
        events += [(at, 1, "note_on", pitch), (end, 0, "note_off", pitch)]
    result, now = mido.MidiTrack(), 0
    result.append(mido.MetaMessage("track_name", name=name))
    if program is not None:
        result.append(mido.Message("program_change", channel=channel, program=program))
    for at, _order, kind, pitch in sorted(events):
        result.append(mido.Message(kind, channel=channel, note=pitch, velocity=70, time=at - now))
        now = at
    return result


def line_of(score: Score, part: int) -> list[tuple[float, float, int]]:
    return [(n.onset_quarter, n.duration_quarter, n.pitch) for n in score.notes_between(0, 1e9) if n.part == part]


def file_of(path: Path, *tracks: mido.MidiTrack, kind: int = 1) -> Path:
    tempi = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=1_000_000, time=480)])  # half as fast from beat 2 on
    file = mido.MidiFile(type=kind, ticks_per_beat=480, tracks=[tempi, *tracks])
    if kind == 0:
        file.tracks = [mido.merge_tracks(file.tracks)]
    file.save(path)
    return path


def whole(path: Path, score: Score, names: Sequence[str], kind: int = 1) -> Path:
    tracks = [track(line_of(score, part), name, part, 40 + part) for part, name in enumerate(names)]
    return file_of(path, *tracks, kind=kind)


def pitches(notes: Sequence[HeardNote]) -> list[int]:
    return [round(note.pitch) for note in notes]


@pytest.mark.parametrize(
    ("names", "kind"),
    [(["Soprano", "Alto", "Tenor", "Bass"], 1), (["Track 1", "", "Melody", "x"], 1), (["", "", "", ""], 0)],
)
@pytest.mark.parametrize("part", [0, 2])
def test_of_a_whole_score_the_solos_track_is_taken(tmp_path, chorale, names, kind, part):
    notes = read_performer(whole(tmp_path / "all.mid", chorale, names, kind), SoloPart(chorale, frozenset({part})))
    line = line_of(chorale, part)
    assert pitches(notes) == [pitch for _onset, _duration, pitch in line]
    assert [note.onset_s for note in notes] == pytest.approx([max(0.5 * q, q - 0.5) for q, _, _ in line], abs=2e-3)
    assert [note.note_id for note in notes] == list(range(1, len(notes) + 1))


def test_one_track_is_the_solos_whatever_it_plays_and_all_are_without_a_part(tmp_path, chorale):
    lone = file_of(tmp_path / "lone.mid", track([(0, 1, 60), (1, 1, 61)], "Kazoo", 0, None))
    assert pitches(read_performer(lone, SoloPart(chorale, frozenset({0})))) == [60, 61]
    everything = read_performer(whole(tmp_path / "all.mid", chorale, "abcd"))
    assert len(everything) == len(chorale.notes)


def test_the_only_such_instrument_plays_the_solo_though_it_plays_something_else(tmp_path):
    score = make_score([(float(q), 1.0, 72, 0, 0.5, 0) for q in range(8)], instruments=("flute",))
    cadenza = track([(0, 1, 80), (1, 1, 85), (2, 1, 81), (3, 1, 90)], "Querflöte", 0, None)
    path = file_of(
        tmp_path / "a.mid", track([(0, 1, 60), (1, 1, 62), (2, 1, 67), (3, 1, 60)], "Viola", 1, None), cadenza
    )
    assert pitches(read_performer(path, SoloPart(score, frozenset({0})))) == [80, 85, 81, 90]


def test_a_pianists_hands_are_one_soloist_and_so_are_a_controllers_channels(tmp_path):
    score = make_score([(float(q), 1.0, 60 + q, 0, 0.5, 0) for q in range(8)], instruments=("piano",))
    right = track([(0, 1, 72), (1, 1, 74)], "Piano RH", 0, 0)
    left = track([(0.5, 1, 48)], "Piano LH", 0, 0)
    path = file_of(tmp_path / "hands.mid", right, left, track([(0, 1, 65)], "Oboe", 1, 68))
    assert pitches(read_performer(path, SoloPart(score, frozenset({0})))) == [72, 48, 74]
    bent = mido.merge_tracks([track([(channel, 1, 60 + channel)], "MPE", channel, None) for channel in (1, 2, 3)])
    path = file_of(tmp_path / "mpe.mid", bent)
    assert pitches(read_performer(path, SoloPart(score, frozenset({0})))) == [61, 62, 63]


def test_where_it_is_not_plain_the_tracks_are_listed_and_a_person_says_which(tmp_path, chorale):
    lines = [[(q, 1, 60 + (7 * q * step) % 12) for q in range(12)] for step in (1, 5)]
    path = file_of(tmp_path / "a.mid", track(lines[0], "Kazoo", 0, None), track(lines[1], "Theremin", 1, None))
    with pytest.raises(
        InputError, match=r"which of its tracks is Soprano.*--performer-track.*1 Kazoo, 2 Theremin$"
    ) as told:
        read_performer(path, SoloPart(chorale, frozenset({0})))
    assert "\n" not in str(told.value)
    for choice in ("2", "theremin"):
        notes = read_performer(path, SoloPart(chorale, frozenset({0}), choice))
        assert pitches(notes) == [pitch for _, _, pitch in lines[1]]
    with pytest.raises(InputError, match="no track 'Tuba' with notes; there are: 1 Kazoo, 2 Theremin"):
        read_performer(path, SoloPart(chorale, frozenset({0}), "Tuba"))
    (tmp_path / "solo.csv").write_text("onset_s,duration_s,pitch\n0,1,60\n")
    with pytest.raises(InputError, match="has no tracks"):
        read_performer(tmp_path / "solo.csv", SoloPart(chorale, frozenset({0}), "2"))
