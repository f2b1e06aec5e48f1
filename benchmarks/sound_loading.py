"""How long an orchestra's sounds take to load: prepared for the first time, and mapped from the cache afterwards.

    python benchmarks/sound_loading.py [--soundfont FILE]

Without a SoundFont the synthesised set is made. Limits: 60 s of processor time for the first load, 1 s for later ones.
"""

import argparse
import tempfile
import time
from pathlib import Path

from tutti.engine.instruments import catalogue
from tutti.engine.sounds.sound_set import load_sound_set

LIMITS_S = {"first": 60.0, "warm": 1.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--soundfont", type=Path, help="SF2 or SF3; else the synthesised sounds")
    options = parser.parse_args()
    instruments = list(catalogue())
    with tempfile.TemporaryDirectory() as folder:
        for name, limit_s in LIMITS_S.items():
            start_s, cpu_s = time.perf_counter(), time.process_time()
            sounds = load_sound_set(instruments, options.soundfont, Path(folder))
            wall_s, used_s = time.perf_counter() - start_s, time.process_time() - cpu_s
            size_mb = sum(sample.data.nbytes for sample in sounds.samples) / 1e6
            print(
                f"{name:>5} load of {len(instruments)} instruments: {used_s:6.2f} s processor, {wall_s:6.2f} s wall, "
                f"{len(sounds.samples)} samples, {size_mb:.0f} MB, {limit_s / used_s:.1f} × faster than the limit"
            )
        del sounds


if __name__ == "__main__":
    main()
