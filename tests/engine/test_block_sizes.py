"""The sound does not depend on how it is cut into blocks: offline, live, and at any size."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from audio_support import RATE_HZ, SETTINGS, cues, note, player, small_room, tone_sounds

from tutti.engine.audio.offline import AudioCue, render_wav
from tutti.engine.audio.renderer import AudioSettings, OrchestraRenderer
from tutti.engine.types import NoteRelease, Pose

PLAYERS = [
    *(player(number, number - 4.0, 3.0) for number in range(8)),
    player(8, -1.0, 5.0, "trumpet", part=1),
    player(9, 0.0, 5.0, "timpani", part=2),
]


def a_lively_piece() -> list[AudioCue]:
    """Slurred and detached notes, a drum, a head that turns and walks, a change of balance and of places, a stop."""
    rng = np.random.default_rng(11)
    events = [note(i, 0.05 + 0.113 * i, (0.11, 0.06)[i % 2], 60 + (i * 5) % 17) for i in range(10)]
    events += [note(100 + i, 0.2 + 0.29 * i, 0.25, 50, part=1 + i % 2, velocity=40 + 20 * i) for i in range(4)]
    wanted = cues(events)
    for number in range(40):
        time_s, half = 0.2 + 0.0171 * number, 0.02 * number
        pose = Pose(time_s, "head", (0.01 * number, 1.65, 0.0), (np.cos(half), 0.0, np.sin(half), 0.0))
        wanted.append(AudioCue(time_s, head=pose))
    softer = [replace(p, gain_db=-9.0, position_m=(p.position_m[0] + rng.uniform(), 4.0, 0.0)) for p in PLAYERS]
    wanted += [AudioCue(0.713, placements=softer), AudioCue(1.19, silence=True)]
    return sorted(wanted, key=lambda cue: cue.time_s)


def rendered(path: Path, block: int, settings: AudioSettings = SETTINGS) -> np.ndarray:
    settings = replace(settings, block=block)
    render_wav(path, PLAYERS, tone_sounds(), small_room(), a_lively_piece(), 1.6, settings)
    return soundfile.read(path)[0]


@pytest.mark.parametrize("voices", [48, 12])
def test_any_block_size_gives_the_same_sound(tmp_path, voices) -> None:
    """Also where voices are short and notes must make way."""
    settings = replace(SETTINGS, voices=voices)
    expected = rendered(tmp_path / "a.wav", 256, settings)
    level = np.sqrt((expected**2).mean())
    assert level > 1e-3
    for block in (64, 128, 1024):
        error = rendered(tmp_path / "b.wav", block, settings) - expected
        assert 20 * np.log10(np.sqrt((error**2).mean()) / level + 1e-12) < -80.0, block
        assert 20 * np.log10(np.abs(error).max() / level + 1e-12) < -60.0, block


@pytest.mark.parametrize("block", [64, 512])
def test_live_is_the_same_as_offline(tmp_path, block) -> None:
    """A renderer that is fed block by block, a little ahead, as the audio process does it."""
    events = [note(i, 0.1 + 0.11 * i, 0.1, 60 + i) for i in range(6)]
    settings = replace(SETTINGS, block=block)
    render_wav(tmp_path / "a.wav", PLAYERS, tone_sounds(), small_room(), cues(events), 1.0, settings)
    offline = soundfile.read(tmp_path / "a.wav")[0]
    live = OrchestraRenderer(PLAYERS, tone_sounds(), small_room(), settings)
    blocks = []
    for number in range(round(1.2 * RATE_HZ / block)):
        now_s = number * block / RATE_HZ
        due = [e for e in events if now_s <= max(0.0, e.onset_s - 0.09) < now_s + block / RATE_HZ]
        live.submit(due, [NoteRelease(e.note_id, e.onset_s + e.duration_s) for e in due])
        blocks.append(live.render())
    heard = np.concatenate(blocks)[live.latency :][: len(offline)]
    live.close()
    assert np.abs(heard - offline).max() < 2.0**-23  # a step of the file
    assert np.abs(offline).max() > 0.01


def test_the_seed_decides_all_that_is_random(tmp_path) -> None:
    first = rendered(tmp_path / "a.wav", 256)
    assert np.array_equal(first, rendered(tmp_path / "b.wav", 256))
    assert not np.array_equal(first, rendered(tmp_path / "c.wav", 256, replace(SETTINGS, seed=99)))


def test_a_turned_head_does_not_wait_for_the_next_cell() -> None:
    """With short blocks, the block after the turn sounds different already."""
    settings, turned_at = replace(SETTINGS, block=128), 41
    heard = []
    for turns in (False, True):
        renderer = OrchestraRenderer(PLAYERS, tone_sounds(), small_room(), settings)
        renderer.submit([note(1, 0.0, 2.0, 60)], [])
        blocks = []
        for number in range(60):
            if turns and number == turned_at:
                renderer.listen(Pose(0.0, "head", (0.0, 1.65, 0.0), (0.9, 0.0, 0.436, 0.0)))
            blocks.append(renderer.render())
        heard.append(np.concatenate(blocks))
        renderer.close()
    difference = np.abs(heard[1] - heard[0]).max(axis=1)
    first = int(np.argmax(difference > 0.01 * np.abs(heard[0]).max()))
    assert not difference[: turned_at * 128].any()
    assert first < turned_at * 128 + renderer.latency + 64
    assert renderer.latency <= 0.0022 * RATE_HZ
