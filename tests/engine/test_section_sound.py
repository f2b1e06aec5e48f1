"""Sixteen violins are a section and not one violin sixteen times; sections can be heard alone, and have meters."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import scipy.signal
from audio_support import EXACT, RATE_HZ, SETTINGS, note, player, render, small_room, tone_sounds

from tutti.engine.audio import ensemble
from tutti.engine.audio.renderer import OrchestraRenderer

DRY = small_room(0.1)
QUARTET = [
    player(0, -2.0, 3.0),
    player(1, 2.0, 3.0, "trumpet", part=1),
    player(2, 0.0, 5.0, "timpani", part=2),
]


@pytest.fixture
def make() -> Iterator:
    made = []

    def build(placements, settings=SETTINGS) -> OrchestraRenderer:
        made.append(OrchestraRenderer(placements, tone_sounds(), DRY, settings))
        return made[-1]

    yield build
    for renderer in made:
        renderer.close()


def bandwidth_hz(sound: np.ndarray, centre_hz: float) -> float:
    """Width of a partial: standard deviation of its power over frequency."""
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    hz = np.arange(len(power)) * RATE_HZ / len(sound)
    near = np.abs(hz - centre_hz) < 40.0
    mean = (hz[near] * power[near]).sum() / power[near].sum()
    return float(np.sqrt(((hz[near] - mean) ** 2 * power[near]).sum() / power[near].sum()))


def beating(sound: np.ndarray) -> float:
    """How much the loudness of a held note moves, 1–20 a second, as a share of its mean."""
    envelope = np.abs(scipy.signal.hilbert(sound))
    sos = scipy.signal.butter(2, (1.0, 20.0), "band", fs=RATE_HZ, output="sos")
    return float(scipy.signal.sosfiltfilt(sos, envelope)[4800:-4800].std() / envelope.mean())


def held(make, count: int, seed: int = 3) -> np.ndarray:
    section = [player(number, 0.05 * (number - 8), 4.0) for number in range(count)]
    renderer = make(section, replace(SETTINGS, seed=seed, loudness_lufs=-30.0))
    return render(renderer, 3.6, [note(1, 0.1, 9.0)])[round(0.8 * RATE_HZ) : round(3.5 * RATE_HZ), 0]


def test_sixteen_violins_beat_and_spread_as_one_does_not(make, monkeypatch) -> None:
    one, sixteen = held(make, 1), held(make, 16)
    monkeypatch.setattr(ensemble, "HABITS", EXACT)
    copies = held(make, 16)
    assert beating(copies) < 0.02  # sixteen times one machine: louder, nothing else
    assert beating(sixteen) > 0.15 and beating(sixteen) > 1.8 * beating(one)
    assert bandwidth_hz(sixteen, 440.0) > 2.0 * bandwidth_hz(copies, 440.0)


def test_sixteen_violins_add_as_powers_and_not_as_amplitudes(make, monkeypatch) -> None:
    """Independent players are 12 dB more than one; copies are 24 dB."""
    one = held(make, 1, seed=5)
    gains = []
    for seed in (5, 6, 7):
        sixteen = held(make, 16, seed=seed)
        gains.append((sixteen**2).mean() / (one**2).mean())
    # The static gain of the ensemble makes up for 12 dB of power.
    assert -4.0 < 10 * np.log10(np.mean(gains)) < 4.0
    monkeypatch.setattr(ensemble, "HABITS", EXACT)
    copies = held(make, 16)
    assert 10 * np.log10((copies**2).mean() / (one**2).mean()) > 9.0


def test_a_slurred_line_of_a_section_is_not_broken_by_its_spread(make) -> None:
    """Players let go at the same time and begin the next note up to 30 ms apart: all of them slur."""
    section = [player(number, 0.3 * (number - 4), 4.0) for number in range(8)]
    for heard in section:
        renderer = make([replace(p, muted=p is not heard) for p in section])
        sound = render(renderer, 0.9, [note(1, 0.1, 0.5, 69), note(2, 0.6, 0.7, 71)])
        envelope = np.sqrt(np.convolve((sound**2).mean(axis=1), np.ones(960) / 960, "same"))
        joint = envelope[round(0.57 * RATE_HZ) : round(0.72 * RATE_HZ)]
        # A reflection makes one of two pure tones a little louder than the other: the weaker one is the measure.
        steady = min(envelope[round(0.55 * RATE_HZ)], envelope[round(0.8 * RATE_HZ)])
        assert 20 * np.log10(joint.min() / steady) > -4.0, heard.player


def test_a_section_is_heard_alone_without_a_click(make, monkeypatch) -> None:
    monkeypatch.setattr(ensemble, "HABITS", EXACT)
    renderer = make(QUARTET[:2])
    renderer.submit([note(1, 0.0, 9.0, 69), note(2, 0.0, 9.0, 81, part=1)], [])
    everyone = render(renderer, 0.6)
    renderer.solo(["trumpets 1"])
    alone = render(renderer, 0.8)
    renderer.solo([])
    again = render(renderer, 0.6)

    def level_db(sound: np.ndarray, hz: float) -> float:
        part = sound[-9600:, 0]
        return float(20 * np.log10(np.abs(part @ np.exp(2j * np.pi * hz * np.arange(9600) / RATE_HZ)) + 1e-9))

    assert level_db(alone, 440.0) < level_db(everyone, 440.0) - 40.0
    assert level_db(alone, 880.0) == pytest.approx(level_db(everyone, 880.0), abs=0.5)
    assert level_db(again, 440.0) == pytest.approx(level_db(everyone, 440.0), abs=0.5)
    high = scipy.signal.sosfilt(
        scipy.signal.butter(8, 6000.0, "high", fs=RATE_HZ, output="sos"),
        np.concatenate([everyone, alone, again]),
        axis=0,
    )
    assert 20 * np.log10(np.abs(high).max() / np.abs(everyone).max()) < -55.0


def test_meters_show_who_plays_and_fall_back(make, monkeypatch) -> None:
    monkeypatch.setattr(ensemble, "HABITS", EXACT)
    renderer = make(QUARTET)
    assert {level.peak_db for level in renderer.meters} == {-np.inf}
    renderer.submit([note(1, 0.0, 0.8, 69)], [])
    render(renderer, 0.8)
    levels = {level.section: level for level in renderer.meters}
    assert set(levels) == {"violins 0", "trumpets 1", "timpanis 2"}
    assert levels["trumpets 1"].rms_db == -np.inf
    violin = levels["violins 0"]
    assert violin.peak_db - violin.rms_db == pytest.approx(3.01, abs=0.7)  # a sine, not quite settled
    quieter = replace(QUARTET[0], gain_db=-6.0)
    renderer.place([quieter, *QUARTET[1:]])
    renderer.submit([note(2, renderer.position / RATE_HZ, 9.0, 71)], [])
    render(renderer, 1.5)
    assert renderer.meters[0].rms_db == pytest.approx(violin.rms_db - 6.0, abs=0.7)
    renderer.silence()
    before_db = renderer.meters[0].peak_db
    render(renderer, 0.5)
    assert before_db - 7.5 < renderer.meters[0].peak_db < before_db - 4.0
    render(renderer, 14.0)
    assert renderer.meters[0].peak_db == renderer.meters[0].rms_db == -np.inf
