"""Halls as data, and as they sound through the whole renderer."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyroomacoustics
import pytest
import soundfile
from audio_support import noise_sample, note, player, tone_sounds

from tutti.assets import asset_path
from tutti.engine.audio.hrtf_sets import kemar_hrirs
from tutti.engine.audio.impulse_response import room_of, room_with_response
from tutti.engine.audio.listener_seats import listener_at, seat_names
from tutti.engine.audio.loudness import LoudnessMeter
from tutti.engine.audio.renderer import AudioSettings, OrchestraRenderer
from tutti.engine.audio.room import (
    air_absorption_db_per_m,
    band_decays_s,
    diffuse_power_density,
    late_response,
    room_from_hall,
)
from tutti.engine.audio.source_field import AT_PODIUM
from tutti.engine.errors import SceneError, SeatingError, SoundError
from tutti.engine.hall import hall_names, picture_names, read_hall
from tutti.engine.types import PlayerPlacement
from tutti.engine.units import SPEED_OF_SOUND_M_S

RATE_HZ = 48000
INDOORS = [name for name in hall_names() if name != "open-air"]
DRUM = PlayerPlacement(0, 0, "timpani", "timpani", (2.0, 5.0, 0.0), 180.0, 0)


@pytest.fixture(autouse=True)
def _benchmarks_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(Path(__file__).resolve().parents[2] / "benchmarks"), *sys.path])


@pytest.mark.parametrize("name", INDOORS)
def test_reverberation_is_what_pyroomacoustics_has_of_the_same_surfaces(name: str) -> None:
    hall = read_hall(name)
    room = room_from_hall(hall)
    areas_m2 = np.array([surface.area_m2 for surface in hall.surfaces])
    absorption = np.array([surface.absorption for surface in hall.surfaces])
    mean = (areas_m2[:, None] * absorption).sum(axis=0) / areas_m2.sum()
    for band, rt60_s in enumerate(room.rt60_s[:-1]):
        # Eyring's formula is Sabine's with the absorption exponent; their rt60_eyring (0.10) has the air's sign wrong.
        air_per_m = float(air_absorption_db_per_m(np.array([room.bands_hz[band]]))[0]) / (10 * np.log10(np.e))
        exponent = -np.log(1 - mean[band])
        peer_s = pyroomacoustics.rt60_sabine(areas_m2.sum(), room.volume_m3, exponent, air_per_m, SPEED_OF_SOUND_M_S)
        assert rt60_s == pytest.approx(peer_s, rel=0.005)


def test_halls_are_as_different_as_they_are_said_to_be() -> None:
    middle_s = {name: room_from_hall(read_hall(name)).rt60_s[3] for name in hall_names()}  # 1 kHz
    assert middle_s["open-air"] == 0.0 and middle_s["studio"] < 0.5
    assert (
        1.3 < middle_s["chamber-room"] < 1.6 and 1.8 < middle_s["vineyard"] < 2.1 and 5.0 < middle_s["cathedral"] < 7.0
    )
    assert read_hall("vineyard").volume_m3 == 26000.0


def test_a_hall_says_how_it_looks_and_else_looks_like_the_one_that_it_is_like(tmp_path: Path) -> None:
    pictures = {name: read_hall(name).picture for name in hall_names()}
    assert pictures["cathedral"] == "cathedral" and pictures["open-air"] == "open-air"
    assert all(picture == name for name, picture in pictures.items())
    assert set(pictures.values()) == set(picture_names()), "no model without a hall"
    text = (asset_path("halls") / "cathedral.toml").read_text()
    own = tmp_path / "abbey.toml"

    def looks(text: str) -> str:
        own.write_text(text)
        return read_hall(own).picture

    assert looks(text) == "cathedral"
    plain = text.replace('picture = "cathedral"\n', "")
    assert looks(plain) == "musikverein"
    assert looks(plain.replace('like = "musikverein"', 'like = "cathedral"')) == "cathedral"
    assert looks(plain.replace("[acoustics]\n", "[acoustics]\nopen_air = true\n", 1)) == "open-air"
    with pytest.raises(
        SceneError, match=r"picture = 'moon' is none that there is: choose one of cathedral, .*open-air"
    ):
        looks(text.replace('picture = "cathedral"', 'picture = "moon"'))


@pytest.mark.parametrize("name", ["studio", "chamber-room", "musikverein", "vineyard"])
def test_the_rendered_hall_rings_as_long_as_the_hall(name: str) -> None:
    from _space_measures import rendered_response

    hall = read_hall(name)
    room = room_from_hall(hall)
    assert hall.rows is not None
    listener = listener_at(f"row-{hall.rows.count}", hall, ())
    response = rendered_response(room, listener, DRUM, 1.3 * max(room.rt60_s)).T.astype(np.float64)
    octaves_hz = np.array(room.bands_hz[:6])  # 125 Hz to 4 kHz, as ISO 3382-1 measures
    assert band_decays_s(response, RATE_HZ, octaves_hz) == pytest.approx(np.array(room.rt60_s[:6]), rel=0.05)


def test_decays_are_measured_right_from_the_first_sample_on() -> None:
    """A response that begins at once rings backwards round its end in the band filters, unless it is padded."""
    times_s = np.arange(2 * RATE_HZ) / RATE_HZ
    noise = np.random.default_rng(4).standard_normal((2, len(times_s))) * 10.0 ** (-3.0 * times_s / 1.2)
    assert band_decays_s(noise, RATE_HZ, np.array([500.0, 1000.0, 4000.0])) == pytest.approx(1.2, rel=0.06)
    assert np.isnan(band_decays_s(noise[:, :2000], RATE_HZ, np.array([125.0]))).all()


def test_open_air_has_a_floor_and_no_more() -> None:
    from _space_measures import rendered_response

    room = room_from_hall(read_hall("open-air"))
    assert [wall.axis for wall in room.walls] == [2]
    response = rendered_response(room, AT_PODIUM, DRUM, 0.5)
    assert np.square(response[2400:]).sum() < 1e-8 * np.square(response).sum()
    bare = rendered_response(replace(room, walls=()), AT_PODIUM, DRUM, 0.5)
    later_s = (np.hypot(np.hypot(2, 5), 1.89 + 1.35) - np.hypot(np.hypot(2, 5), 1.89 - 1.35)) / SPEED_OF_SOUND_M_S
    floor = np.abs(response[:1200] - bare[:1200]).max(axis=1)
    assert abs(floor.argmax() - np.abs(bare).max(axis=1).argmax() - later_s * RATE_HZ) < 12


@pytest.mark.parametrize("name", ["musikverein", "studio"])
def test_players_are_heard_where_they_sit(name: str) -> None:
    from _space_measures import EarTemplates, heard_azimuth_deg, rendered_response, turned_deg

    templates = EarTemplates.ahead(kemar_hrirs())
    room = room_from_hall(read_hall(name))
    for azimuth_deg in (-70.0, -35.0, 0.0, 15.0, 50.0, 80.0):
        place = np.radians(azimuth_deg)
        at_m = (-4.0 * np.sin(place), 4.0 * np.cos(place), 0.0)
        response = rendered_response(room, AT_PODIUM, replace(DRUM, position_m=at_m), 0.05)
        assert turned_deg(heard_azimuth_deg(templates, response), azimuth_deg) <= 10.0


def a_recording(path: Path, rate_hz: int, channels: int, rt60_s: float = 1.1) -> Path:
    """Direct sound, decaying noise, and the hiss of the recording."""
    noise = np.random.default_rng(7)
    times_s = np.arange(3 * rate_hz) / rate_hz
    samples = 0.05 * noise.standard_normal((len(times_s), channels)) * 10.0 ** (-3.0 * times_s / rt60_s)[:, None]
    samples = np.roll(samples, 3000, axis=0)
    samples[:3000] = 0.0
    samples[3000] = 0.9
    samples += 1e-5 * noise.standard_normal(samples.shape)
    soundfile.write(path, samples, rate_hz, subtype="FLOAT")
    return path


@pytest.mark.parametrize(("rate_hz", "channels"), [(44100, 1), (96000, 2), (48000, 4)])
def test_a_measured_hall_rings_as_it_was_recorded(tmp_path: Path, rate_hz: int, channels: int) -> None:
    hall = read_hall(a_recording(tmp_path / "church.wav", rate_hz, channels))
    room = room_of(hall)
    assert hall.name == "church" and np.array(room.rt60_s[1:]) == pytest.approx(1.1, rel=0.08)
    late = late_response(room, RATE_HZ).T.astype(np.float64)
    assert late.shape[0] == 2
    assert band_decays_s(late, RATE_HZ, np.array([500.0, 1000.0, 2000.0])) == pytest.approx(1.1, rel=0.08)
    first = int(0.019 * RATE_HZ)
    assert np.abs(late[:, :first]).max() < 1e-3 * np.abs(late).max()  # the direct sound is every player's own
    density = (np.abs(np.fft.rfft(late, axis=-1)) ** 2).mean(axis=0)
    octaves = slice(round(400 * late.shape[1] / RATE_HZ), round(1400 * late.shape[1] / RATE_HZ))
    expected = diffuse_power_density(room) * 1.1 / (6 * np.log(10))
    assert abs(10 * np.log10(density[octaves].mean() / expected)) < 2.0
    assert abs(np.corrcoef(late)[0, 1]) < 0.2  # a lone channel is not the same in both ears


def test_unusable_impulse_responses_are_refused_in_one_line(tmp_path: Path) -> None:
    room = room_from_hall(read_hall())
    noise = np.random.default_rng(1).standard_normal(48000).astype(np.float32)
    cases = {
        "short": noise[:100],
        "silent": 0.0 * noise,
        "nan": np.where(np.arange(48000) == 99, np.nan, noise),
        "dry": np.eye(1, 48000, 5)[0],
        "hiss": noise,
    }
    for name, samples in cases.items():
        soundfile.write(tmp_path / f"{name}.wav", samples, 48000, subtype="FLOAT")
    (tmp_path / "text.wav").write_text("hello")
    for name in (*cases, "text"):
        with pytest.raises(SoundError) as caught:
            room_with_response(room, tmp_path / f"{name}.wav")
        assert "\n" not in str(caught.value) and name in str(caught.value)
    with pytest.raises(SceneError, match="no such impulse response"):
        read_hall(tmp_path / "missing.wav")


def test_a_hall_of_ones_own_is_checked(tmp_path: Path) -> None:
    text = (Path(__file__).resolve().parents[2] / "assets" / "halls" / "studio.toml").read_text()
    for old, new in (("floor]", "cellar]"), ('like = "musikverein"', 'like = "atlantis"'), ("0.97", "9.7")):
        (tmp_path / "mine.toml").write_text(text.replace(old, new))
        with pytest.raises(SceneError, match="not a hall"):
            read_hall(tmp_path / "mine.toml")
    (tmp_path / "mine.toml").write_text(text)
    assert read_hall(tmp_path / "mine.toml").key == "mine"


def test_a_table_in_place_of_a_list_of_tables_is_told(tmp_path: Path) -> None:
    text = (Path(__file__).resolve().parents[2] / "assets" / "halls" / "musikverein.toml").read_text()
    (tmp_path / "mine.toml").write_text(text[: text.index("[[risers]]")] + "[risers]\ny_m = 1.0\n")
    with pytest.raises(SceneError, match="not a hall"):
        read_hall(tmp_path / "mine.toml")


def test_seats_have_names() -> None:
    hall = read_hall()
    violas = [PlayerPlacement(n, 0, "Violas", "viola", (3.0 + 0.5 * n, 3.0, 0.0), 140.0, 0) for n in range(5)]
    assert listener_at("podium", hall, violas) == AT_PODIUM
    first, last = listener_at("row-1", hall, violas), listener_at("Row-33", hall, violas)
    assert first.position_m[1] > last.position_m[1] + 29.0 and first.position_m[2] == pytest.approx(0.2)
    assert listener_at("balcony", hall, violas).position_m[2] > 4.0
    among = listener_at("in:violas", hall, violas)
    assert np.hypot(among.position_m[0] - 4.0, among.position_m[1] - 3.0) == pytest.approx(0.6)
    assert listener_at("in:viola", hall, violas) == among
    vineyard = read_hall("vineyard")
    assert listener_at("row-20", vineyard, ()).position_m[2] > listener_at("row-1", vineyard, ()).position_m[2] + 4.0
    for wrong in ("row-0", "row-34", "row-x", "in:", "in:kazoos", "loge"):
        with pytest.raises(SeatingError, match="row-1 to row-33, balcony, in:Violas"):
            listener_at(wrong, hall, violas)
    assert seat_names(hall)[0] == "podium"


@pytest.mark.parametrize(("name", "seat"), [("cathedral", "podium"), ("vineyard", "row-3"), ("musikverein", "row-33")])
def test_a_forte_is_about_as_loud_in_every_hall_and_seat(name: str, seat: str) -> None:
    sounds = tone_sounds(("oboe", noise_sample()))
    players = [player(n, 1.2 * n - 6.0, 4.0 + n % 3, "oboe") for n in range(10)]
    hall = read_hall(name)
    settings = AudioSettings(RATE_HZ, voices=32, listener=listener_at(seat, hall, players))
    renderer = OrchestraRenderer(players, sounds, room_of(hall), settings)
    renderer.submit([note(1, 0.0, 9.0)], [])
    meter = LoudnessMeter(RATE_HZ)
    for number in range(450):
        block = renderer.mix()
        if number > 200:
            meter.add(block)
    renderer.close()
    assert meter.integrated_lufs == pytest.approx(settings.loudness_lufs - 3.5, abs=3.0)
