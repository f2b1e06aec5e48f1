"""Rules of part-writing on a corpus: how often composers break them, what they weigh, and the rule-based harmoniser.

    tutti bench rules FOLDER [--pieces 20] [--fit]

FOLDER holds four-part scores, or is a JSON file {"train": [piece], "valid": [...], "test": [...]} whose pieces are rows
of four pitches a sixteenth (soprano first, −1 for rests), as the canonical split of Bach's chorales comes; then the
test pieces are taken, and weights are fitted on the validation pieces and judged on the test pieces.
Everything is printed for the corpus itself and for the harmoniser under its melodies.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from tutti.engine.notation.score_cache import open_score
from tutti.engine.score import BEAT_DTYPE, FERMATA_DTYPE, MEASURE_DTYPE, NOTE_DTYPE, TEMPO_DTYPE, Part, Score
from tutti.engine.types import ScoreNote
from tutti.models.craft.analysis import analyse
from tutti.models.craft.beatwise import sounding_on_beats
from tutti.models.craft.broken_rules import steps_of
from tutti.models.craft.chords import chord_tone_share
from tutti.models.craft.rule_fitting import choices_of, fit_weights, nll
from tutti.models.craft.rule_harmoniser import harmonise
from tutti.models.craft.rules import RULES, RuleSet

CHOIR = ("soprano", "alto", "tenor", "bass")
RULES_SHOWN = tuple(known.name for known in RULES if known.name not in ("given-chord", "out-of-scale"))


def score_of_rows(rows: Sequence[Sequence[float]], name: str) -> Score:
    """A score of four voices from pitches per sixteenth; a pitch that goes on within a quarter is one note."""
    grid = np.array(rows, float).astype(int)
    notes = []
    for part in range(grid.shape[1]):
        start = 0
        for step in range(1, len(grid) + 1):
            if step == len(grid) or grid[step, part] != grid[start, part] or step % 4 == 0:
                if grid[start, part] >= 0:
                    notes.append((start / 4, (step - start) / 4, grid[start, part], part, 0.5, 0, start // 16, 0.0, 0))
                start = step
    return _score(notes, -(-len(grid) // 16), name)


def _score(notes: list[tuple[float, float, int, int, float, int, int, float, int]], measures: int, name: str) -> Score:
    return Score(
        title=name,
        composer="",
        sha256=name,
        parts=tuple(Part(voice.title(), voice, voice, 0) for voice in CHOIR),
        notes=np.sort(np.array(notes, NOTE_DTYPE), order=["onset_quarter", "part", "pitch"]),
        measures=np.array([(4.0 * m, 4.0, str(m + 1), 4, 4) for m in range(measures)], MEASURE_DTYPE),
        beats=np.array([(4.0 * m + b, 1.0, m, b + 1, 4) for m in range(measures) for b in range(4)], BEAT_DTYPE),
        tempos=np.array([(0.0, 80.0)], TEMPO_DTYPE),
        fermatas=np.zeros(0, FERMATA_DTYPE),
    )


def with_notes(score: Score, notes: Iterable[ScoreNote]) -> Score:
    rows = [
        (n.onset_quarter, n.duration_quarter, n.pitch, n.part, n.dynamic, 0, score.measure_at(n.onset_quarter), 0.0, 0)
        for n in notes
    ]
    return _score(rows, len(score.measures), score.title)


def read_pieces(path: Path, pieces: int) -> tuple[list[Score], list[Score]]:
    """Validation and test pieces."""
    if path.is_file():
        data = json.loads(path.read_text(encoding="utf-8"))
        return (
            [score_of_rows(rows, f"valid {n}") for n, rows in enumerate(data["valid"][:pieces])],
            [score_of_rows(rows, f"test {n}") for n, rows in enumerate(data["test"][:pieces])],
        )
    files = sorted(found for found in path.rglob("*") if found.suffix in (".mxl", ".musicxml", ".xml", ".krn"))
    scores = [open_score(file) for file in files[: 2 * pieces]]
    four = [score for score in scores if len(score.parts) == 4]
    return four[::2], four[1::2]


def measures(scores: Sequence[Score]) -> dict[str, float]:
    """Breaches of each rule per 100 beats, beats whose notes are of one chord (%), onsets per beat."""
    broken: Counter[str] = Counter()
    beats = onsets = 0
    sounding: list[list[int]] = []
    for score in scores:
        broken.update(analyse(score).counted())
        first = float(score.notes["onset_quarter"].min())
        here = [
            pitches
            for quarter, pitches in zip(score.beats["quarter"], sounding_on_beats(score), strict=True)
            if quarter >= first
        ]
        sounding += here
        beats += len(here)
        onsets += len(score.notes)
    rates = {name: 100.0 * broken[name] / beats for name in RULES_SHOWN}
    return rates | {"chord-tone beats %": 100.0 * chord_tone_share(sounding), "onsets per beat": onsets / beats}


def harmonised(scores: Sequence[Score]) -> tuple[list[Score], float]:
    """The scores with their highest part harmonised by rules, and CPU milliseconds per beat."""
    results, beats, start = [], 0, time.process_time()
    for score in scores:
        top = min(range(len(score.parts)), key=lambda part: -score.notes["pitch"][score.notes["part"] == part].mean())
        melody = [note for note in score.notes_between(0.0, score.end_quarter) if note.part == top]
        melody = [ScoreNote(n.onset_quarter, n.duration_quarter, n.pitch, 0, n.dynamic) for n in melody]
        answer = harmonise(melody, score.beats)
        beats += len(answer.chords)
        results.append(with_notes(score, [*melody, *answer.notes]))
    return results, 1000.0 * (time.process_time() - start) / max(1, beats)


def print_fit(valid: Sequence[Score], test: Sequence[Score]) -> None:
    """Weights fitted on one half, and what they and the shipped ones are worth on the other."""
    fitting, judging = (choices_of([step for score in half for _, step in steps_of(score)]) for half in (valid, test))
    fitted = fit_weights(fitting)
    print(f"\nweights (nats) fitted on {len(fitting)} notes, judged on {len(judging)} others")
    print(f"{'rule':26}{'fitted':>9}{'shipped':>9}")
    for known in RULES:
        print(f"{known.name:26}{fitted.weights[known.name]:9.2f}{known.weight:9.2f}")
    for name, weights in (("no rules", {}), ("fitted", fitted.weights), ("shipped", RuleSet().weights)):
        vector = np.array([weights.get(known.name, 0.0) for known in RULES])
        print(f"NLL, nats per note, {name:10}{nll(judging, vector):8.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--pieces", type=int, default=20, help="most pieces of each half")
    parser.add_argument("--fit", action="store_true", help="fit the rules' weights as well")
    options = parser.parse_args()
    valid, test = read_pieces(options.corpus, options.pieces)
    if not valid or not test:
        parser.error(f"{options.corpus}: fewer than two scores of four parts in there")
    answers, cpu_ms = harmonised(test)
    corpus, rules = measures(test), measures(answers)
    print(f"{len(test)} pieces; per 100 beats{'corpus':>16}{'by rules':>10}")
    for name, value in corpus.items():
        print(f"{name:31}{value:10.2f}{rules[name]:10.2f}")
    print(f"harmonising took {cpu_ms:.1f} ms of CPU per beat")
    if options.fit:
        print_fit(valid, test)


if __name__ == "__main__":
    main()
