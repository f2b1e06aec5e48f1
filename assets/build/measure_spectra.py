"""Measures how instruments sound, for the embedded synthesis: ``python measure_spectra.py SOUNDFONT`` writes
``assets/spectra.toml``.

Of each instrument a few notes are described: the levels of the harmonics, the noise between them in octave bands and,
for what rings, how fast each partial dies away.
"""

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tutti.assets import asset_path
from tutti.engine.sounds.conditioning import Recording, condition
from tutti.engine.sounds.font_patches import sounding_zones
from tutti.engine.sounds.preset_map import PresetChoice, preset_map
from tutti.engine.sounds.soundfont import FontZone, SoundFont
from tutti.engine.sounds.synthesis_tables import NOISE_BANDS_HZ
from tutti.engine.units import pitch_to_hz

SUSTAINED = (
    "violin", "viola", "cello", "contrabass", "piccolo", "flute", "oboe", "english-horn", "clarinet", "bassoon",
    "saxophone", "horn", "trumpet", "trombone", "tuba", "organ", "soprano",
)  # fmt: skip
RINGING = ("harp", "guitar", "piano", "harpsichord")
PLUCKED = ("violin", "viola", "cello", "contrabass")
MAX_NOTES = 10
MAX_HARMONICS = 90
HIGHEST_HZ = 12000.0
FLOOR_DB = -75.0

Wave = npt.NDArray[np.float32]
Spectrum = npt.NDArray[np.float64]


def main() -> None:
    font = SoundFont(Path(sys.argv[1]))
    lines = [
        "# How instruments sound: measured by assets/build/measure_spectra.py from MuseScore General",
        "# (S. Christian Collins, Frank Wen and others, MIT licence), read by engine/sounds/synthesis_tables.py.",
        "#",
        "#   pitch         MIDI number of the note described",
        "#   harmonics_db  level of each harmonic, relative to the strongest",
        "#   noise_db      level of the noise in the octaves around 125 Hz ... 16 kHz, relative to all harmonics",
        "#   fall_db_s     how fast each harmonic dies away",
        "",
    ]
    for instrument in SUSTAINED:
        lines += describe(font, instrument, preset_map()[instrument, "sustain"], rings=False)
    for instrument in RINGING:
        lines += describe(font, instrument, preset_map()[instrument, "sustain"], rings=True)
    for instrument in PLUCKED:
        choices = preset_map()[f"{instrument}.section", "pizzicato"]
        lines += describe(font, instrument, choices, rings=True, table=f"{instrument}-pizzicato")
    asset_path("spectra.toml").write_text("\n".join(lines), encoding="utf-8")


def describe(
    font: SoundFont, instrument: str, choices: tuple[PresetChoice, ...], rings: bool, table: str = ""
) -> list[str]:
    """The lines of one instrument's table."""
    zones: dict[int, FontZone] = {}
    for choice in choices:
        preset = choice.find(font.presets)
        assert preset is not None, instrument
        for zone in sounding_zones(font, preset, choice.layer):
            if choice.keys[0] <= round(zone.root_pitch) <= choice.keys[1]:
                zones.setdefault(round(zone.root_pitch), zone)
    usable = [pitch for pitch in sorted(zones) if pitch_to_hz(pitch) < 0.3 * zones[pitch].rate_hz]
    chosen = sorted({usable[round(i)] for i in np.linspace(0, len(usable) - 1, min(MAX_NOTES, len(usable)))})
    notes: list[str] = []
    for pitch in chosen:
        zone = zones[pitch]
        data = font.decode(zone.sample)[zone.start :]
        hz = pitch_to_hz(true_pitch(data, zone, choices[0].partials))
        harmonics, noise = (struck_levels if rings else steady_levels)(data, zone, hz)
        notes += [
            f"[[{table or instrument}.notes]]",
            f"pitch = {pitch}",
            f"harmonics_db = {formatted(harmonics)}",
            f"noise_db = {formatted(noise)}",
        ]
        if rings:
            notes.append(f"fall_db_s = {formatted(falls(data, zone, hz, harmonics.size))}")
        notes.append("")
    return notes


def true_pitch(data: Wave, zone: FontZone, partials: int) -> float:
    recording = Recording(
        data, zone.rate_hz, zone.root_pitch, zone.loop_start - zone.start, zone.loop_end - zone.start, 0.0, partials
    )
    return condition(recording).root_pitch


def power_spectrum(data: Wave, frame: int) -> Spectrum:
    """Mean power spectrum, Hann."""
    starts = np.linspace(0, max(0, data.size - frame), 24).astype(int)
    window = np.hanning(frame)
    frames = np.stack([np.resize(data[s : s + frame], frame) * window for s in starts])
    return np.asarray(np.mean(np.abs(np.fft.rfft(frames, axis=1)) ** 2, axis=0))


def steady_levels(data: Wave, zone: FontZone, hz: float) -> tuple[Spectrum, Spectrum]:
    start = min(round(0.2 * zone.rate_hz), zone.loop_start - zone.start)
    end = zone.loop_end - zone.start
    if end - start < 0.4 * zone.rate_hz:
        data, start, end = (
            np.resize(data[zone.loop_start - zone.start : end], round(zone.rate_hz)),
            0,
            round(zone.rate_hz),
        )
    return levels(data[start:end], zone.rate_hz, hz)


def struck_levels(data: Wave, zone: FontZone, hz: float) -> tuple[Spectrum, Spectrum]:
    start = int(np.argmax(np.abs(data)))
    return levels(data[start:][: round(max(0.15, 16.0 / hz) * zone.rate_hz)], zone.rate_hz, hz)


def levels(data: Wave, rate_hz: float, hz: float) -> tuple[Spectrum, Spectrum]:
    """Harmonics in dB relative to the strongest, and the noise between them in octave bands."""
    frame = round(12.0 * rate_hz / hz)
    power = power_spectrum(data, frame)
    count = min(MAX_HARMONICS, int(min(0.46 * rate_hz, HIGHEST_HZ) / hz))
    bins_per_hz = frame / rate_hz
    harmonic = np.zeros(count)
    floor = np.zeros(count)
    for k in range(1, count + 1):
        centre = round(k * hz * bins_per_hz)
        floor[k - 1] = np.median(power[centre + 4 : centre + 8]) if centre + 8 < power.size else 0.0
        harmonic[k - 1] = max(power[centre - 3 : centre + 4].sum() - 7.0 * floor[k - 1], 1e-20)
    total = harmonic.sum()
    between_hz = (np.arange(1, count + 1) + 0.5) * hz
    noise = []
    for band_hz in NOISE_BANDS_HZ:
        inside = (between_hz >= band_hz / np.sqrt(2.0)) & (between_hz < band_hz * np.sqrt(2.0))
        density = np.median(floor[inside]) if inside.any() else 0.0
        noise.append(density * band_hz / np.sqrt(2.0) * bins_per_hz / total)
    peak = harmonic.max()
    return (
        np.maximum(10.0 * np.log10(harmonic / peak), FLOOR_DB),
        np.maximum(10.0 * np.log10(np.array(noise) + 1e-12), FLOOR_DB - 15.0),
    )


def falls(data: Wave, zone: FontZone, hz: float, count: int) -> Spectrum:
    """How fast each harmonic dies away, in dB/s, from two looks a quarter of a second apart."""
    start = int(np.argmax(np.abs(data)))
    frame = round(max(12.0 / hz, 0.05) * zone.rate_hz)
    gap = round(0.25 * zone.rate_hz)
    if start + gap + frame > data.size:
        gap = max(1, data.size - start - frame - 1)
    first, second = (power_spectrum(data[s : s + frame], frame) for s in (start, start + gap))
    result = []
    for k in range(1, count + 1):
        centre = round(k * hz * frame / zone.rate_hz)
        near = slice(max(0, centre - 3), centre + 4)
        result.append(10.0 * np.log10((first[near].sum() + 1e-16) / (second[near].sum() + 1e-16)) * zone.rate_hz / gap)
    own = 100.0 / zone.decay_s if zone.sustain_db < -30.0 and zone.decay_s > 0.05 else 0.0
    return np.clip(np.array(result) + own, 3.0, 250.0)


def formatted(values: Spectrum) -> str:
    return "[" + ", ".join(f"{value:.0f}" for value in values) + "]"


if __name__ == "__main__":
    main()
