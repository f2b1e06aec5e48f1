"""How fast the orchestra renders, by number of players, against real time and against pyo's own HRTF.

    python benchmarks/audio_players.py [--players 8 20 40 80 100] [--seconds 10] [--soundfont FILE]

Every player plays a note every 0.4 s (legato: two voices at the seams), all are heard through head filters with
first reflections of their own, the late hall and the limiter, while the listener's head turns 60 times a second.
Figures are seconds of sound per second of processor time on one core, so that other work disturbs them little; voices
are the mean and the most at once.
The second table renders moving sources only: the batched stage beside one ``pyo.HRTF`` object per source.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from tutti.engine.audio.pyo_block import BlockServer, pyo
from tutti.engine.audio.renderer import AudioSettings, OrchestraRenderer
from tutti.engine.audio.room import room_from_hall
from tutti.engine.audio.source_field import BUSES, Listener
from tutti.engine.hall import read_hall
from tutti.engine.sounds.sound_set import Patch, Sample, SoundSet, Zone, load_sound_set
from tutti.engine.types import NoteEvent, NoteRelease, PlayerPlacement

RATE_HZ, BLOCK = 48000, 256
SECTIONS = (("violin", 0.36), ("viola", 0.14), ("cello", 0.12), ("contrabass", 0.1), ("flute", 0.08), ("horn", 0.2))


def main() -> None:
    from _audio_peers import tutti_factor  # which takes rate and block from here

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--players", type=int, nargs="+", default=[8, 20, 40, 80, 100])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--soundfont", type=Path, help="real instruments; else sawtooths of the same length and cost")
    options = parser.parse_args()
    instruments = [name for name, _ in SECTIONS]
    sounds = load_sound_set(instruments, options.soundfont) if options.soundfont else sawtooths(instruments)
    orchestra(4, sounds, 1.0)  # compile
    print(f"{'players':>8} {'voices':>11} {'sources':>8} {'× real time':>12} {'load of a block, median / 99 %':>32}")
    for count in options.players:
        factor, mean, most, sources, median, high = orchestra(count, sounds, options.seconds)
        voices = f"{mean:.0f} / {most}"
        print(f"{count:8d} {voices:>11} {sources:8d} {factor:12.2f} {median:22.0%} / {high:5.0%}")
    print(f"\n{'sources':>8} {'batched':>10} {'pyo.HRTF':>10} {'ratio':>8}   × real time, all sources moving")
    for count in (8, 32, 64, 128):
        batched, single = tutti_factor(count, 3.0), pyo_hrtf_factor(count, 3.0 if count < 64 else 1.0)
        print(f"{count:8d} {batched:10.1f} {single:10.2f} {batched / single:8.1f}")


def orchestra(count: int, sounds: SoundSet, seconds: float) -> tuple[float, float, int, int, float, float]:
    """(real-time factor, mean of voices, most voices at once, sources, median load, 99 % load)."""
    placements = seats(count)
    room = room_from_hall(read_hall())
    renderer = OrchestraRenderer(placements, sounds, room, AudioSettings(RATE_HZ, BLOCK))
    parts = sorted({placement.part for placement in placements})
    sources = count + BUSES[renderer.settings.reflection_order]
    blocks = round(seconds * RATE_HZ / BLOCK)
    loads, voices, next_note, note_id = [], [], 0.0, 0
    for block in range(blocks):
        now_s = block * BLOCK / RATE_HZ
        started_s = time.process_time()
        if now_s >= next_note - 0.08:
            notes = [
                NoteEvent(
                    note_id + part, part, next_note, 0.4, 55 + (note_id + 5 * part) % 24, 90, "sustain", next_note
                )
                for part in parts
            ]
            renderer.submit(notes, [NoteRelease(note.note_id, note.onset_s + 0.4) for note in notes])
            next_note, note_id = next_note + 0.4, note_id + len(parts)
        if block % 3 == 0:
            half = 0.35 * np.sin(now_s)
            renderer.place_listener(Listener((0.0, 0.0, 1.9), (float(np.cos(half)), 0.0, 0.0, float(np.sin(half)))))
        renderer.render()
        loads.append((time.process_time() - started_s) * RATE_HZ / BLOCK)
        voices.append(renderer.sounding)
    renderer.close()
    median, high = np.percentile(loads, [50, 99])
    return 1.0 / float(np.mean(loads)), float(np.mean(voices)), max(voices), sources, float(median), float(high)


def seats(count: int) -> list[PlayerPlacement]:
    """Players of ``SECTIONS`` on arcs round the podium."""
    edges = np.round(np.cumsum([0.0] + [share for _, share in SECTIONS]) * count).astype(int)
    placements = []
    for number in range(count):
        part = int(np.searchsorted(edges, number, side="right")) - 1
        angle, radius_m = np.pi * (0.1 + 0.8 * (number % 20) / 19), 2.5 + 1.6 * (number // 20)
        position = (float(radius_m * np.cos(angle)), float(radius_m * np.sin(angle)), 0.0)
        heading = float(np.degrees(angle)) + 90.0
        name = SECTIONS[part][0]
        placements.append(
            PlayerPlacement(
                number, part, f"{name}es" if name.endswith("s") else f"{name}s", name, position, heading, number // 2
            )
        )
    return placements


def sawtooths(instruments: list[str]) -> SoundSet:
    """One looping sample of 4 s for all."""
    phase = np.arange(4 * RATE_HZ) * 220.0 / RATE_HZ
    data = (0.4 * (phase % 1.0) - 0.2).astype(np.float32)
    sample = Sample(data, RATE_HZ, 57.0, RATE_HZ, 3 * RATE_HZ, -20.0)
    patch = Patch((Zone(0, 127, 0, 127, 0, -6.0, 0.05, 0.35),))
    return SoundSet("sawtooths", (sample,), {(name, "sustain"): patch for name in instruments})


def pyo_hrtf_factor(count: int, seconds: float) -> float:
    """One moving ``pyo.HRTF`` per source of white noise."""
    server = BlockServer(2, RATE_HZ, BLOCK)
    noise = pyo.Noise(mul=[0.01] * count)
    azimuth = pyo.Phasor(freq=[0.1 + 0.01 * i for i in range(count)], mul=360.0, add=-180.0)
    kept = [noise, azimuth, pyo.HRTF(noise, azimuth=azimuth).out()]
    server.start()
    blocks = round(seconds * RATE_HZ / BLOCK)
    started_s = time.process_time()
    for _ in range(blocks):
        server.process()
    spent_s = time.process_time() - started_s
    kept.clear()
    server.close()
    return blocks * BLOCK / RATE_HZ / spent_s


if __name__ == "__main__":
    main()
