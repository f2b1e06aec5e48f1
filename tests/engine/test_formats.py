"""Stereo, 5.1, Ambisonics and stems, rendered beside the ears."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from audio_support import RATE_HZ, SETTINGS, cues, noise_sample, note, player, small_room, tone_sounds

from tutti.engine.audio.ambisonics import channels_of, degree_of_channel, encode
from tutti.engine.audio.offline import render_wav
from tutti.engine.audio.side_outputs import write_wave
from tutti.engine.audio.source_field import Listener
from tutti.engine.audio.surround import FORMATS, MASK_5_1, late_channels, layout_named, pan_5_1
from tutti.engine.errors import SoundError

SOUNDS = tone_sounds(("oboe", noise_sample()))
LOUD = replace(SETTINGS, loudness_lufs=-24.0)


def unit(azimuth_deg, elevation_deg=0.0) -> np.ndarray:
    """x right, y ahead, z up."""
    azimuth, elevation = np.broadcast_arrays(np.radians(azimuth_deg), np.radians(elevation_deg))
    flat = np.cos(elevation)
    return np.stack([-np.sin(azimuth) * flat, np.cos(azimuth) * flat, np.sin(elevation)], axis=-1)


def directions(count: int = 4000) -> np.ndarray:
    """Evenly over the sphere (a Fibonacci spiral)."""
    z = 1.0 - 2.0 * (np.arange(count) + 0.5) / count
    angle = np.pi * (1.0 + 5.0**0.5) * np.arange(count)
    flat = np.sqrt(1.0 - z * z)
    return np.stack([flat * np.cos(angle), flat * np.sin(angle), z], axis=1)


def test_harmonics_are_orthogonal_and_sn3d() -> None:
    gains = encode(directions(), 3)
    products = gains.T @ gains / len(gains)
    expected = np.diag([1.0 / (2 * degree_of_channel(channel) + 1) for channel in range(16)])
    assert products == pytest.approx(expected, abs=2e-3)
    # N3D/SN3D's addition theorem: each degree's squares add to one in every direction.
    for degree in range(4):
        assert (gains[:, degree**2 : channels_of(degree)] ** 2).sum(axis=1) == pytest.approx(1.0, abs=1e-9)
    ahead, left, up = encode(np.eye(3), 1)
    assert ahead.tolist() == [1, 0, 0, 1] and left.tolist() == [1, 1, 0, 0] and up.tolist() == [1, 0, 1, 0]
    with pytest.raises(ValueError, match="0 to 3"):
        encode(np.eye(3), 4)


def test_speakers_share_the_power_of_a_direction() -> None:
    gains = pan_5_1(unit(np.arange(-180.0, 180.0, 2.5)))
    assert (gains**2).sum(axis=1) == pytest.approx(1.0) and (gains >= 0.0).all() and not gains[:, 3].any()
    for azimuth_deg, speaker in ((30.0, 0), (-30.0, 1), (0.0, 2), (110.0, 4), (-110.0, 5)):
        assert pan_5_1(unit(np.array([azimuth_deg])))[0, speaker] == pytest.approx(1.0)
    assert (pan_5_1(unit(np.array([0.0]), 90.0)) ** 2)[0].tolist() == pytest.approx([0.2, 0.2, 0.2, 0.0, 0.2, 0.2])


def test_unknown_formats_are_refused() -> None:
    for name in ("quad", "binaural", "ambisonics-4"):
        with pytest.raises(SoundError, match="no format named"):
            layout_named(name)


def test_diffuse_sound_has_the_power_that_a_layout_hears_of_it() -> None:
    late = late_channels(layout_named("ambisonics-3"), small_room(0.8), RATE_HZ, 5).astype(np.float64)
    power_db = 10 * np.log10((late**2).sum(axis=0))
    expected_db = [-10 * np.log10(2 * degree_of_channel(channel) + 1) for channel in range(16)]
    assert power_db - power_db[0] == pytest.approx(expected_db, abs=1.0)
    assert np.abs(np.corrcoef(late.T) - np.eye(16)).max() < 0.1


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Noise from the left front in everything there is, and an orchestra of three with stems."""
    folder = tmp_path_factory.mktemp("formats")
    paths = {name: folder / f"{name}.wav" for name in FORMATS if name != "binaural"}
    players = [player(0, -3.0, 3.0, "oboe")]
    render_wav(
        folder / "mix.wav", players, SOUNDS, small_room(0.2), cues([note(1, 0.1, 0.8)]), 1.2, LOUD, formats=paths
    )
    yield folder


def steady(path: Path) -> np.ndarray:
    sound, rate_hz = soundfile.read(path)
    assert rate_hz == RATE_HZ
    return sound[round(0.3 * RATE_HZ) : round(0.8 * RATE_HZ)]


def test_a_stereo_pair_hears_left_first_and_louder(rendered: Path) -> None:
    sound = steady(rendered / "stereo.wav")
    left_db, right_db = 10 * np.log10((sound**2).mean(axis=0))
    assert 2.0 < left_db - right_db < 9.0
    spectra = np.fft.rfft(sound.T, 2 * len(sound))
    correlation = np.fft.irfft(spectra[1] * spectra[0].conj())
    lags = np.arange(-40, 41)
    lag = lags[correlation[lags].argmax()]
    # 17 cm · sin 45° is 0.35 ms; seen from the podium the player is a little lower than the pair.
    assert lag / RATE_HZ == pytest.approx(0.17 * np.sin(np.radians(45)) / 343.0, abs=4e-5)


def test_speakers_and_harmonics_point_at_the_player(rendered: Path) -> None:
    speakers = (steady(rendered / "5.1.wav") ** 2).mean(axis=0)
    assert speakers[0] + speakers[4] > 4.0 * (speakers[1] + speakers[5]) and speakers[3] == 0.0
    assert speakers[0] > speakers[2] and speakers[0] > speakers[4]
    sound = steady(rendered / "ambisonics-3.wav")
    intensity = (sound[:, :1] * sound[:, [3, 1, 2]]).mean(axis=0)  # ahead, left, up
    assert np.degrees(np.arctan2(intensity[1], intensity[0])) == pytest.approx(45.0, abs=6.0)
    assert intensity[2] < 0.3 * np.hypot(*intensity[:2])
    for order in (1, 2):
        lower = steady(rendered / f"ambisonics-{order}.wav")
        assert lower == pytest.approx(sound[:, : channels_of(order)], abs=0.02 * np.abs(sound).max())


def test_files_say_what_their_channels_are(rendered: Path) -> None:
    lengths = set()
    for name in FORMATS[1:]:
        path = rendered / f"{name}.wav"
        info = soundfile.info(path)
        assert info.format == "WAVEX" and info.subtype == "PCM_24" and info.channels == layout_named(name).channels
        mask = int.from_bytes(path.read_bytes()[40:44], "little")
        assert mask == {"stereo": 0x3, "5.1": MASK_5_1}.get(name, 0)
        assert np.abs(soundfile.read(path)[0]).max() <= 10 ** (LOUD.ceiling_db / 20) + 1e-4
        lengths.add(info.frames)
    assert lengths == {soundfile.info(rendered / "mix.wav").frames}


def test_all_formats_are_in_step(rendered: Path) -> None:
    onsets = []
    for name in ("mix", *FORMATS[1:]):
        sound = np.abs(soundfile.read(rendered / f"{name}.wav")[0]).max(axis=1)
        onsets.append(int(np.argmax(sound > 0.05 * sound.max())))
    assert max(onsets) - min(onsets) < 0.001 * RATE_HZ


def test_a_seat_turns_the_front_of_a_layout(tmp_path: Path) -> None:
    """Facing the audience's left (+90 degrees), a player at the left front of the hall is at the right front."""
    half = np.radians(45.0)
    seat = replace(LOUD, listener=Listener((0.0, 0.0, 1.9), (np.cos(half), 0.0, 0.0, np.sin(half))))
    path = tmp_path / "turned.wav"
    events = cues([note(1, 0.1, 0.8)])
    oboe = [player(0, -3.0, 3.0, "oboe")]
    render_wav(tmp_path / "mix.wav", oboe, SOUNDS, small_room(0.2), events, 1.0, seat, formats={"ambisonics-1": path})
    sound = steady(path)
    ahead, left = (sound[:, :1] * sound[:, [3, 1]]).mean(axis=0)
    assert np.degrees(np.arctan2(left, ahead)) == pytest.approx(-45.0, abs=6.0)


def test_stems_add_up_to_the_mix(tmp_path: Path) -> None:
    players = [
        player(0, -4.0, 3.0),
        player(1, -4.5, 4.0),
        player(2, 4.0, 3.0, "trumpet", 1),
        player(3, 0, 5, "oboe", 2),
    ]
    events = cues([note(n, 0.1 + 0.2 * n, 0.3, 60 + n, part=n % 3) for n in range(6)])
    report = render_wav(
        tmp_path / "mix.wav", players, SOUNDS, small_room(), events, 1.8, LOUD, stems=tmp_path / "stems"
    )
    assert report.limiting_db == 0.0
    mix = soundfile.read(tmp_path / "mix.wav")[0]
    paths = sorted((tmp_path / "stems").glob("*.wav"))
    assert [path.stem for path in paths] == ["hall", "oboes-2", "trumpets-1", "violins-0"]
    stems = [soundfile.read(path)[0] for path in paths]
    assert all(np.abs(stem).max() > 1e-3 for stem in stems)
    assert 10 * np.log10(((sum(stems) - mix) ** 2).mean() / (mix**2).mean()) < -90.0


def test_what_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(SoundError, match="cannot write"):
        write_wave(tmp_path / "no" / "such.wav", iter(()), RATE_HZ, 2, 0, 3)
    with pytest.raises(SoundError, match="4 GB"):
        write_wave(tmp_path / "long.wav", iter(()), RATE_HZ, 16, 100_000_000, 0)
