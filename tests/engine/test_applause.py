"""The audience: when it claps, how its clapping grows and dies, and from where it is heard."""

import math

import numpy as np
import pytest
from interaction_support import silent_score

from tutti.engine.applause import FIRST_NOTE_ID, HELD_BREATH_S, ApplausePlayer, Audience, applause_notes, audience_seats
from tutti.engine.audio.impulse_response import room_of
from tutti.engine.audio.renderer import AudioSettings, OrchestraRenderer
from tutti.engine.hall import read_hall
from tutti.engine.placement import place_players, read_plan
from tutti.engine.sounds.applause import CROWDS, crowd_clapping
from tutti.engine.sounds.sound_set import load_sound_set
from tutti.engine.types import Applause, Dynamics, FollowState, Frame, NoteEvent, Pose, ScorePosition

HALL = read_hall()
SEATS = audience_seats(HALL, 100, 20)
RATE_HZ = 48_000


def frame(time_s: float, state: FollowState = "playing", notes: tuple[NoteEvent, ...] = (), head: Pose | None = None):
    position = ScorePosition(time_s, 0.0, 0.0, 1.0, 60.0, "1", 1.0, state)
    return Frame(0, time_s, position, None, Dynamics(time_s, 0.5, 0.0), notes=notes, poses=(head,) if head else ())


def head(turned_deg: float = 0.0, bowed_deg: float = 0.0) -> Pose:
    """A head that looks to the orchestra, turned to the left and bowed down."""
    yaw, pitch = math.radians(turned_deg) / 2, -math.radians(bowed_deg) / 2
    w = math.cos(yaw) * math.cos(pitch)
    x, y, z = math.cos(yaw) * math.sin(pitch), math.sin(yaw) * math.cos(pitch), -math.sin(yaw) * math.sin(pitch)
    return Pose(0.0, "head", (0.0, 1.65, 0.0), (w, x, y, z))


def hear(
    audience: Audience, until_s: float, ended_s: float, gesture=lambda time_s: None
) -> list[tuple[float, Applause]]:
    """Play to ``ended_s``, then be silent; what the audience made up its mind to."""
    found = []
    for index in range(round(until_s * 100)):
        now_s = index / 100
        ended = now_s > ended_s
        last = (NoteEvent(1, 0, ended_s - 1.0, 3.0, 60, 80, "sustain", 0.0),) if index == 10 else ()
        applause = audience.step(frame(now_s, "ended" if ended else "playing", last, gesture(now_s)), ended)
        if applause is not None:
            found.append((now_s, applause))
    return found


def test_they_hold_their_breath_until_the_last_note_rang_out() -> None:
    found = hear(Audience(), 30.0, ended_s=10.0)
    assert len(found) == 1
    decided_s, applause = found[0]
    assert decided_s == pytest.approx(12.0, abs=0.02)  # the note that was expected to sound so long is over
    assert applause.begin_s == pytest.approx(decided_s + HELD_BREATH_S)
    assert 8.0 <= applause.end_s - applause.begin_s <= 16.0


def test_nobody_claps_for_a_false_start_or_a_stop() -> None:
    assert hear(Audience(), 8.0, ended_s=2.0) == []
    audience = Audience()
    assert all(audience.step(frame(t / 100, "stopped" if t > 1000 else "playing"), False) is None for t in range(3000))


@pytest.mark.parametrize("gesture", [head(turned_deg=170.0), head(bowed_deg=65.0)])
def test_who_turns_to_the_hall_or_bows_is_clapped_longer(gesture: Pose) -> None:
    found = hear(Audience(), 60.0, 10.0, lambda now_s: gesture if 18.0 < now_s < 21.0 else head())
    assert len(found) == 2
    (_, first), (bowed_s, second) = found
    assert bowed_s == pytest.approx(18.4, abs=0.05)
    assert first.end_s > second.begin_s >= bowed_s, "without a gap"
    assert second.end_s > first.end_s + 3.0


def test_clapping_thickens_and_thins() -> None:
    applause = Applause(10.0, 22.0, 0.7)
    notes = applause_notes(applause, SEATS)
    assert notes == applause_notes(applause, SEATS)
    assert {note.part for note in notes} == {seat.part for seat in SEATS}

    def people(at_s: float) -> int:
        return sum(
            CROWDS[(note.pitch - 60) // 4] for note in notes if note.onset_s <= at_s < note.onset_s + note.duration_s
        )

    counts = [people(time_s) for time_s in (9.9, 10.6, 11.5, 14.0, 17.0, 20.8, 22.0)]
    assert counts[0] == counts[-1] == 0
    assert 0 < counts[1] < counts[2] < counts[3] == counts[4]
    assert counts[5] < counts[4]


def test_notes_are_handed_out_once_and_all_end() -> None:
    player = ApplausePlayer(SEATS)
    player.begin(Applause(1.0, 12.0, 0.7))
    begun, ended = [], []
    for index in range(1500):
        notes, releases = player.step(index / 100)
        assert all(note.onset_s - index / 100 <= 0.25 for note in notes)
        begun += [note.note_id for note in notes]
        ended += [release.note_id for release in releases]
    assert len(begun) == len(set(begun)) == 3 * len(SEATS)
    assert sorted(begun) == sorted(ended)
    assert min(begun) == FIRST_NOTE_ID
    assert not player.sounding
    player.begin(Applause(20.0, 30.0, 0.7))
    player.step(23.0)
    assert len(player.stop(23.0)) > 5
    assert not player.sounding


def test_it_is_made_of_single_claps() -> None:
    one = crowd_clapping(1, 4.0, np.random.default_rng(1))
    envelope = np.sqrt(np.convolve(one**2, np.ones(240) / 240, "same"))
    peaks = np.flatnonzero((envelope[1:] > 0.2 * envelope.max()) & (envelope[:-1] <= 0.2 * envelope.max()))
    assert 2.0 <= len(peaks) / 4.0 <= 5.5
    # between claps there is silence for one, and none for a crowd
    quiet = np.mean(envelope < 0.02 * envelope.max())
    crowd = crowd_clapping(30, 4.0, np.random.default_rng(1))
    thick = np.sqrt(np.convolve(crowd**2, np.ones(960) / 960, "same"))[RATE_HZ : 3 * RATE_HZ]
    assert quiet > 0.6
    assert np.mean(thick < 0.1 * np.median(thick)) < 0.02


def render(head_pose: Pose, seconds: float) -> np.ndarray:
    players = place_players(silent_score(), read_plan("string-quartet"), HALL)[:4]
    sounds = load_sound_set(sorted({p.instrument for p in players} | {"applause"}), None)
    renderer = OrchestraRenderer((*players, *SEATS), sounds, room_of(HALL), AudioSettings(block=512))
    try:
        renderer.listen(head_pose)
        applause = Applause(0.0, 6.0, 0.8)
        player = ApplausePlayer(SEATS)
        player.begin(applause)
        blocks = []
        for index in range(round(seconds * RATE_HZ / 512)):
            renderer.submit(*player.step(index * 512 / RATE_HZ))
            blocks.append(renderer.render())
    finally:
        renderer.close()
    return np.concatenate(blocks)


@pytest.mark.timeout(120)
def test_it_grows_dies_and_is_heard_from_behind_the_conductor() -> None:
    ahead = render(head(), 9.0)
    level_db = [
        20 * np.log10(np.sqrt(np.mean(ahead[round(a * RATE_HZ) : round(b * RATE_HZ)] ** 2)) + 1e-9)
        for a, b in ((0.2, 0.8), (2.5, 4.0), (8.0, 9.0))
    ]
    assert level_db[1] > level_db[0] + 6.0
    assert level_db[1] > level_db[2] + 6.0
    assert -40.0 < level_db[1] < -14.0
    # a head turned to its left hears the house with its left ear: it sits behind
    aside = render(head(turned_deg=90.0), 4.0)[round(2.5 * RATE_HZ) :]
    left, right = np.sqrt(np.mean(aside.astype(float) ** 2, axis=0))
    assert 20 * np.log10(left / right) > 2.0
