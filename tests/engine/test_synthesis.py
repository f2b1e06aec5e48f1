from functools import cache

import numpy as np
import numpy.typing as npt
import pytest

from tutti.engine.instruments import catalogue
from tutti.engine.sounds.sound_set import Sample
from tutti.engine.sounds.synthesis import plan_synthesis
from tutti.engine.sounds.synthesis_percussion import KIT, drum_note
from tutti.engine.sounds.synthesis_sustained import Voicing, sustained_note
from tutti.engine.sounds.synthesis_tables import spectra, spectrum_at
from tutti.engine.sounds.tuning import measure_pitch
from tutti.engine.types import Articulation
from tutti.engine.units import pitch_to_hz

SUSTAINED = [
    "violin",
    "contrabass",
    "flute",
    "oboe",
    "clarinet",
    "bassoon",
    "horn",
    "trumpet",
    "euphonium",
    "tuba",
    "organ",
    "tenor",
]
RINGING = ["harp", "guitar", "piano", "harpsichord", "celesta", "glockenspiel", "xylophone", "timpani"]


@cache
def note(
    instrument: str, articulation: Articulation = "sustain", place: float = 0.5, velocity: int = 90, which: int = 0
) -> Sample:
    """A note some way up the instrument's range."""
    plan = plan_synthesis(catalogue()[instrument])[articulation]
    low, high = catalogue()[instrument].range
    pitch = low + place * (high - low)
    zones = [
        zone
        for zone in plan.zones
        if zone.low_pitch <= pitch < zone.high_pitch + 1 and zone.low_velocity <= velocity <= zone.high_velocity
    ]
    return plan.makers[zones[which].key]()


def harmonic_levels(sample: Sample, count: int = 10) -> npt.NDArray[np.float64]:
    """Amplitudes of the first harmonics of the loop."""
    loop = sample.data[sample.loop_start : sample.loop_end]
    spectrum = np.abs(np.fft.rfft(loop))
    periods = round(pitch_to_hz(sample.root_pitch) * loop.size / sample.rate_hz)
    return np.array([spectrum[k * periods - 4 : k * periods + 5].max() for k in range(1, count + 1)])


def centroid_hz(sample: Sample) -> float:
    amplitude = np.abs(np.fft.rfft(sample.data[:48000] * np.hanning(min(48000, sample.data.size))))
    frequency = np.fft.rfftfreq(min(48000, sample.data.size), 1.0 / sample.rate_hz)
    return float(np.sum(amplitude * frequency) / np.sum(amplitude))


@pytest.mark.parametrize("instrument", SUSTAINED)
def test_lasting_notes_are_in_tune_steady_and_loop_without_a_seam(instrument: str) -> None:
    sample = note(instrument)
    assert sample.sustains
    loop = sample.data[sample.loop_start : sample.loop_end]
    measured = measure_pitch(np.tile(loop, 2), sample.rate_hz, round(sample.root_pitch))
    assert measured is not None
    assert measured.pitch == pytest.approx(sample.root_pitch, abs=0.02)
    assert sample.vibrato_cents < 10.0  # the player adds vibrato
    played = np.concatenate([sample.data[: sample.loop_end], loop[:2000]])
    bend = np.abs(np.diff(played[sample.loop_start :], 2))
    assert bend[loop.size - 4 : loop.size + 4].max() <= 1.2 * np.quantile(bend, 0.999)
    parts = np.array([np.std(part) for part in np.array_split(loop, 8)])
    assert 20 * np.log10(parts.max() / parts.min()) < 6.0


@pytest.mark.parametrize(("instrument", "fastest_s", "slowest_s"), [
    ("violin", 0.04, 0.2), ("flute", 0.02, 0.12), ("oboe", 0.01, 0.08), ("trumpet", 0.008, 0.06), ("tuba", 0.02, 0.15),
    ("tenor", 0.05, 0.3),
])  # fmt: skip
def test_attacks_are_as_quick_as_the_instruments(instrument: str, fastest_s: float, slowest_s: float) -> None:
    sample = note(instrument)
    energy = np.convolve(sample.data**2, np.ones(960) / 960, "same")
    amplitude = np.sqrt(energy)
    usual = np.median(amplitude[sample.loop_start : sample.loop_end])
    rise_s = (np.argmax(amplitude > 0.7 * usual) - np.argmax(amplitude > 0.05 * usual)) / sample.rate_hz
    assert fastest_s < rise_s + 0.01 < slowest_s


def test_low_clarinet_has_odd_harmonics() -> None:
    levels = harmonic_levels(note("clarinet", place=0.1), 6)
    assert 20 * np.log10(levels[[0, 2, 4]].min() / levels[[1, 3]].max()) > 3.0


def test_bowed_strings_are_richer_than_flutes() -> None:
    violin, flute = (harmonic_levels(note(name, place=0.4), 8) for name in ("violin", "flute"))
    assert violin[4:].sum() / violin.sum() > 3.0 * flute[4:].sum() / flute.sum()


@pytest.mark.parametrize("instrument", ["horn", "trumpet", "trombone", "euphonium", "tuba"])
def test_brass_is_brighter_when_loud(instrument: str) -> None:
    assert centroid_hz(note(instrument, velocity=120)) > 1.05 * centroid_hz(note(instrument, velocity=80))


def test_players_of_a_section_differ_but_play_the_same_note() -> None:
    first, second = note("violin"), note("violin", which=1)
    assert first.root_pitch == pytest.approx(second.root_pitch, abs=0.05)
    likeness = np.corrcoef(first.data[40000:80000], second.data[40000:80000])[0, 1]
    assert abs(likeness) < 0.6
    difference = 20 * np.log10(harmonic_levels(first) / harmonic_levels(second))
    assert 0.5 < np.std(difference) < 6.0


def test_same_note_is_the_same_every_time() -> None:
    plan = plan_synthesis(catalogue()["viola"])["sustain"]
    key = next(iter(plan.makers))
    assert np.array_equal(plan.makers[key]().data, plan.makers[key]().data)


def test_tremolo_has_strokes_and_closes() -> None:
    sample = note("violin", "tremolo")
    loop = sample.data[sample.loop_start : sample.loop_end]
    envelope = np.abs(np.fft.rfft(np.convolve(loop**2, np.ones(600) / 600, "same") - np.mean(loop**2)))
    strokes_hz = np.argmax(envelope[: round(30 * loop.size / sample.rate_hz)]) * sample.rate_hz / loop.size
    assert 10.0 < strokes_hz < 15.0


def test_staccato_and_pizzicato_are_short() -> None:
    assert note("viola", "staccato").duration_s < 0.8
    pizzicato = note("viola", "pizzicato")
    assert not pizzicato.sustains
    first, later = np.std(pizzicato.data[:4800]), np.std(pizzicato.data[24000:28800])
    assert 20 * np.log10(first / later) > 12.0


@pytest.mark.parametrize("instrument", RINGING)
def test_struck_notes_are_in_tune_and_die_away(instrument: str) -> None:
    sample = note(instrument)
    assert not sample.sustains
    assert np.argmax(np.abs(sample.data)) < 0.1 * sample.rate_hz
    assert np.abs(sample.data[-100:]).max() < 0.003 * np.abs(sample.data).max()
    assert sample.root_pitch == pytest.approx(round(sample.root_pitch), abs=0.05)


def test_low_strings_ring_longer_than_high_ones() -> None:
    for instrument in ("harp", "piano", "glockenspiel"):
        assert note(instrument, place=0.1).duration_s > note(instrument, place=0.95).duration_s


def test_kit_sounds_differ_as_their_instruments_do() -> None:
    brightness, ringing_s = {}, {}
    for key in (35, 38, 42, 49, 76, 81):
        data = drum_note(KIT[key], 1).data.astype(np.float64)
        power = np.abs(np.fft.rfft(data)) ** 2
        brightness[key] = float(np.sum(power * np.fft.rfftfreq(data.size, 1 / 48000.0)) / np.sum(power))
        energy = np.cumsum(data**2)
        ringing_s[key] = float(np.searchsorted(energy, 0.99 * energy[-1])) / 48000.0
    assert brightness[35] < 200.0 < brightness[76] < brightness[42]
    assert 1000.0 < brightness[38] < 6000.0
    assert brightness[49] > 4000.0
    assert ringing_s[76] < 0.15 < ringing_s[49]
    assert ringing_s[81] > 0.5


def test_every_instrument_has_a_plan_for_its_whole_range() -> None:
    for instrument in catalogue().values():
        plans = plan_synthesis(instrument)
        assert "sustain" in plans
        for plan in plans.values():
            for pitch in range(128):
                assert any(zone.low_pitch <= pitch <= zone.high_pitch for zone in plan.zones), (instrument.key, pitch)
            assert {zone.key for zone in plan.zones} == plan.makers.keys()


def test_spectrum_between_notes_lies_between_theirs() -> None:
    below, above = spectra()["oboe"][:2]
    middle = spectrum_at("oboe", (below.pitch + above.pitch) / 2)
    count = min(below.harmonics_db.size, above.harmonics_db.size)
    expected = (below.harmonics_db[:count] + above.harmonics_db[:count]) / 2
    assert np.allclose(middle.harmonics_db[:count], expected)
    assert np.array_equal(spectrum_at("oboe", 10.0).harmonics_db, below.harmonics_db)


def test_noise_is_where_and_as_strong_as_described() -> None:
    spectrum = spectrum_at("flute", 72.0)
    recording = sustained_note(spectrum, Voicing((0.02, 0.02), unsteadiness=0.0, drift_cents=0.0), 3)
    loop = recording.data[recording.loop_start : recording.loop_end].astype(np.float64)
    power = np.abs(np.fft.rfft(loop)) ** 2
    frequency = np.fft.rfftfreq(loop.size, 1 / recording.rate_hz)
    periods = round(pitch_to_hz(recording.nominal_pitch) * loop.size / recording.rate_hz)
    is_tone = np.zeros(power.size, bool)
    is_tone[::periods] = True
    band = ~is_tone & (frequency > 2000 / np.sqrt(2)) & (frequency < 2000 * np.sqrt(2))
    level_db = 10 * np.log10(power[band].sum() / power[is_tone].sum())
    assert level_db == pytest.approx(spectrum.noise_db[4], abs=2.5)
