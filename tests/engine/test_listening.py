"""Notes heard from sound: onsets, pitches, delay, and what is not a note."""

import numpy as np
import pytest
import scipy.signal
from performers import RATE_HZ, Tone, heard, played, scale

from tutti.engine.errors import AudioDeviceError
from tutti.engine.listening.echo import EchoCanceller
from tutti.engine.listening.pitch import PitchFinder
from tutti.engine.listening.tracker import NoteTracker

PITCHES = [69, 71, 72, 74, 76, 77, 79, 81, 79, 77, 76, 74, 72, 71, 69]


def assert_heard(notes, tones, within_s=0.05, cents=20):
    assert [round(note.pitch) for note in notes] == [round(tone.pitch) for tone in tones]
    for note, tone in zip(notes, tones, strict=True):
        assert note.onset_s == pytest.approx(tone.onset_s, abs=within_s)
        assert 100 * abs(note.pitch - tone.pitch) < cents
        assert 0.0 <= note.confidence <= 1.0 and 1 <= note.velocity <= 127


@pytest.mark.parametrize("sounding", [0.5, 1.0], ids=["staccato", "legato"])
@pytest.mark.parametrize("rate_hz", [44100, 48000, 96000])
def test_a_scale_is_heard_note_by_note(sounding, rate_hz):
    tones = scale(PITCHES, 0.25, sounding)
    notes, _ = heard(
        played(tones, 4.8, vibrato_cents=15, rate_hz=rate_hz), NoteTracker(rate_hz, 55, 100), 256, None, rate_hz
    )
    assert_heard(notes, tones)


def test_blocks_of_any_size_give_the_same_notes():
    sound = played(scale(PITCHES, 0.2), 4.0)
    by_64, _ = heard(sound, block=64)
    by_1000, _ = heard(sound, block=1000)
    assert len(by_64) == len(by_1000) == len(PITCHES)
    for one, other in zip(by_64, by_1000, strict=True):
        assert one.onset_s == pytest.approx(other.onset_s, abs=1e-6)
        assert one.pitch == pytest.approx(other.pitch, abs=1e-4)


def test_the_same_pitch_struck_again_is_another_note():
    tones = scale([72] * 8, 0.25, 0.6)
    notes, _ = heard(played(tones, 3.0))
    assert_heard(notes, tones)


def test_vibrato_and_a_crescendo_are_one_note():
    sound = played([Tone(0.3, 3.0, 74.0, attack_s=2.5)], 4.0, vibrato_cents=45)
    notes, _ = heard(sound)
    assert len(notes) == 1
    assert notes[0].duration_s == pytest.approx(3.0, abs=0.2)
    assert notes[0].pitch == pytest.approx(74.0, abs=0.1)


def test_a_note_is_told_within_forty_milliseconds_and_again_when_it_ends():
    tones = scale(PITCHES, 0.3, 0.7)
    notes, told = heard(played(tones, 5.5))
    begun = [(at_s, note) for at_s, note in told if note.duration_s is None]
    delays_s = [at_s - tone.onset_s for (at_s, _), tone in zip(begun, tones, strict=True)]
    assert np.median(delays_s) < 0.04 and min(delays_s) > 0.0
    assert [note.note_id for note in notes] == [note.note_id for _, note in begun]
    for note in notes:
        assert note.duration_s == pytest.approx(0.21, abs=0.08)


def test_louder_notes_have_more_velocity():
    tones = [Tone(0.3 + 0.5 * i, 0.3, 72.0, level) for i, level in enumerate((0.01, 0.03, 0.1, 0.3))]
    notes, _ = heard(played(tones, 2.5))
    velocities = [note.velocity for note in notes]
    assert len(velocities) == 4 and velocities == sorted(set(velocities))


def test_noise_silence_and_what_is_not_a_number_are_no_notes():
    noise = np.random.default_rng(0).standard_normal(3 * RATE_HZ).astype(np.float32)
    assert heard(0.1 * noise)[0] == []
    assert heard(np.zeros(RATE_HZ, np.float32))[0] == []
    broken = np.full(RATE_HZ, np.nan, np.float32)
    broken[::7] = np.inf
    assert heard(broken)[0] == []


def test_what_sounds_at_the_end_is_ended():
    sound = played([Tone(0.3, 5.0, 69.0)], 1.0)
    notes, _ = heard(sound)
    assert len(notes) == 1 and notes[0].duration_s == pytest.approx(0.7, abs=0.03)


@pytest.mark.parametrize("pitch", [36.0, 45.3, 60.0, 72.5, 88.0, 100.0])
def test_yin_finds_pitches_over_the_whole_range(pitch):
    finder = PitchFinder(24000, 36, 100)
    at_s = np.arange(finder.size) / 24000
    hz = 440 * 2 ** ((pitch - 69) / 12)
    frame = sum(np.sin(2 * np.pi * hz * h * at_s + h) / h for h in range(1, 5)).astype(np.float32)
    found = finder.find(frame)
    assert found.pitch == pytest.approx(pitch, abs=0.1)
    assert found.aperiodicity < 0.1


def test_a_held_pitch_does_not_fall_an_octave_but_may_rise_one():
    finder = PitchFinder(24000, 48, 96)
    at_s = np.arange(finder.size) / 24000
    frame = np.sin(2 * np.pi * 440 * at_s).astype(np.float32)
    assert finder.find(frame, held=57.0).pitch == pytest.approx(69.0, abs=0.1)


def test_what_cannot_be_listened_to_is_refused():
    with pytest.raises(AudioDeviceError, match="4000 Hz"):
        NoteTracker(4000)
    with pytest.raises(AudioDeviceError, match="pitches from 90 to 60"):
        NoteTracker(48000, 90, 60)


# -- the orchestra in the microphone ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def orchestra():
    """(what loudspeakers play, what of it comes back to the microphone, 12 dB weaker)."""
    rng = np.random.default_rng(5)
    tones = [Tone(0.2 + 0.4 * i, 0.35, float(rng.integers(57, 84))) for i in range(14)]
    output = played(tones, 6.5, vibrato_cents=12)
    room = np.zeros(7200)
    room[1440] = 1.0  # 30 ms: device and air
    room[1441:] = 0.05 * rng.standard_normal(5759) * np.exp(-np.arange(5759) / 2000)
    return output, (0.25 * scipy.signal.fftconvolve(output, room)[: len(output)]).astype(np.float32)


def test_the_orchestra_in_the_microphone_is_not_taken_for_the_learner(orchestra):
    output, echo = orchestra
    assert len(heard(echo)[0]) >= 10, "without knowing what was played it would be"
    assert heard(echo, reference=output)[0] == []


def test_the_learner_is_heard_through_the_orchestra(orchestra):
    output, echo = orchestra
    tones = scale([69, 72, 76, 74, 71, 67, 69, 76], 0.5, 0.8, start_s=2.0)
    notes, _ = heard(0.3 * echo + played(tones, 6.5, vibrato_cents=15), reference=output)
    found = [
        tone
        for tone in tones
        if any(abs(note.onset_s - tone.onset_s) < 0.05 and abs(note.pitch - tone.pitch) < 0.5 for note in notes)
    ]
    assert len(found) >= 7
    assert len(notes) <= len(tones) + 1


def test_the_echo_is_cancelled_while_somebody_else_plays():
    rng = np.random.default_rng(3)
    block, count = 120, 800
    output = rng.standard_normal(block * count)
    room = rng.standard_normal(600) * np.exp(-np.arange(600) / 120) * 0.2
    echo = np.convolve(output, room)[: len(output)]
    other = 0.3 * np.sin(2 * np.pi * 0.01 * np.arange(len(output)))
    canceller = EchoCanceller(block, 1200)
    left = np.concatenate(
        [
            canceller.process((echo + other)[at : at + block].astype(np.float32), output[at : at + block])
            for at in range(0, len(output), block)
        ]
    )
    end = slice(-20 * block, None)
    remaining_db = 10 * np.log10(np.mean((left - other)[end] ** 2) / np.mean(echo[end] ** 2))
    assert remaining_db < -18.0
