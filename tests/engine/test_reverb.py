import numpy as np
import pytest
import scipy.signal
from audio_support import RATE_HZ, small_room

from tutti.engine.audio.reverb import PARTITIONS, LateReverb
from tutti.engine.audio.room import late_response

ROOM = small_room(0.6)


def heard(send: np.ndarray, block: int) -> tuple[np.ndarray, int]:
    """The hall's answer (2, samples), and its tail."""
    hall = LateReverb(ROOM, RATE_HZ, block, 7)
    padded = np.concatenate([send, np.zeros(-len(send) % block, np.float32)])
    blocks = [hall.process(padded[i : i + block]).copy() for i in range(0, len(padded), block)]
    hall.close()
    return np.concatenate(blocks, axis=1), hall.tail


@pytest.fixture(scope="module")
def burst() -> np.ndarray:
    """Noise up to 16 kHz for 0.2 s, from a sample that no partition begins with."""
    rng = np.random.default_rng(4)
    send = np.zeros(RATE_HZ * 2, np.float32)
    noise = scipy.signal.sosfilt(
        scipy.signal.butter(6, 16000.0, fs=RATE_HZ, output="sos"), rng.standard_normal(RATE_HZ // 5)
    )
    send[1777 : 1777 + len(noise)] = noise
    return send


def test_the_hall_is_convolved_exactly_wherever_a_sound_begins(burst) -> None:
    response = late_response(ROOM, RATE_HZ, 7)
    response[: PARTITIONS[0]] = 0.0  # nothing comes sooner
    for shift in (0, 1, 333):
        send = np.roll(burst, shift)
        expected = np.stack([scipy.signal.fftconvolve(send, response[:, ear])[: len(send)] for ear in range(2)])
        difference = heard(send, 256)[0][:, : len(send)] - expected
        low = scipy.signal.sosfilt(scipy.signal.butter(6, 18000.0, fs=RATE_HZ, output="sos"), difference)
        assert 10 * np.log10((low**2).mean() / (expected**2).mean()) < -58.0


def test_blocks_make_no_difference(burst) -> None:
    expected = heard(burst, 256)[0]
    for block in (32, 64, 1024):
        sound = heard(burst, block)[0][:, : expected.shape[1]]
        assert np.abs(sound - expected[:, : sound.shape[1]]).max() < 1e-5 * np.abs(expected).max()


def test_the_hall_falls_silent_and_speaks_again(burst) -> None:
    hall = LateReverb(ROOM, RATE_HZ, 256, 7)
    first = [hall.process(burst[i : i + 256]).copy() for i in range(0, RATE_HZ, 256)]
    silence = np.zeros(256, np.float32)
    tail = [hall.process(silence).copy() for _ in range(hall.tail // 256 + 1)]
    assert not hall.process(silence).any() and any(block.any() for block in tail)
    again = [hall.process(burst[i : i + 256]).copy() for i in range(0, RATE_HZ, 256)]
    hall.close()
    error = np.concatenate(again, axis=1) - np.concatenate(first, axis=1)
    assert np.abs(error).max() < 1e-4 * np.abs(np.concatenate(first, axis=1)).max()


def test_a_block_that_no_partition_holds_is_refused() -> None:
    with pytest.raises(ValueError, match="partitions"):
        LateReverb(ROOM, RATE_HZ, 2048, 7)


def test_nothing_is_faded_in(burst) -> None:
    """A server fades in its first 5 ms; a hall that is asked at once must not."""
    click = np.zeros(RATE_HZ // 4, np.float32)
    click[0] = 1.0
    response = late_response(ROOM, RATE_HZ, 7)
    sound = heard(click, 256)[0]
    span = slice(PARTITIONS[0], PARTITIONS[0] + 480)
    assert (sound[0, span] ** 2).sum() == pytest.approx((response[span, 0] ** 2).sum(), rel=0.02)
