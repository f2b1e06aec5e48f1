from collections.abc import Callable

import numpy as np
import pytest
import scipy.signal
from audio_support import RATE_HZ, note, player, tone_sample, tone_sounds

from tutti.engine.audio.ensemble import PlayerNote, assign
from tutti.engine.audio.spatial import StreamRing
from tutti.engine.audio.technique import TECHNIQUES
from tutti.engine.audio.vectors import WIDTH
from tutti.engine.audio.voice_kernels import CONTROL, NEVER, VOICE, mix_voices
from tutti.engine.audio.voices import VoicePool
from tutti.engine.sounds.sound_set import Patch, Sample, SoundSet, Zone

STRINGS = TECHNIQUES["strings"]
ZONE = Zone(0, 127, 0, 127, 0, -6.0, 0.01, 0.08)


def one_note(**wanted) -> PlayerNote:
    plain = {"vibrato_cents": 0.0, "swell": 0.0, "drift_cents": 0.0, "noise": 0.0, "pitch": 69.0, "velocity": 90.0}
    exact = assign([note(1, 0.0)], [player(0, 0.0, 3.0)], 1)[0]
    fields = {name: getattr(exact, name) for name in PlayerNote.__slots__}
    return PlayerNote(**(fields | plain | wanted))


def played(
    begin: Callable[[VoicePool, int], None],
    seconds: float = 1.0,
    block: int = 256,
    sounds: SoundSet | None = None,
    at: Callable[[VoicePool, int], None] | None = None,
) -> np.ndarray:
    """A voice's own sound, without hall: ``begin`` is called at the first block, ``at`` before every block."""
    pool = VoicePool(sounds or tone_sounds(), 4, RATE_HZ, block)
    ring, blocks = StreamRing(1, 1024, block), []
    ring.position = -block
    for position in range(0, round(seconds * RATE_HZ), block):
        pool.collect(position)
        if position == 0:
            begin(pool, position)
        if at is not None:
            at(pool, position)
        ring.advance()
        pool.process(ring)
        start = ring.position % ring.samples.shape[1]
        blocks.append(ring.samples[0, start : start + block].copy())
    pool.close()
    return np.concatenate(blocks)


def steady(pool: VoicePool, position: int, **wanted) -> None:
    pool.start(one_note(**wanted), ZONE, STRINGS, 0, position, 0)


def instantaneous_hz(sound: np.ndarray) -> np.ndarray:
    phase = np.unwrap(np.angle(scipy.signal.hilbert(sound)))
    return np.convolve(np.diff(phase) * RATE_HZ / (2 * np.pi), np.ones(240) / 240, "same")


@pytest.mark.parametrize("block", [32, 64, 256])
@pytest.mark.parametrize("how", ["release", "fade", "cut"])
def test_ends_are_exact_to_a_sample_at_any_block(block, how) -> None:
    ends_at = 9973

    def end(pool: VoicePool, position: int) -> None:
        if position == 9728:  # 245 samples ahead
            voice = pool.sounding[0]
            if how == "release":
                pool.release(voice, ends_at)
            else:
                getattr(pool, how)(voice, ends_at, 0.02)

    endless = played(steady, 0.4, block)
    ended = played(steady, 0.4, block, at=end)
    assert np.array_equal(ended[: ends_at + 1], endless[: ends_at + 1])
    assert np.abs(ended[ends_at + 1 : ends_at + 200] - endless[ends_at + 1 : ends_at + 200]).max() > 1e-4
    assert not ended[ends_at + round(0.07 * RATE_HZ) :].any()
    assert np.array_equal(ended, played(steady, 0.4, 256, at=end)[: len(ended)])


def test_the_first_end_counts_and_ends_of_different_kinds_add_up() -> None:
    def end(pool: VoicePool, position: int) -> None:
        if position == 4864 and pool.sounding:
            voice = pool.sounding[0]
            pool.fade(voice, 5120, 0.09)
            pool.release(voice, 6000)
            pool.fade(voice, 5120, 0.001)
            pool.cut(voice, 6500, 0.012)

    sound = played(steady, 0.4, at=end)
    bend = np.abs(np.diff(sound[4000:], n=2)).max() / np.abs(np.diff(sound[2000:4000], n=2)).max()
    assert bend < 1.05 and not sound[6500 + 577 :].any() and sound[6400:6500].any()


def test_a_slur_slides_from_the_note_before_and_does_not_speak_anew() -> None:
    def slur(pool: VoicePool, position: int) -> None:
        pool.start(one_note(pitch=71.0), ZONE, STRINGS, 0, position, 0, slurred_from=69.0)

    hz = instantaneous_hz(played(slur, 0.4))
    cents = 1200 * np.log2(hz / (440.0 * 2 ** (2 / 12)))
    assert -STRINGS.glide_cents < cents[900] < -30.0
    assert np.abs(cents[round(0.06 * RATE_HZ) : 15000]).max() < 1.0


def test_vibrato_grows_and_swings_as_it_is_asked() -> None:
    wanted = {"vibrato_cents": 20.0, "vibrato_hz": 6.0, "vibrato_delay_s": 0.3, "vibrato_phase": 0.3}
    cents = 1200 * np.log2(instantaneous_hz(played(lambda pool, at: steady(pool, at, **wanted), 2.0)) / 440.0)
    assert np.abs(cents[2000 : round(0.13 * RATE_HZ)]).max() < 0.5
    late = cents[round(0.5 * RATE_HZ) : round(1.5 * RATE_HZ)]
    assert 18.5 < np.abs(late).max() < 20.5
    spectrum = np.abs(np.fft.rfft(late))
    assert spectrum[1:].argmax() + 1 == 6


def test_winds_swell_with_their_vibrato() -> None:
    wanted = {"vibrato_cents": 7.0, "vibrato_hz": 5.0, "vibrato_delay_s": 0.1, "swell": 0.12}
    sound = played(lambda pool, at: steady(pool, at, **wanted), 2.0)
    envelope = np.abs(scipy.signal.hilbert(sound))[round(0.5 * RATE_HZ) : round(1.5 * RATE_HZ)]
    assert (envelope.max() - envelope.min()) / 2 / envelope.mean() == pytest.approx(0.12, abs=0.01)


def test_bow_and_breath_are_loudest_at_the_onset_and_follow_the_note() -> None:
    def noise_db(velocity: float, noise: float) -> tuple[float, float]:
        begin = {"velocity": velocity, "noise": noise, "noise_burst": 4.0, "noise_seed": 5}
        sound = played(lambda pool, at: steady(pool, at, **begin), 1.0)
        high = scipy.signal.sosfilt(scipy.signal.butter(8, 3000.0, "high", fs=RATE_HZ, output="sos"), sound)
        tone = np.sqrt((sound[20000:] ** 2).mean())
        early, late = (20 * np.log10(np.sqrt((part**2).mean()) / tone) for part in (high[480:1440], high[20000:]))
        return float(early), float(late)

    early, late = noise_db(90, 0.01)
    assert early > late + 3.0 and -55.0 < late < -35.0
    assert noise_db(90, 0.0)[1] < -70.0


def test_recordings_with_layers_of_velocity_keep_their_colour() -> None:
    rng = np.random.default_rng(3)
    white = Sample(rng.standard_normal(RATE_HZ).astype(np.float32) * 0.1, RATE_HZ, 69.0, 0, 40000, -20.0)
    sounds = SoundSet("white", (white,), {("violin", "sustain"): Patch((ZONE,))})

    def tilt_db(low_velocity: int) -> float:
        zone = Zone(0, 127, low_velocity, 127, 0, 0.0, 0.01, 0.1)
        sound = played(
            lambda pool, at: pool.start(one_note(velocity=40.0), zone, STRINGS, 0, at, 0), 0.5, sounds=sounds
        )
        hz, power = scipy.signal.welch(sound[4800:], RATE_HZ, nperseg=1024)
        return float(10 * np.log10(power[(hz > 8000) & (hz < 12000)].mean() / power[(hz > 200) & (hz < 1000)].mean()))

    assert abs(tilt_db(60)) < 1.5 and tilt_db(0) < -6.0


def test_attacks_are_as_recorded() -> None:
    """Neither the sampler nor its server fades a stroke in."""
    drum = tone_sample(sustains=False)
    sounds = SoundSet("drum", (drum,), {})
    zone = Zone(0, 127, 0, 127, 0, 0.0, 0.0005, 0.1)
    sound = played(
        lambda pool, at: pool.start(one_note(velocity=127.0), zone, TECHNIQUES["percussion"], 0, at, 0),
        0.3,
        sounds=sounds,
    )
    gain = (127 / 90) ** 1.5
    first_crest = np.abs(sound[:120]).max()
    brightness = 0.98  # the low-pass takes a little away
    assert first_crest > brightness * gain * np.abs(drum.data[:120]).max() * 0.97


def test_a_broken_recording_is_left_out_and_its_voice_is_good_again() -> None:
    good = tone_sample()
    data = good.data.copy()
    data[2000:2010] = np.inf
    bad = Sample(data, good.rate_hz, good.root_pitch, good.loop_start, good.loop_end, good.level_db)
    sounds = SoundSet("bad", (good, bad), {})
    pool = VoicePool(sounds, 1, RATE_HZ, 256)
    ring = StreamRing(1, 1024, 256)
    ring.position = -256
    pool.start(one_note(), Zone(0, 127, 0, 127, 1, 0.0, 0.01, 0.1), STRINGS, 0, 0, 0)
    broken = 0
    for _ in range(30):
        ring.advance()
        broken += pool.process(ring)
        assert np.isfinite(ring.samples).all()
    assert broken == 1 and pool.free == 1 and not pool.sounding
    pool.start(one_note(), ZONE, STRINGS, 0, 0, 0)
    for _ in range(30):
        ring.advance()
        assert pool.process(ring) == 0
    assert np.isfinite(ring.samples).all() and np.abs(ring.samples).max() > 0.05
    pool.close()


def test_a_burst_that_is_gone_is_nothing() -> None:
    """It would fade into numbers so small that the processor slows down over them."""

    def mixed(burst: float) -> tuple[np.ndarray, float]:
        voices, ring = np.zeros(WIDTH, VOICE), np.zeros((1, 1024), np.float32)
        voices["release_at"] = voices["fade_at"] = voices["cut_at"] = NEVER
        voices["gain"], voices["brightness"], voices["noise"], voices["noise_state"] = 1.0, 0.5, 0.01, 7
        voices["noise_burst"], voices["noise_decay"] = burst, 0.999
        sound, swings = np.zeros((256, WIDTH), np.float32), np.zeros((WIDTH, 256 // CONTROL + 1), np.float32)
        assert mix_voices(sound, voices, np.array([3], np.int32), swings, ring, 0) == 0
        return ring, float(voices["noise_burst"][3])

    silent, (faint, left) = mixed(0.0)[0], mixed(1e-9)
    assert left == 0.0 and np.array_equal(faint, silent) and silent.any()
    assert mixed(1e-3)[1] > 0.0
