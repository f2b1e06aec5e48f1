import numpy as np
import pyloudnorm
import pytest
import soundfile
from audio_support import RATE_HZ, SETTINGS, cues, note, player, small_room, tone_sounds

from tutti.engine.audio.loudness import ensemble_lufs, programme_gain_db
from tutti.engine.audio.master import true_peak_db
from tutti.engine.audio.offline import AudioCue, render_wav
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


def test_loudness_is_predicted_from_the_players() -> None:
    room = small_room()
    one, two = [player(0, 0, 4)], [player(0, 0, 4), player(1, 0, 4)]
    assert ensemble_lufs(two, room) - ensemble_lufs(one, room) == pytest.approx(3.01, abs=0.01)
    louder = ensemble_lufs([player(0, 0, 4, "trumpet")], room) - ensemble_lufs(one, room)
    assert louder == pytest.approx(catalogue()["trumpet"].level_db - catalogue()["violin"].level_db)
    assert -24.0 <= programme_gain_db(two * 64, room, -17.0) < programme_gain_db(two, room, -17.0) <= 14.0


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
