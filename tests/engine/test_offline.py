import numpy as np
import pyloudnorm
import pytest
import soundfile
from audio_support import RATE_HZ, SETTINGS, cues, note, player, small_room, tone_sounds

from tutti.engine.audio.loudness import (
    SHORT_TERM_S,
    LoudnessMeter,
    ensemble_lufs,
    programme_gain_db,
    with_applause_held,
)
from tutti.engine.audio.master import true_peak_db
from tutti.engine.audio.offline import INAUDIBLE_DB, MOST_LIMITING_DB, RUNG_OUT_S, AudioCue, render_wav
from tutti.engine.audio.source_field import AT_PODIUM
from tutti.engine.audio.wav import WavWriter
from tutti.engine.errors import SoundError
from tutti.engine.instruments import catalogue

PLAYERS = [player(number, number - 3.0, 3.0) for number in range(6)]


def test_a_performance_becomes_a_file(tmp_path) -> None:
    events = [note(i, 0.2 + 0.25 * i, 0.2, 60 + i) for i in range(8)]
    seconds: list[float] = []
    report = render_wav(
        tmp_path / "a.wav",
        PLAYERS,
        tone_sounds(),
        small_room(),
        cues(events),
        settings=SETTINGS,
        progress=seconds.append,
    )
    audio, rate_hz = soundfile.read(tmp_path / "a.wav")
    assert rate_hz == RATE_HZ and audio.shape[1] == 2
    assert len(audio) / RATE_HZ == report.duration_s == seconds[-1]
    assert 2.2 < report.duration_s < 3.4  # the last note ends at 2.15 s, and the hall after it
    assert not audio[-2000:].any() and report.broken_voices == 0
    first = np.flatnonzero(np.abs(audio).max(axis=1) > 1e-4)[0] / RATE_HZ
    assert 0.15 < first < 0.23
    assert report.peak_db == pytest.approx(20 * np.log10(np.abs(audio).max()), abs=0.01)


def test_a_file_ends_when_nobody_hears_anything_any_more(tmp_path) -> None:
    """An instrument whose release takes minutes is inaudible long before, and the file is not silence for so long."""
    held = [note(1, 0.1, 0.3), note(2, 3.0, 0.3)]
    report = render_wav(
        tmp_path / "a.wav", PLAYERS, tone_sounds(release_s=60.0), small_room(), cues(held), settings=SETTINGS
    )
    audio, rate_hz = soundfile.read(tmp_path / "a.wav")
    loud = np.abs(audio).max(axis=1)
    last_s = np.flatnonzero(loud > 10 ** (INAUDIBLE_DB / 20) * loud.max())[-1] / rate_hz
    assert last_s > 3.3, "the second note, after a rest, is waited for"
    assert report.duration_s == pytest.approx(last_s + RUNG_OUT_S, abs=0.1)


def test_a_length_that_is_asked_for_is_kept_to_the_sample(tmp_path) -> None:
    for name in ("one", "two"):
        render_wav(
            tmp_path / name, PLAYERS, tone_sounds(), small_room(), cues([note(1, 0.1)]), 0.7777, settings=SETTINGS
        )
    assert soundfile.info(tmp_path / "one").frames == round(0.7777 * RATE_HZ)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_cues_move_and_silence(tmp_path) -> None:
    wanted = [
        AudioCue(0.0, notes=(note(1, 0.1, 9.0),)),
        AudioCue(0.5, placements=[player(number, number - 9.0, 3.0) for number in range(6)]),
        AudioCue(0.8, silence=True),
    ]
    report = render_wav(tmp_path / "a.wav", PLAYERS, tone_sounds(), small_room(), wanted, settings=SETTINGS)
    assert 0.8 < report.duration_s < 2.1


def test_forte_of_any_ensemble_is_near_the_target(tmp_path) -> None:
    for count in (2, 6, 24):
        section = [player(number, (number % 8) - 3.5, 2.0 + number // 8) for number in range(count)]
        path = tmp_path / f"{count}.wav"
        chord = [note(1, 0.1, 4.0, 69, velocity=90)]
        render_wav(path, section, tone_sounds(), small_room(1.0), cues(chord), 4.0, settings=SETTINGS)
        audio, _ = soundfile.read(path)
        loudness = pyloudnorm.Meter(RATE_HZ).integrated_loudness(audio[RATE_HZ // 2 :])
        assert -21.0 < loudness < -14.0, count
        assert true_peak_db(audio) < -1.0


@pytest.mark.parametrize("target_lufs", [-30.0, -16.0])
def test_a_loudness_that_is_asked_for_is_reached(tmp_path, target_lufs) -> None:
    events = [note(i, 0.1 + 0.5 * i, 0.4, 60 + i, velocity=50 + 8 * i) for i in range(6)]
    report = render_wav(
        tmp_path / "a.wav",
        PLAYERS,
        tone_sounds(),
        small_room(),
        cues(events),
        settings=SETTINGS,
        loudness_lufs=target_lufs,
    )
    audio, _ = soundfile.read(tmp_path / "a.wav")
    loudness_lufs = pyloudnorm.Meter(RATE_HZ, filter_class="DeMan").integrated_loudness(audio)
    assert loudness_lufs == pytest.approx(target_lufs, abs=0.3)
    assert loudness_lufs == pytest.approx(report.loudness_lufs, abs=0.05)
    assert true_peak_db(audio) < -1.0


def test_levelling_changes_the_gain_and_nothing_else(tmp_path) -> None:
    events = [note(i, 0.1 + 0.2 * i, 0.15, 60 + i, velocity=60) for i in range(4)]
    arguments = (PLAYERS, tone_sounds(), small_room(), cues(events), 1.2, SETTINGS)
    plain = render_wav(tmp_path / "a.wav", *arguments)
    levelled = render_wav(tmp_path / "b.wav", *arguments, loudness_lufs=plain.loudness_lufs - 6.0)
    first, second = (soundfile.read(tmp_path / name)[0] for name in ("a.wav", "b.wav"))
    assert plain.limiting_db == 0.0 and levelled.gain_db == pytest.approx(-6.0, abs=0.01)
    assert np.abs(second - first * 10 ** (levelled.gain_db / 20)).max() < 2.0**-22


def test_peaks_are_worth_more_than_loudness(tmp_path) -> None:
    """A single drum stroke cannot be as loud as a rock concert."""
    drummer = [player(0, 0.0, 5.0, "timpani")]
    strokes = cues([note(i, 0.1 + i, 0.1) for i in range(3)])
    report = render_wav(
        tmp_path / "a.wav", drummer, tone_sounds(), small_room(), strokes, 3.0, SETTINGS, loudness_lufs=-3.0
    )
    assert report.limiting_db > -MOST_LIMITING_DB - 1.5 and report.loudness_lufs < -8.0


def test_silence_is_left_alone(tmp_path) -> None:
    report = render_wav(
        tmp_path / "a.wav", PLAYERS, tone_sounds(), small_room(), [], 0.5, SETTINGS, loudness_lufs=-20.0
    )
    assert report.gain_db == 0.0 and report.loudness_lufs == -np.inf


@pytest.mark.parametrize("rate_hz", [44100, 96000])
def test_loudness_is_measured_as_the_standard_says(rate_hz) -> None:
    tone = np.zeros((5 * rate_hz, 2), np.float32)
    tone[:, 0] = np.sin(2 * np.pi * 997.0 * np.arange(5 * rate_hz) / rate_hz)
    meter = LoudnessMeter(rate_hz)
    for start in range(0, len(tone), 1234):
        meter.add(tone[start : start + 1234])
    assert meter.integrated_lufs == pytest.approx(-3.01, abs=0.02)  # BS.1770-5: 997 Hz at full scale in one channel
    music = np.random.default_rng(2).standard_normal((6 * rate_hz, 2)) * 0.05
    music[2 * rate_hz : 3 * rate_hz] *= 0.001  # under the gates
    meter = LoudnessMeter(rate_hz)
    meter.add(music.astype(np.float32))
    expected = pyloudnorm.Meter(rate_hz, filter_class="DeMan").integrated_loudness(music)
    assert meter.integrated_lufs == pytest.approx(expected, abs=0.01)


def test_loudness_is_predicted_from_the_players() -> None:
    room = small_room()
    one, two = [player(0, 0, 4)], [player(0, 0, 4), player(1, 0, 4)]
    assert ensemble_lufs(two, room) - ensemble_lufs(one, room) == pytest.approx(3.01, abs=0.01)
    louder = ensemble_lufs([player(0, 0, 4, "trumpet")], room) - ensemble_lufs(one, room)
    assert louder == pytest.approx(catalogue()["trumpet"].level_db - catalogue()["violin"].level_db)
    assert -24.0 <= programme_gain_db(two * 64, room, -17.0) < programme_gain_db(two, room, -17.0) <= 14.0


def test_the_audience_is_no_part_of_the_ensemble_and_claps_no_louder_than_it_plays() -> None:
    room = small_room()
    alone = [player(0, 0, 4)]
    clapping = [player(number, 0, -number, "applause") for number in (1, 2, 3)]
    gain_db = programme_gain_db(alone, room, -17.0)
    assert programme_gain_db([*alone, *clapping], room, -17.0) == gain_db
    held = with_applause_held([*alone, *clapping], room, AT_PODIUM, -17.0 - gain_db)
    assert held[0] == alone[0]
    over_db = ensemble_lufs(clapping, room) + gain_db + 17.0
    assert over_db > 3.0
    assert [placement.gain_db for placement in held[1:]] == pytest.approx([-over_db] * 3)
    assert with_applause_held(clapping, room, AT_PODIUM, 20.0) == clapping


def test_a_meter_of_a_long_session_remembers_its_end_only() -> None:
    music = np.random.default_rng(3).standard_normal((20 * RATE_HZ, 2)).astype(np.float32) * 0.05
    whole, last = LoudnessMeter(RATE_HZ), LoudnessMeter(RATE_HZ, last_s=SHORT_TERM_S)
    for meter in (whole, last):
        meter.add(music)
    assert last.short_term_lufs == whole.short_term_lufs
    assert len(last._hops) == 30


def test_a_file_is_readable_while_it_is_written(tmp_path) -> None:
    rng = np.random.default_rng(1)
    audio = rng.uniform(-0.9, 0.9, (120000, 2)).astype(np.float32)
    writer = WavWriter(tmp_path / "a.wav", RATE_HZ)
    for start in range(0, len(audio), 1000):
        writer.write(audio[start : start + 1000])
    unfinished, _ = soundfile.read(tmp_path / "a.wav")
    assert 120000 - 48000 <= len(unfinished) <= 120000
    assert np.abs(unfinished - audio[: len(unfinished)]).max() < 2.0**-23
    writer.close()
    finished, _ = soundfile.read(tmp_path / "a.wav")
    assert len(finished) == 120000


def test_extremes_fit_and_odd_lengths_are_padded(tmp_path) -> None:
    with WavWriter(tmp_path / "a.wav", 44100, channels=1) as writer:
        writer.write(np.array([[-2.0], [-1.0], [0.0], [1.0], [2.0]], np.float32))
    audio, rate_hz = soundfile.read(tmp_path / "a.wav")
    assert rate_hz == 44100 and audio.tolist() == pytest.approx([-1, -1, 0, 1, 1], abs=1e-6)
    assert (tmp_path / "a.wav").stat().st_size % 2 == 0


def test_a_place_that_cannot_be_written_is_refused(tmp_path) -> None:
    with pytest.raises(SoundError, match="cannot write"):
        render_wav(tmp_path / "no" / "a.wav", PLAYERS, tone_sounds(), small_room(), [], settings=SETTINGS)
