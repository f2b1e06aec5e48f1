"""The sustain pedal, from signs on paper and controllers in MIDI to notes that ring until it is lifted."""

from dataclasses import replace
from pathlib import Path

import mido
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from score_samples import attributes, note, repeat, score, write
from support import make_score

from tutti.engine.notation.pedals import joined_spans, pressed_spans
from tutti.engine.notation.score_cache import pack_score, unpack_score
from tutti.engine.notation.score_reader import read_score
from tutti.engine.parts import PartBook
from tutti.engine.pedals import Pedals
from tutti.engine.scheduler import Scheduler
from tutti.engine.score import PEDAL_DTYPE, Score
from tutti.engine.types import Dynamics, NoteEvent, NoteRelease, ScorePosition


def sign(kind: str, offset: int = 0) -> str:
    late = f"<offset>{offset}</offset>" if offset else ""
    return f'<direction><direction-type><pedal type="{kind}"/></direction-type>{late}</direction>'


def spans(compiled: Score) -> list[tuple[float, float]]:
    return [(float(row["quarter"]), float(row["end_quarter"])) for row in compiled.pedals]


def test_signs_press_change_and_lift() -> None:
    assert pressed_spans([(0.0, "press"), (2.0, "lift"), (3.0, "press"), (4.0, "change")], 8.0) == [
        (0.0, 2.0),
        (3.0, 4.0),
        (4.0, 8.0),
    ]
    assert pressed_spans([(1.0, "lift"), (2.0, "press"), (4.0, "press"), (4.0, "lift")], 8.0) == [
        (2.0, 4.0),
        (4.0, 8.0),
    ]


def test_signs_at_one_place() -> None:
    for changed in (["lift", "press"], ["press", "lift"], ["change"]):
        signs = [(0.0, "press"), *((2.0, sign) for sign in changed), (3.0, "lift")]
        assert pressed_spans(signs, 8.0) == [(0.0, 2.0), (2.0, 3.0)]
    assert pressed_spans([(1.0, "press"), (1.0, "lift"), (5.0, "press"), (6.0, "lift")], 8.0) == [(5.0, 6.0)]


def test_the_pedals_of_two_hands_are_one() -> None:
    assert joined_spans([(0.0, 2.0), (4.0, 6.0), (1.0, 3.0), (6.0, 7.0)]) == [(0.0, 3.0), (4.0, 6.0), (6.0, 7.0)]


@given(st.lists(st.tuples(st.integers(0, 20), st.sampled_from(["press", "lift", "change"]))))
def test_spans_are_in_order_and_do_not_overlap(signs: list) -> None:
    found = pressed_spans([(float(at), kind) for at, kind in signs], 30.0)
    edges = [edge for span in found for edge in span]
    assert edges == sorted(edges) and all(low < high for low, high in found)


def test_printed_pedals_are_unfolded_with_the_repeats(tmp_path: Path) -> None:
    first = attributes("4/4") + sign("start") + note("C4", 24) + sign("change", offset=6) + note("E4", 24)
    second = note("C5", 24) + sign("stop") + note("G4", 24)
    compiled = read_score(write(tmp_path, score([first + repeat("backward"), second])))
    # twice the first bar, changed an eighth after its middle; lifted by the jump and in the middle of the second
    assert spans(compiled) == [(0.0, 2.5), (2.5, 4.0), (4.0, 6.5), (6.5, 10.0)]
    assert spans(unpack_score(pack_score(compiled))) == spans(compiled)


def test_the_pedal_of_a_midi_file(tmp_path: Path) -> None:
    file = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack([mido.Message("program_change", program=0)])
    for value, wait in ((100, 0), (127, 0), (10, 960), (0, 0), (90, 480)):
        track.append(mido.Message("control_change", control=64, value=value, time=wait))
        track.append(mido.Message("note_on", note=60 + value % 7, velocity=80))
        track.append(mido.Message("note_off", note=60 + value % 7, velocity=0, time=240))
    file.tracks.append(track)
    file.save(tmp_path / "p.mid")
    compiled = read_score(tmp_path / "p.mid")
    assert spans(compiled) == [(0.0, 3.0), (5.0, 5.5)]


def under_pedal(notes: list[tuple[float, float, int]], pedals: list[tuple[float, float]]) -> Score:
    made = make_score([(on, length, pitch, 0, 0.5, 0) for on, length, pitch in notes], instruments=("piano",))
    return replace(made, pedals=np.array([(0, low, high) for low, high in pedals], PEDAL_DTYPE))


def let_go(compiled: Score) -> list[tuple[float, int, float]]:
    """Place and pitch of each note, and when it is let go, at two quarters a second from 0 s on."""
    scheduler = Scheduler(compiled, PartBook(compiled))
    notes: list[NoteEvent] = []
    releases: list[NoteRelease] = []
    for tick in range(900):
        now_s = 0.01 * tick
        position = ScorePosition(now_s, 2 * now_s, 2 * now_s, 2.0, 120.0, "1", 1.0, "playing")
        new, ended = scheduler.step(now_s, position, lambda quarter: quarter / 2.0, Dynamics(0.0, 0.5, 0.0))
        notes += new
        releases += ended
    ends = {release.note_id: release.time_s for release in releases}
    assert len(ends) == len(releases) == len(notes), "each is let go once"
    return [(one.quarter, one.pitch, ends[one.note_id]) for one in notes]


def played(compiled: Score) -> dict[tuple[float, int], float]:
    """When each note (place, pitch) is let go."""
    return {(quarter, pitch): end_s for quarter, pitch, end_s in let_go(compiled)}


def test_notes_ring_until_the_pedal_is_lifted() -> None:
    compiled = under_pedal([(0.0, 1.0, 60), (1.0, 1.0, 64), (2.0, 4.0, 67), (8.0, 1.0, 60)], [(0.0, 4.0)])
    ends = played(compiled)
    assert ends[0.0, 60] == ends[1.0, 64] == pytest.approx(2.0)
    assert ends[2.0, 67] == pytest.approx(3.0, abs=0.2), "held by its key beyond the pedal"
    assert ends[8.0, 60] == pytest.approx(4.5, abs=0.1), "no pedal there"


def test_a_string_struck_again_rings_anew() -> None:
    ends = played(under_pedal([(0.0, 1.0, 60), (2.0, 1.0, 60), (2.0, 1.0, 67)], [(0.0, 6.0)]))
    assert ends[0.0, 60] == pytest.approx(1.0)
    assert ends[2.0, 60] == ends[2.0, 67] == pytest.approx(3.0)


def test_two_voices_in_unison_do_not_end_each_other() -> None:
    """One was let go as both began, as if the other had struck the string again."""
    both = let_go(under_pedal([(0.0, 3.0, 60), (0.0, 4.0, 60), (5.0, 2.0, 60)], [(1.0, 8.0)]))
    assert both == [(0.0, 60, pytest.approx(2.5)), (0.0, 60, pytest.approx(2.5)), (5.0, 60, pytest.approx(4.0))]


def test_a_pedal_pressed_as_a_note_ends_does_not_catch_it() -> None:
    pedals = Pedals(under_pedal([(0.0, 1.0, 60)], [(1.0, 2.0), (2.0, 3.0)]))
    found = [pedals.damped_quarter(0, at) for at in (0.5, 1.0, 1.5, 2.0, 2.5, 3.0)]
    assert found == [None, None, 2.0, None, 3.0, None]
    assert pedals.damped_quarter(1, 1.5) is None
