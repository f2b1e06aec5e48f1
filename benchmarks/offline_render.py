"""How fast a whole performance is made offline: conducting alone, and with the sound, against real time.

    python benchmarks/offline_render.py [--seconds N]

The built-in concert by default, its sounds warm in the cache. Prints seconds of music per second of processor time
and of wall time; 1.0 would be as slow as playing it.
"""

import argparse
import tempfile
import time
from pathlib import Path

from tutti.engine.audio.offline import cue_from_frame, render_wav
from tutti.engine.audio.room import room_from_hall
from tutti.engine.conducting.beat_grid import beaten_as
from tutti.engine.hall import read_hall
from tutti.engine.notation.score_cache import open_score
from tutti.engine.performance import Performance
from tutti.studio.concert import concert_score, concert_take
from tutti.studio.ensemble_setup import seat, sound_loader
from tutti.studio.render import perform_offline


def report(what: str, music_s: float, cpu_s: float, wall_s: float) -> None:
    print(
        f"{what:<34} {music_s:6.1f} s of music  {cpu_s:6.1f} s CPU  {wall_s:6.1f} s wall   "
        f"{music_s / cpu_s:6.1f} × real time (CPU)  {music_s / wall_s:6.1f} × (wall)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, help="render only so much of the sound")
    options = parser.parse_args()
    take = concert_take()
    score, start_beat = beaten_as(open_score(concert_score()), take.metadata)
    hall = read_hall()
    placements = seat(score, None, hall)

    cpu_s, wall_s = time.process_time(), time.perf_counter()
    frames = perform_offline(Performance(score, (), start_beat), take)
    music_s = frames[-1].time_s - frames[0].time_s
    report("conducting to notes", music_s, time.process_time() - cpu_s, time.perf_counter() - wall_s)

    cpu_s, wall_s = time.process_time(), time.perf_counter()
    sounds = sound_loader(score, None)()
    print(f"{'sounds from the cache':<34} {time.perf_counter() - wall_s:.2f} s wall ({sounds.name})")
    cues = [cue_from_frame(frame) for frame in frames]
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        rendered = render_wav(Path(folder) / "out.wav", placements, sounds, room_from_hall(hall), cues, options.seconds)
    cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
    report(f"sound of {len(placements)} players", rendered.duration_s, cpu_s, wall_s)
    print(
        f"at most {rendered.most_voices} voices at once, {rendered.left_out} notes left out; "
        f"{rendered.loudness_lufs:.1f} LUFS, limiter at most {rendered.limiting_db:.1f} dB"
    )


if __name__ == "__main__":
    main()
