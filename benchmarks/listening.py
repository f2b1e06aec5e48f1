"""How well notes are heard from sound: onsets, pitches, delay and cost, on performances from our own instruments.

    python benchmarks/listening.py [--soundfont FILE] [--seeds 2] [--instruments violin flute …] [--detail]

Scales and leaps, repeated notes, staccato, legato and with crescendi (velocities 45–115) are rendered by the
orchestra's own renderer in a practice room, one player a metre from the microphone, with noise 40 dB under the loudest.
A note counts as found where a heard onset lies within 50 ms of it (each heard note matches one, mir_eval's matching);
its pitch is right within 50 cents. ``pyo.Yin`` with a change of more than half a semitone as onset, and its level
rising out of quiet, is beside it. The delay is from the onset to when the note was told; cost is processor time for
10 ms of sound.
"""

import argparse
import math
import time
from dataclasses import dataclass, field
from pathlib import Path

import mir_eval
import numpy as np
import numpy.typing as npt

from tutti.engine.audio.ensemble import assign
from tutti.engine.audio.pyo_block import BlockFeed, BlockServer, pyo
from tutti.engine.audio.renderer import AudioSettings, OrchestraRenderer
from tutti.engine.audio.room import Room, Wall
from tutti.engine.instruments import catalogue
from tutti.engine.listening.tracker import NoteTracker
from tutti.engine.sounds.sound_set import SoundSet, load_sound_set
from tutti.engine.types import NoteEvent, NoteRelease, PlayerPlacement

RATE_HZ, BLOCK = 48000, 256
INSTRUMENTS = ("violin", "flute", "clarinet", "trumpet", "cello", "soprano")
STYLES = ("staccato", "legato", "repeated", "leaps")
LONGEST_WINDOW = 1024
"""Of ``pyo.Yin``, in samples: a power of two that holds two periods of the instrument's lowest note, or this one, as
longer ones find fewer notes, also a cello's."""
STAYS_BLOCKS, LAGS_BLOCKS = 5, 4
"""So long a pitch of ``pyo.Yin`` must stay to be a note's, and so much earlier than its first reading the note began:
with these it hears best and, of staccato notes, neither early nor late."""
FloatArray = npt.NDArray[np.float32]


@dataclass(slots=True)
class Score:
    """Counts over performances."""

    notes: int = 0
    heard: int = 0
    matched: int = 0
    in_tune: int = 0
    octaves: int = 0
    errors_s: list[float] = field(default_factory=list)
    delays_s: list[float] = field(default_factory=list)

    def add(self, other: "Score") -> None:
        self.notes += other.notes
        self.heard += other.heard
        self.matched += other.matched
        self.in_tune += other.in_tune
        self.octaves += other.octaves
        self.errors_s += other.errors_s
        self.delays_s += other.delays_s

    def line(self) -> str:
        precision = self.matched / max(1, self.heard)
        recall = self.matched / max(1, self.notes)
        f = 2.0 * precision * recall / max(1e-9, precision + recall)
        error = 1000.0 * np.median(self.errors_s) if self.errors_s else float("nan")
        delay = np.percentile(1000.0 * np.array(self.delays_s), (50, 90)) if self.delays_s else (np.nan, np.nan)
        return (
            f"{precision:9.3f} {recall:7.3f} {f:7.3f} {self.in_tune / max(1, self.matched):9.3f} "
            f"{self.octaves:8d} {error:+9.0f} {delay[0]:8.0f} {delay[1]:6.0f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--soundfont", type=Path, help="real instruments; else the synthesised ones")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--instruments", nargs="+", default=list(INSTRUMENTS))
    parser.add_argument("--styles", nargs="+", default=list(STYLES))
    parser.add_argument("--detail", action="store_true", help="a line for each instrument")
    options = parser.parse_args()
    sounds = load_sound_set(options.instruments, options.soundfont)
    names = f"{'precision':>9} {'recall':>7} {'F':>7} {'in tune':>9} {'octaves':>8}"
    header = f"{names} {'error ms':>9} {'delay ms':>8} {'90 %':>6}"
    print(f"{'':28} {header}")
    spent_s = sound_s = 0.0
    for style in options.styles:
        ours, theirs = Score(), Score()
        for name in options.instruments:
            single = Score()
            for seed in range(options.seeds):
                events = phrase(name, style, seed)
                audio = perform(name, events, sounds, seed)
                truth = [n for e in events for n in assign([e], [seat(name)], seed)]
                onsets_s = np.array([max(0.0, n.onset_s) for n in truth])
                pitches = np.array([n.pitch for n in truth])
                started_s = time.process_time()
                heard, told_s = listen(name, audio)
                spent_s += time.process_time() - started_s
                sound_s += len(audio) / RATE_HZ
                single.add(judge(onsets_s, pitches, *heard, told_s))
                theirs.add(judge(onsets_s, pitches, *yin_baseline(name, audio)))
            ours.add(single)
            if options.detail:
                print(f"  {style:<12}{name:<14} {single.line()}")
        print(f"{style:<14}{'tutti':<14} {ours.line()}")
        print(f"{style:<14}{'pyo.Yin':<14} {theirs.line()}")
    print(f"\ncost: {10.0 * spent_s / sound_s:.2f} ms of processor time for 10 ms of sound")


def seat(name: str) -> PlayerPlacement:
    return PlayerPlacement(0, 0, name, name, (0.0, 1.0, 0.0), 180.0, 0)


def practice_room() -> Room:
    """6 × 8 × 3 m with curtains."""
    low, high, bands = (-3.0, -4.0, 0.0), (3.0, 4.0, 3.0), (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)
    walls = tuple(Wall(axis, (low, high)[end][axis], (0.5,) * 7, 0.4) for axis in range(3) for end in range(2))
    return Room(low, high, bands, (0.35,) * 7, walls)


def phrase(name: str, style: str, seed: int) -> list[NoteEvent]:
    """About thirty notes of one line, each as the style plays it."""
    rng = np.random.default_rng([seed, *name.encode(), *style.encode()])
    low, high = catalogue()[name].range
    low, high = low + 3, min(high - 3, low + 29)
    count, pitch, events, at_s = 28, int(rng.integers(low, high)), [], 0.5
    direction = 1
    swell = np.abs(np.linspace(-1.0, 1.0, count))
    for index in range(count):
        duration_s = float(rng.choice([0.18, 0.25, 0.4, 0.6], p=[0.2, 0.4, 0.25, 0.15]))
        sounding = 0.5 if style in ("staccato", "repeated") else 1.0
        velocity = int(np.clip(45 + 60 * (1.0 - swell[index]) + rng.normal(0.0, 5.0), 30, 120))
        articulation = "staccato" if style == "staccato" else "fast" if duration_s < 0.2 else "sustain"
        events.append(NoteEvent(index, 0, at_s, duration_s * sounding, pitch, velocity, articulation, at_s))
        at_s += duration_s
        if style == "leaps":
            step = int(rng.choice([-12, -7, -5, -4, 3, 5, 7, 12]))
        elif style == "repeated":
            step = int(rng.choice([0, 0, 0, 2])) * direction
        else:
            step = int(rng.choice([1, 2, 2])) * direction
        if not low <= pitch + step <= high:
            direction, step = -direction, -step
        pitch = int(np.clip(pitch + step, low, high))
    return events


def perform(name: str, events: list[NoteEvent], sounds: SoundSet, seed: int) -> FloatArray:
    """The microphone's signal, with noise 40 dB under its loudest tenth of a second."""
    settings = AudioSettings(RATE_HZ, BLOCK, seed=seed, loudness_lufs=-23.0)
    renderer = OrchestraRenderer([seat(name)], sounds, practice_room(), settings)
    renderer.submit(events, [NoteRelease(e.note_id, e.onset_s + e.duration_s) for e in events])
    blocks = round((events[-1].onset_s + events[-1].duration_s + 0.8) * RATE_HZ / BLOCK)
    stereo = np.concatenate([renderer.render() for _ in range(blocks)])[renderer.latency :]
    renderer.close()
    mono = stereo.mean(axis=1)
    tenths = mono[: len(mono) // 4800 * 4800].reshape(-1, 4800)
    loudest = np.sqrt((tenths**2).mean(axis=1)).max()
    noise = np.random.default_rng(seed).standard_normal(len(mono)).astype(np.float32)
    return np.asarray(mono * (0.1 / loudest) + noise * (0.1 * 10.0 ** (-40.0 / 20.0)), np.float32)


def listen(name: str, audio: FloatArray) -> tuple[tuple[FloatArray, FloatArray], FloatArray]:
    """((onsets, pitches), when each was told)."""
    tracker = NoteTracker(RATE_HZ, *catalogue()[name].range)
    begun, ended, told = {}, {}, {}
    for start in range(0, len(audio), BLOCK):
        block = audio[start : start + BLOCK]
        for note in tracker.push(block, start / RATE_HZ):
            if note.duration_s is None:
                begun[note.note_id], told[note.note_id] = note, (start + len(block)) / RATE_HZ
            else:
                ended[note.note_id] = note
    ended |= {note.note_id: note for note in tracker.finish(len(audio) / RATE_HZ)}
    onsets_s = np.array([n.onset_s for n in begun.values()])
    pitches = np.array([ended[i].pitch for i in begun])
    return (onsets_s, pitches), np.array(list(told.values()))


def yin_baseline(name: str, audio: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Onsets and pitches by ``pyo.Yin``: a pitch that stays for 27 ms and is another one, or comes out of quiet."""
    low, high = (440.0 * 2.0 ** ((p - 69) / 12.0) for p in catalogue()[name].range)
    server = BlockServer(2, RATE_HZ, BLOCK)
    feed = BlockFeed(1, RATE_HZ, BLOCK)
    window = min(LONGEST_WINDOW, 1 << math.ceil(math.log2(2.0 * RATE_HZ / low)))
    tracker = pyo.Yin(feed.streams[0], minfreq=0.9 * low, maxfreq=1.1 * high, winsize=window)
    follower = pyo.Follower(feed.streams[0], freq=30)
    server.start()
    onsets, pitches, run, current = [], [], [], None
    for start in range(0, len(audio) - BLOCK + 1, BLOCK):
        feed.blocks[0] = audio[start : start + BLOCK]
        server.process()
        hz, level = float(tracker.get()), float(follower.get())
        if level < 0.004 or hz <= 0.0:
            run, current = [], None
            continue
        pitch = 69.0 + 12.0 * np.log2(hz / 440.0)
        run = [*run, pitch] if run and abs(pitch - np.median(run)) < 0.5 else [pitch]
        if len(run) == STAYS_BLOCKS and (current is None or abs(current - np.median(run)) > 0.5):
            current = float(np.median(run))
            onsets.append((start - (STAYS_BLOCKS + LAGS_BLOCKS) * BLOCK) / RATE_HZ)
            pitches.append(current)
    del tracker, follower
    feed.close()
    server.close()
    return np.array(onsets), np.array(pitches)


def judge(
    true_s: FloatArray,
    true_pitches: FloatArray,
    heard_s: FloatArray,
    heard_pitches: FloatArray,
    told_s: FloatArray | None = None,
) -> Score:
    score = Score(notes=len(true_s), heard=len(heard_s))
    if not len(heard_s):
        return score
    for i, j in mir_eval.util.match_events(true_s, heard_s, 0.05):
        score.matched += 1
        cents = 100.0 * (heard_pitches[j] - true_pitches[i])
        score.in_tune += abs(cents) <= 50.0
        score.octaves += abs(abs(cents) - 1200.0) < 100.0
        score.errors_s.append(heard_s[j] - true_s[i])
        if told_s is not None:
            score.delays_s.append(told_s[j] - true_s[i])
    return score


if __name__ == "__main__":
    main()
