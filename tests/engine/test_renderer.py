from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import scipy.signal
from audio_support import (
    EXACT,
    RATE_HZ,
    SETTINGS,
    noise_sample,
    note,
    player,
    render,
    small_room,
    tone_sample,
    tone_sounds,
)

from tutti.engine.audio import ensemble
from tutti.engine.audio.renderer import AudioSettings, OrchestraRenderer
from tutti.engine.audio.sampler import Sampler
from tutti.engine.audio.source_field import Listener
from tutti.engine.errors import AudioDeviceError, SoundError
from tutti.engine.sounds.sound_set import Patch, Sample, SoundSet, Zone
from tutti.engine.types import NoteEvent, NoteRelease, PlayerPlacement, Pose

FRONT = player(0, 0.0, 3.0)


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Players without spread, tuning of their own, or vibrato."""
    monkeypatch.setattr(ensemble, "HABITS", EXACT)


@pytest.fixture
def make() -> Iterator:
    """Makes renderers and closes them."""
    made = []

    def build(placements=(FRONT,), sounds: SoundSet | None = None, settings: AudioSettings = SETTINGS, rt60_s=0.4):
        made.append(OrchestraRenderer(placements, sounds or tone_sounds(), small_room(rt60_s), settings))
        return made[-1]

    yield build
    for renderer in made:
        renderer.close()


def above_db(sound: np.ndarray, hz: float) -> float:
    """Largest short-time level above a frequency, relative to the sound's largest: where clicks show."""
    high = scipy.signal.sosfilt(scipy.signal.butter(8, hz, "high", fs=RATE_HZ, output="sos"), sound, axis=0)
    return float(20 * np.log10(np.abs(high).max() / np.abs(sound).max()))


def level_db(sound: np.ndarray, from_s: float, to_s: float) -> np.ndarray:
    part = sound[round(from_s * RATE_HZ) : round(to_s * RATE_HZ)]
    return 10 * np.log10((part**2).mean(axis=0) + 1e-20)


def test_onsets_are_exact_to_a_sample(make, exact) -> None:
    early = render(make(), 0.8, [note(1, 0.3)])
    for shift in (1, 100, 256, 300):
        late = render(make(), 0.8, [note(1, 0.3 + shift / RATE_HZ)])
        count = round(0.45 * RATE_HZ)  # the note's end is a matter of blocks
        difference = np.abs(late[shift:count] - early[: count - shift]).max()
        assert (
            difference < 1e-2 * np.abs(early).max()
        )  # pyo's convolution differs by −40 dB with the place in its block
    first = np.flatnonzero(np.abs(early).max(axis=1) > 1e-4 * np.abs(early).max())[0]
    assert 0 <= first - round(0.3 * RATE_HZ) < 400  # limiter, filters of the head, and the attack's first steps


def test_the_same_events_give_the_same_samples(make) -> None:
    section = [player(number, number - 4.0, 3.0) for number in range(8)]
    events = [note(i, 0.05 + 0.11 * i, 0.3, 60 + i) for i in range(6)]
    first, second = (render(make(section), 1.2, events) for _ in range(2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, render(make(section, settings=AudioSettings(voices=48, seed=4)), 1.2, events))


def test_notes_begin_and_end_without_clicks(make, exact) -> None:
    events = [note(i, 0.1 + 0.31 * i, 0.2, 69) for i in range(4)]
    assert above_db(render(make(), 1.6, events), 6000.0) < -60.0


def test_stopping_and_stealing_fade_instead_of_clicking(make, exact) -> None:
    renderer = make()
    renderer.submit([note(1, 0.0, 5.0)], [])
    sound = render(renderer, 0.5)
    renderer.silence()
    sound = np.concatenate([sound, render(renderer, 1.4)])
    assert above_db(sound, 6000.0) < -60.0
    assert not sound[-4800:].any()

    few = make(settings=AudioSettings(voices=4, starts_per_block=2))
    crowd = [note(i, 0.05 * i, 4.0, 69) for i in range(24)]
    sound = render(few, 1.5, crowd)
    assert few.sounding <= 4
    assert above_db(sound, 6000.0) < -55.0


def test_a_held_note_loops_without_a_seam(make, exact) -> None:
    sound = render(make(rt60_s=0.1), 8.0, [note(1, 0.1, 20.0)])[2 * RATE_HZ :, 0]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    hz = np.arange(len(spectrum)) * RATE_HZ / len(sound)
    near = np.abs(hz - 440.0) < 15.0
    assert 10 * np.log10(spectrum[~near & (hz > 20.0)].sum() / spectrum[near].sum()) < -50.0
    assert hz[spectrum.argmax()] == pytest.approx(440.0, abs=0.2)


def test_short_loops_stay_in_tune(make, exact) -> None:
    """A loop of a single period: the sampler restarts on whole samples, which must not add up."""
    data = (0.5 * np.sin(2 * np.pi * 480.0 * np.arange(6000) / RATE_HZ)).astype(np.float32)
    pitch = 69.0 + 12.0 * np.log2(480.0 / 440.0)
    cycle = Sample(data, RATE_HZ, pitch, 1000, 1100, -9.0)
    sounds = SoundSet("cycle", (cycle,), {("violin", "sustain"): Patch((Zone(0, 127, 0, 127, 0, -17.0, 0.01, 0.1),))})
    sound = render(make(sounds=sounds, rt60_s=0.1), 4.0, [note(1, 0.1, 9.0, pitch=74)])[RATE_HZ:, 0]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 8 * len(sound)))
    measured_hz = spectrum.argmax() * RATE_HZ / (8 * len(sound))
    assert abs(1200 * np.log2(measured_hz / (440.0 * 2 ** (5 / 12)))) < 1.0


def test_louder_is_louder_and_brighter(make, exact) -> None:
    saw = scipy.signal.sawtooth(2 * np.pi * 220.0 * np.arange(3 * RATE_HZ) / RATE_HZ).astype(np.float32)
    rich = Sample(0.3 * saw, RATE_HZ, 57.0, 4800, 4800 + 2 * RATE_HZ, -15.0)
    sounds = tone_sounds(("oboe", rich))
    spectra = {}
    for velocity in (32, 90):
        sound = render(make([player(0, 0, 3, "oboe")], sounds), 1.0, [note(1, 0.0, 2.0, 57, velocity=velocity)])
        spectra[velocity] = scipy.signal.welch(sound[RATE_HZ // 3 :, 0], RATE_HZ, nperseg=4096)[1]
    change_db = 10 * np.log10(spectra[90] / spectra[32])
    assert 12.0 < change_db[15:25].max() < 16.0  # the fundamental
    assert change_db[500:800].mean() > change_db[15:25].max() + 5.0  # 6 to 9 kHz


def test_the_field_turns_with_the_head(make, exact) -> None:
    levels = {}
    for name, yaw_deg in (("ahead", 0.0), ("left", 90.0), ("right", -90.0)):
        renderer = make([player(0, 0.0, 3.0, "oboe")], tone_sounds(("oboe", noise_sample())))
        half = np.radians(yaw_deg) / 2
        renderer.listen(Pose(0.0, "head", (0.0, 1.65, 0.0), (np.cos(half), 0.0, np.sin(half), 0.0)))
        sound = render(renderer, 0.6, [note(1, 0.0, 2.0)])
        left, right = level_db(sound, 0.3, 0.6)
        levels[name] = left - right
    assert abs(levels["ahead"]) < 2.5
    assert levels["left"] < -3.0 and levels["right"] > 3.0  # turned left, the player is on the right


def test_players_are_heard_from_where_they_sit(make, exact) -> None:
    for x_m, sign in ((-4.0, 1.0), (4.0, -1.0)):
        sounds = tone_sounds(("oboe", noise_sample()))
        sound = render(make([player(0, x_m, 1.0, "oboe")], sounds), 0.5, [note(1, 0.0, 2.0)])
        left, right = level_db(sound, 0.3, 0.5)
        assert sign * (left - right) > 3.0


def test_moving_muting_and_balancing_do_not_click(make, exact) -> None:
    renderer = make()
    renderer.submit([note(1, 0.0, 9.0)], [])
    parts = [render(renderer, 0.4)]
    changes = [
        PlayerPlacement(**{**as_dict(FRONT), "position_m": (-3.0, 1.0, 0.0)}),
        PlayerPlacement(**{**as_dict(FRONT), "gain_db": -10.0}),
        PlayerPlacement(**{**as_dict(FRONT), "muted": True}),
    ]
    for change in changes:
        renderer.place([change])
        parts.append(render(renderer, 1.1))
    assert above_db(np.concatenate(parts), 6000.0) < -55.0
    assert level_db(parts[2], 0.5, 0.8).mean() < level_db(parts[0], 0.2, 0.4).mean() - 5.0
    assert not parts[3][-4800:].any()


def as_dict(placement: PlayerPlacement) -> dict:
    return {name: getattr(placement, name) for name in PlayerPlacement.__slots__}


def test_sitting_down_elsewhere_neither_clicks_nor_jumps_in_level(make, exact) -> None:
    seat = Listener((2.5, -5.0, 1.2), (1.0, 0.0, 0.0, 0.0))
    renderer = make()
    renderer.submit([note(1, 0.0, 6.0)], [])
    head = Pose(0.0, "head", (0.0, 1.7, 0.3), (1.0, 0.0, 0.0, 0.0))
    renderer.listen(head)
    pieces = [render(renderer, 1.0)]
    for place in (seat, None):
        renderer.sit(place)
        renderer.listen(head)
        pieces.append(render(renderer, 1.5))
    sound = np.concatenate(pieces)
    assert above_db(sound, 6000.0) < -55.0
    there = make(settings=replace(SETTINGS, listener=seat))
    there.submit([note(1, 0.0, 6.0)], [])
    always = render(there, 2.5)
    # heard from the seat it is as if one had sat there all the time
    moved, stayed = level_db(sound, 2.1, 2.5), level_db(always, 2.1, 2.5)
    np.testing.assert_allclose(moved, stayed, atol=0.5)
    before, back = level_db(sound, 0.6, 1.0), level_db(sound, 3.5, 4.0)
    assert np.abs(moved - before).max() > 2.0
    np.testing.assert_allclose(back, before, atol=0.7)


def test_another_hall_is_entered_and_the_one_that_was_left_rings_out(make, exact) -> None:
    """What is played there sounds as if they had always been there; the tail of the first hall is not cut off."""
    seat = Listener((2.5, -5.0, 1.2), (1.0, 0.0, 0.0, 0.0))
    renderer = make(rt60_s=1.2)
    played = render(renderer, 0.8, [note(1, 0.0, 0.3)])
    stayed = make(rt60_s=1.2)
    rest = render(stayed, 2.8, [note(1, 0.0, 0.3)])[len(played) :]
    renderer.enter(small_room(0.3), seat)
    left = render(renderer, 2.0)
    decay = slice(round(0.1 * RATE_HZ), round(0.4 * RATE_HZ))  # the first moments have reflections on their way
    np.testing.assert_allclose(left[decay], rest[decay], atol=0.3 * np.abs(rest[decay]).max())
    assert np.abs(rest[decay]).max() > 1e-5 and np.abs(np.diff(left, axis=0)).max() < 1e-2
    there = make(settings=replace(SETTINGS, listener=seat), rt60_s=0.3)
    render(there, 2.8)
    after, always = (render(one, 1.5, [note(2, 2.9, 0.5)]) for one in (renderer, there))
    np.testing.assert_allclose(level_db(after, 0.2, 0.5), level_db(always, 0.2, 0.5), atol=0.5)
    assert not render(renderer, 2.0)[-4800:].any()


def test_after_the_tail_there_is_true_silence(make) -> None:
    renderer = make()
    sound = render(renderer, 2.5, [note(1, 0.1, 0.3)])
    assert level_db(sound, 0.2, 0.4).max() > -60.0
    assert renderer.idle
    assert not sound[round((0.5 + renderer.tail_s) * RATE_HZ) :].any()
    assert not render(make(), 0.3).any()


def test_struck_notes_ring_on_and_end_by_themselves(make, exact) -> None:
    drummer = [player(0, 0.0, 5.0, "timpani")]
    short = render(make(drummer), 0.6, [note(1, 0.05, 0.02)])
    long = render(make(drummer), 0.6, [note(1, 0.05, 0.5)])
    assert np.array_equal(short, long)
    renderer = make(drummer)
    render(renderer, 2.0, [note(1, 0.05, 9.0)])
    assert renderer.sounding == 0


def test_what_is_silenced_before_it_begins_never_sounds(make) -> None:
    """Live it was forgotten; a recording tells of its end before its beginning."""
    section = [player(number, number - 2.0, 3.0) for number in range(5)]
    renderer = make(section)
    renderer.submit([note(1, 0.2, 0.5), note(2, 0.2, 0.5, 64)], [NoteRelease(1, 0.15)])
    renderer.submit([], [NoteRelease(2, 0.15)])
    assert not render(renderer, 0.8).any()


def test_a_tremolo_of_what_is_struck_is_a_roll_as_long_as_it_is_held(make, exact) -> None:
    def rolled(block: int, articulation: str, seconds: float = 2.0) -> np.ndarray:
        renderer = make([player(0, 0.0, 5.0, "timpani")], settings=replace(SETTINGS, block=block))
        sound = render(renderer, seconds, [note(1, 0.1, 1.0, articulation=articulation)])
        assert renderer.idle
        return sound

    roll = rolled(256, "tremolo")
    assert level_db(roll, 0.9, 1.1).min() > level_db(roll, 0.2, 0.4).min() - 1.0
    assert level_db(roll, 1.4, 1.6).max() < level_db(roll, 0.9, 1.1).min() - 20.0
    assert level_db(rolled(256, "sustain"), 0.9, 1.1).max() < -60.0
    times_s = np.arange(round(0.3 * RATE_HZ), round(1.1 * RATE_HZ)) / RATE_HZ
    envelope = np.abs(scipy.signal.hilbert(roll[round(0.3 * RATE_HZ) : round(1.1 * RATE_HZ), 0]))
    strokes = [abs(np.mean((envelope - envelope.mean()) * np.exp(-2j * np.pi * hz * times_s))) for hz in range(4, 24)]
    assert 4 + int(np.argmax(strokes)) == 13
    assert np.abs(rolled(64, "tremolo") - roll).max() < 1e-2 * np.abs(roll).max()


def test_a_player_takes_up_another_instrument(make, exact) -> None:
    sounds = tone_sounds(("timpani", noise_sample()), ("piccolo", noise_sample()))
    events = [note(1, 0.1, 0.4), replace(note(2, 0.7, 0.4), instrument="piccolo"), note(3, 1.3, 0.4)]
    sound = render(make(sounds=sounds), 1.9, events)
    rest = scipy.signal.sosfilt(scipy.signal.butter(4, 2000.0, "high", fs=RATE_HZ, output="sos"), sound, axis=0)
    shares = [(level_db(rest, at, at + 0.3) - level_db(sound, at, at + 0.3)).max() for at in (0.2, 0.8, 1.4)]
    assert shares[1] > -6.0 and max(shares[0], shares[2]) < -30.0  # the one is noise, the other a sine


def test_what_players_take_up_is_in_memory_before_they_do(make, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Sample] = []
    monkeypatch.setattr(Sampler, "record", lambda self, sample: taken.append(sample))
    sounds = tone_sounds(("timpani", noise_sample()), ("piccolo", noise_sample()))
    make(sounds=sounds).load_ahead(100)
    assert {id(sample) for sample in taken} == {id(sample) for sample in sounds.samples}


def test_slurred_notes_join(make, exact) -> None:
    """Between two slurred notes the level hardly dips; between detached ones it does."""

    def dip_db(gap_s: float) -> float:
        events = [note(1, 0.1, 0.4 - gap_s, 69), note(2, 0.5, 0.4, 71)]
        sound = render(make(rt60_s=0.1), 0.8, events)
        envelope = np.sqrt(np.convolve((sound**2).mean(axis=1), np.ones(1920) / 1920, "same"))
        around = envelope[round(0.42 * RATE_HZ) : round(0.6 * RATE_HZ)]
        return float(20 * np.log10(around.min() / envelope[round(0.3 * RATE_HZ)]))

    assert dip_db(0.0) > -4.0
    assert dip_db(0.12) < -8.0


def test_a_tutti_neither_clips_nor_overloads(make) -> None:
    crowd = [player(number, (number % 9) - 4.0, 2.0 + number // 9) for number in range(45)]
    renderer = make(crowd, settings=AudioSettings(voices=64, gain_db=12.0))
    sound = render(renderer, 1.5, [note(i, 0.1 + 0.001 * (i % 3), 1.0, 55 + i, velocity=127) for i in range(20)])
    assert np.abs(sound).max() < 10 ** (-1.0 / 20)
    assert renderer.limiting_db <= 0.0


def test_a_chord_of_a_hundred_players_is_spread_over_blocks(make) -> None:
    crowd = [player(number, (number % 20) - 10.0, 2.0 + number // 20) for number in range(100)]
    renderer = make(crowd, settings=AudioSettings(voices=128, starts_per_block=16))
    renderer.submit([note(1, 0.1)], [])
    before, most = 0, 0
    for _ in range(60):
        renderer.render()
        most, before = max(most, renderer.sounding - before), renderer.sounding
    assert most <= 16 and renderer.sounding == 100


def test_late_notes_begin_at_once_and_lost_releases_are_made_up(make) -> None:
    renderer = make()
    render(renderer, 1.0)
    renderer.submit([note(1, 0.2, 0.1)], [])
    assert level_db(render(renderer, 0.2), 0.05, 0.2).max() > -50.0
    renderer.submit([], [NoteRelease(1, 0.3)])
    render(renderer, 0.5)
    assert renderer.sounding == 0


def test_a_broken_voice_is_left_out_and_counted(make) -> None:
    bad = tone_sample()
    data = bad.data.copy()
    data[1000:1010] = np.nan
    bad = Sample(data, bad.rate_hz, bad.root_pitch, bad.loop_start, bad.loop_end, bad.level_db)
    renderer = make([FRONT, player(1, 1.0, 3.0, "oboe", part=1)], tone_sounds(("oboe", bad)))
    sound = render(renderer, 0.8, [note(1, 0.0, 2.0), note(2, 0.1, 2.0, part=1), note(3, 0.5, 1.0)])
    assert np.isfinite(sound).all() and renderer.broken_voices == 1
    assert level_db(sound, 0.6, 0.8).max() > -50.0


def test_another_orchestra_takes_the_stage(make) -> None:
    renderer = make()
    renderer.submit([note(1, 0.0, 9.0)], [])
    render(renderer, 0.3)
    renderer.place([player(7, 0.0, 4.0, "trumpet", part=2), player(8, 1.0, 4.0, "violin", part=0)])
    at_s = renderer.position / RATE_HZ
    sound = render(renderer, 0.5, [NoteEvent(5, 2, at_s, 0.4, 69, 90, "sustain", 0.0)])
    assert level_db(sound, 0.2, 0.4).max() > -50.0


def test_another_head_is_taken_from_a_sofa_file(make, tmp_path) -> None:
    with pytest.raises(SoundError, match="SOFA"):
        make(settings=AudioSettings(voices=8, sofa=tmp_path / "missing.sofa"))


@pytest.mark.parametrize(("rate_hz", "block"), [(44100, 256), (48000, 32), (48000, 2048), (96000, 256), (96000, 512)])
def test_every_rate_and_block_that_is_accepted_sounds(make, exact, rate_hz: int, block: int) -> None:
    renderer = make(settings=AudioSettings(rate_hz=rate_hz, block=block, voices=8))
    renderer.submit([note(1, 0.05, 0.3)], [NoteRelease(1, 0.35)])
    sound = np.concatenate([renderer.render() for _ in range(int(0.3 * rate_hz / block) + 1)])
    assert sound.shape[1] == 2 and np.isfinite(sound).all()
    held = sound[int(0.15 * rate_hz) : int(0.3 * rate_hz), 0]
    spectrum = np.abs(np.fft.rfft(held * np.hanning(len(held))))
    assert spectrum.argmax() * rate_hz / len(held) == pytest.approx(440.0, abs=8.0)
    assert 0.01 < np.abs(held).max() < 0.5


def test_unusable_settings_are_refused() -> None:
    for settings in ({"rate_hz": 8000}, {"block": 100}, {"voices": 0}):
        with pytest.raises(AudioDeviceError):
            AudioSettings(**settings)
    with pytest.raises(AudioDeviceError, match="nobody"):
        OrchestraRenderer([], tone_sounds(), small_room())


def test_the_loudness_is_that_of_the_players_where_the_listener_sits(make) -> None:
    """A seat is compensated by the programme's gain alone, other players get a gain of their own."""
    renderer = make(settings=replace(SETTINGS, loudness_lufs=-40.0))
    podium_db = renderer._wanted_db
    heard_lufs = renderer._hold._target_lufs + podium_db
    renderer.sit(Listener((0.0, -12.0, 1.2), (1.0, 0.0, 0.0, 0.0)))
    assert renderer._wanted_db > podium_db + 3.0
    assert renderer._hold._target_lufs + renderer._wanted_db == pytest.approx(heard_lufs)
    renderer.sit(None)
    assert renderer._wanted_db == podium_db
    renderer.place([player(number, 0.0, 3.0) for number in range(4)])
    assert renderer._wanted_db == pytest.approx(podium_db - 6.02, abs=0.01)


@pytest.mark.parametrize("block", [64, 256])
def test_the_programmes_gain_changes_without_steps(make, block: int) -> None:
    """Whoever sits down elsewhere hears it louder or softer by up to 9 dB in a second: never in steps from cell to
    cell."""
    pieces = []
    for change_db in (0.0, -2.0):
        renderer = make(settings=replace(SETTINGS, block=block))
        renderer.submit([note(1, 0.0, 1.0)], [])
        for _ in range(24 * 256 // block):
            renderer.mix()
        renderer._wanted_db = renderer._programme_db + change_db
        pieces.append(np.concatenate([renderer.mix() for _ in range(48 * 256 // block)])[:, 0])
    loud = np.abs(pieces[0]) > 0.1 * np.abs(pieces[0]).max()
    change_db = 20.0 * np.log10(np.abs(pieces[1][loud]) / np.abs(pieces[0][loud]))
    assert change_db[-1] == pytest.approx(-2.0, abs=0.01)
    assert np.abs(np.diff(change_db)[np.diff(np.flatnonzero(loud)) == 1]).max() < 5e-4
