"""Pictures of the sound: a spectrogram of the orchestra, decay curves of the hall, how loud each section plays."""

from pathlib import Path
from typing import Any

import numpy as np
from audio_players import BLOCK, RATE_HZ, SECTIONS, sawtooths, seats

from tutti.engine.audio.impulse_response import room_of
from tutti.engine.audio.renderer import AudioSettings, OrchestraRenderer
from tutti.engine.hall import read_hall
from tutti.engine.types import NoteEvent, NoteRelease

PLAY_S, RING_S = 4.0, 3.0
NOTE_S = 0.5


def draw_pictures(folder: Path) -> list[Path]:
    """Render 80 players and draw; the files."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    stereo, levels = _orchestra()
    made = []

    figure, axes = plt.subplots(figsize=(11, 5), layout="constrained")
    *_, image = axes.specgram(stereo.mean(axis=1) + 1e-9, NFFT=2048, Fs=RATE_HZ, noverlap=1536, vmin=-140, vmax=-50)
    axes.set(
        xlabel="time (s)", ylabel="frequency (Hz)", ylim=(60, 12000), yscale="log", title="80 players, then the hall"
    )
    figure.colorbar(image, label="dB / Hz")
    made.append(_save(figure, folder / "spectrogram.png"))

    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    tail = stereo[round((PLAY_S + 0.05) * RATE_HZ) :]
    for name, curve in _decay_curves(tail):
        axes.plot(np.arange(len(curve)) / RATE_HZ, curve, label=name)
    axes.set(xlabel="time after the last note (s)", ylabel="energy still to come (dB)", ylim=(-60, 1))
    axes.set_title("How a chord dies away in the hall: energy still to come, by octave band")
    axes.grid(alpha=0.3)
    axes.legend()
    made.append(_save(figure, folder / "decay.png"))

    figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    names = list(levels)
    for index, name in enumerate(names):
        times_s = np.arange(len(levels[name])) * BLOCK / RATE_HZ
        axes.plot(times_s, levels[name], color=f"C{index}", label=name)
    axes.set(
        xlabel="time (s)",
        ylabel="level (dB)",
        ylim=(-70, 0),
        title="Level of each section as its meter shows it, before the hall",
    )
    axes.grid(alpha=0.3)
    axes.legend(ncols=2)
    made.append(_save(figure, folder / "sections.png"))
    plt.close("all")
    return made


def _save(figure: Any, path: Path) -> Path:
    figure.savefig(path, dpi=110)
    return path


def _orchestra() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Sections enter one after another, then all stop: (samples, 2), and each section's level in every block (dB)."""
    sounds = sawtooths([name for name, _ in SECTIONS])
    renderer = OrchestraRenderer(seats(80), sounds, room_of(read_hall()), AudioSettings(RATE_HZ, BLOCK))
    notes = []
    for part in range(len(SECTIONS)):
        entry_s = 0.5 * part
        for number in range(int((PLAY_S - entry_s) / NOTE_S)):
            onset_s = entry_s + NOTE_S * number
            pitch = 72 - 5 * part + (0, 4, 7, 12)[number % 4]
            notes.append(NoteEvent(len(notes), part, onset_s, NOTE_S, pitch, 90, "sustain", onset_s))
    releases = [NoteRelease(note.note_id, note.onset_s + NOTE_S) for note in notes]
    renderer.submit(notes, releases)
    blocks, levels = [], {}
    for _ in range(round((PLAY_S + RING_S) * RATE_HZ / BLOCK)):
        blocks.append(renderer.render())
        for meter in renderer.meters:
            levels.setdefault(meter.section, []).append(meter.rms_db)
    renderer.close()
    return np.concatenate(blocks), {name: np.array(values) for name, values in levels.items()}


def _decay_curves(tail: np.ndarray) -> list[tuple[str, np.ndarray]]:
    from scipy.signal import butter, sosfilt

    curves = []
    for centre_hz in (125, 250, 500, 1000, 2000, 4000):
        edges = (centre_hz / np.sqrt(2.0), centre_hz * np.sqrt(2.0))
        power = sosfilt(butter(3, edges, "bandpass", fs=RATE_HZ, output="sos"), tail, axis=0) ** 2
        energy = np.cumsum(power.sum(axis=1)[::-1])[::-1]
        curves.append((f"{centre_hz} Hz", 10.0 * np.log10(np.maximum(energy / energy[0], 1e-9))))
    return curves
