import numpy as np
import pytest
import scipy.signal
from audio_support import small_room

from tutti.engine.audio.room import (
    LATE_START_S,
    air_absorption_db_per_m,
    diffuse_power_density,
    eyring_rt60_s,
    image_positions,
    late_response,
    reflection_gains,
    room_from_hall,
)
from tutti.engine.hall import read_hall

RATE_HZ = 48000


def decay_time_s(response: np.ndarray, band_hz: float) -> float:
    """RT60 from −5 to −35 dB of the backward integral (ISO 3382-1)."""
    edges = (band_hz / np.sqrt(2), band_hz * np.sqrt(2))
    band = scipy.signal.sosfiltfilt(scipy.signal.butter(4, edges, "band", fs=RATE_HZ, output="sos"), response)
    energy = np.cumsum(band[::-1] ** 2)[::-1]
    level_db = 10 * np.log10(energy / energy[0])
    first, last = int(np.argmax(level_db < -5)), int(np.argmax(level_db < -35))
    return 2 * (last - first) / RATE_HZ


@pytest.mark.parametrize("rt60_s", [0.6, 2.0])
def test_the_late_response_decays_as_the_room_says(rt60_s: float) -> None:
    response = late_response(small_room(rt60_s), RATE_HZ)[:, 0]
    for band_hz in (250.0, 500.0, 1000.0, 2000.0, 4000.0):
        assert decay_time_s(response, band_hz) == pytest.approx(rt60_s, rel=0.1)


def test_the_late_response_has_the_level_of_a_diffuse_field() -> None:
    room = small_room(2.0)
    response = late_response(room, RATE_HZ)
    from_s = 0.1
    expected = diffuse_power_density(room) * 2.0 / (6 * np.log(10)) * 10 ** (-6 * from_s / 2.0)
    late = response[round(from_s * RATE_HZ) :]
    assert 10 * np.log10((late**2).sum(axis=0) / expected) == pytest.approx([0.0, 0.0], abs=0.7)
    assert not response[: int(LATE_START_S * RATE_HZ)].any()


def test_ears_in_a_diffuse_field_agree_on_bass_only() -> None:
    response = late_response(small_room(2.0), RATE_HZ)
    frequencies_hz, coherence = scipy.signal.coherence(*response[8000:60000].T, RATE_HZ, nperseg=512)
    assert coherence[(frequencies_hz > 50) & (frequencies_hz < 250)].mean() > 0.7
    assert coherence[(frequencies_hz > 3000) & (frequencies_hz < 9000)].mean() < 0.15


def test_the_great_hall_rings_about_two_seconds() -> None:
    room = room_from_hall(read_hall("musikverein"))
    rt60_s = dict(zip(room.bands_hz, room.rt60_s, strict=True))
    assert 1.8 < rt60_s[500.0] < 2.4 and 1.7 < rt60_s[1000.0] < 2.3
    assert rt60_s[125.0] > rt60_s[2000.0] > rt60_s[8000.0] > 0.5
    assert 14000 < room.volume_m3 < 19000
    # Critical distance of such halls is 5 m: the front desks are heard directly, the back rows as much by the hall.
    energy = diffuse_power_density(room) * rt60_s[1000.0] / (6 * np.log(10))
    assert 4.0 < 1 / np.sqrt(energy) < 6.5


def test_eyring_agrees_with_a_calculation_by_hand() -> None:
    # 10 m cube, 20 % everywhere: T = 0.161 · 1000 / (−600 ln 0.8), air left out by the low band.
    rt60_s = eyring_rt60_s(1000.0, np.array([600.0]), np.array([[0.2]]), np.array([63.0]))
    assert rt60_s[0] == pytest.approx(0.161 * 1000 / (-600 * np.log(0.8)), rel=0.01)


def test_air_takes_the_treble() -> None:
    loss = air_absorption_db_per_m(np.array([100.0, 1000.0, 4000.0, 16000.0, 22000.0]))
    assert (np.diff(loss) > 0).all() and loss[1] == pytest.approx(0.0047, rel=0.01) and loss[3] < 0.4


def test_images_mirror_at_each_wall() -> None:
    room = small_room()
    images = image_positions(room, np.array([[1.0, 2.0, 3.0]]))[0]
    assert images.tolist() == [[-13, 2, 3], [11, 2, 3], [1, -22, 3], [1, 18, 3], [1, 2, -3], [1, 2, 13]]
    assert reflection_gains(room, np.array([1000.0])) == pytest.approx(np.full((6, 1), np.sqrt(0.4 * 0.6)))
