"""How long a score takes to open: read by music21, compiled by Tutti, reopened from the cache.

    python benchmarks/score_open.py [FILE_OR_FOLDER ...]

Each score is measured in fresh processes (processor time, imports included): music21 alone (``converter.parse``),
Tutti's first opening (parse, compile, keep) and its reopening. Without arguments the concert piece and three pieces of
music21's corpus are opened; a folder is searched for scores. The last line sums up: what compiling adds to the parse,
and how many times faster reopening is than parsing.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tutti.engine.errors import ScoreError
from tutti.engine.notation.score_cache import open_score
from tutti.engine.notation.score_source import SUFFIXES, find_score

DEFAULTS = ("concert", "bach/bwv66.6", "mozart/k155/movement1", "schumann_robert/opus41no1/movement1")
BUDGET_S = 0.3
"""Reopening, imports included."""

PARSE = """
import time
from music21 import converter
converter.parse({path!r}, forceSource=True, storePickle=False)
print(time.process_time(), 0)
"""
OPEN = """
import time
from pathlib import Path
start = time.perf_counter()
from tutti.engine.notation.score_cache import open_score
score = open_score({path!r}, Path({cache!r}))
print(time.process_time(), time.perf_counter() - start)
"""


def run(code: str, **values: str) -> tuple[float, float]:
    """(processor seconds of a fresh process, wall seconds of import and opening)."""
    done = subprocess.run([sys.executable, "-c", code.format(**values)], capture_output=True, text=True, check=True)
    processor_s, wall_s = done.stdout.split()[-2:]
    return float(processor_s), float(wall_s)


def sources(arguments: list[str]) -> list[Path]:
    found: list[Path] = []
    for argument in arguments or list(DEFAULTS):
        folder = Path(argument)
        if folder.is_dir():
            found += sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
        else:
            found.append(find_score(argument))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("scores", nargs="*", help="files, folders or corpus names")
    parser.add_argument("--only-load", action="store_true", help="just open every score and say which fail")
    options = parser.parse_args()
    paths = sources(options.scores)
    if not paths:
        parser.error(f"{', '.join(options.scores)}: no scores in there")
    with tempfile.TemporaryDirectory() as cache:
        if options.only_load:
            return load_all(paths, Path(cache))
        print(f"{'score':40} {'notes':>6} {'music21':>8} {'first':>8} {'again':>8} {'wall':>8}  seconds")
        rows = []
        for path in paths:
            parse_s, _ = run(PARSE, path=str(path))
            first_s, _ = run(OPEN, path=str(path), cache=cache)
            again = [run(OPEN, path=str(path), cache=cache) for _ in range(3)]
            again_s = statistics.median(processor_s for processor_s, _wall in again)
            wall_s = min(wall for _processor, wall in again)
            notes = len(open_score(path, Path(cache)).notes)
            rows.append((parse_s, first_s, again_s, wall_s))
            print(f"{path.name[:40]:40} {notes:6} {parse_s:8.2f} {first_s:8.2f} {again_s:8.3f} {wall_s:8.3f}")
        added = statistics.median(first / parse for parse, first, _again, _wall in rows)
        faster = statistics.median(parse / again for parse, _first, again, _wall in rows)
        slowest = max(again for _parse, _first, again, _wall in rows)
        print(f"first opening {added:.2f} x music21's parse; reopening {faster:.0f} x faster than it")
        print(f"slowest reopening {slowest:.3f} s of processor time (limit {BUDGET_S} s)")
        return 0 if slowest < BUDGET_S else 1


def load_all(paths: list[Path], cache: Path) -> int:
    failures = 0
    for path in paths:
        try:
            score = open_score(path, cache)
            print(f"{path.name}: {len(score.parts)} parts, {len(score.measures)} measures, {len(score.beats)} beats")
        except ScoreError as error:
            failures += 1
            print(f"FAILED {error}")
    print(f"{len(paths) - failures} of {len(paths)} scores load")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
