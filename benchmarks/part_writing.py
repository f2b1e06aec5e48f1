"""How the AI player that ships writes for quartets it did not learn from: repeated notes, cadences, broken rules.

    tutti bench part-writing FOLDER [--weights FILE] [--starts 3] [--seeds 1] [--quick] [--json FILE]

FOLDER holds the scores that the weights' manifest names; of those that only validated them the quartets are taken.
Every figure has the composers' own beside it. Lower voices are answered to the first violin as it comes, after four
bars of the composer's, nothing of what follows known; music is continued after eight bars, one draft each; live, two
bars of a first violin are answered in free playing. Nats are
of the lower voices' tokens, given the highest voice so far, over the same steps of the same pieces for the AI player's
network and for the baselines.
"""

import argparse
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from _ai_measures import as_pitches, begun, summary
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from tutti.engine.errors import ModelError
from tutti.engine.notation.score_cache import open_score
from tutti.engine.performed import PERFORMER_PART
from tutti.engine.score import Score
from tutti.engine.types import ScoreNote, Situation
from tutti.models import tasks
from tutti.models.baselines.catalogue import baseline_weights
from tutti.models.composing import compose
from tutti.models.craft.analysis import analyse
from tutti.models.craft.chords import cadence
from tutti.models.craft.keys import Key
from tutti.models.decoding import PartDecoder
from tutti.models.ensemble_writing import EnsembleWriter
from tutti.models.grid import ABSENT
from tutti.models.live_music import Answer, LiveMusic, Turns
from tutti.models.part.corpus import PartPiece, pieces_from_score
from tutti.models.part.decoder import NetworkDecoder
from tutti.models.part.runtime import PartModel
from tutti.models.part.training import load_network, validation_nats
from tutti.models.score_shapes import all_notes, bars_of, blank_score, new_part, with_notes
from tutti.models.voice_groups import part_heights, part_ranges, plan_groups
from tutti.models.weights import read_part_weights
from tutti.models.wish import Wish
from tutti.studio.ai.drafts import key_heard
from tutti.studio.ai.jam import BAND

PRIMED_STEPS, ANSWERED_STEPS = 64, 256
BARS = 8
LIKELIHOOD_STEPS = 1024
TURN_BARS = 2
console = Console(width=132)


@dataclass(frozen=True, slots=True)
class Quartet:
    """A score that was held out, and its four voices on the grid."""

    score: Score
    piece: PartPiece


def main() -> None:
    """Measure and print; ``--json`` for a file of the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", type=Path, help="others than those that ship")
    parser.add_argument("--starts", type=int, default=3, help="places in each quartet")
    parser.add_argument("--seeds", type=int, default=1, help="answers at each place")
    parser.add_argument("--quick", action="store_true", help="one place in each quartet, no likelihood")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    threadpool_limits(1)
    model = PartModel.load(options.weights)
    quartets = held_out(options.folder, model)
    console.print(f"{model.source}, {len(quartets)} quartets: {', '.join(q.piece.work for q in quartets)}")
    starts = 1 if options.quick else options.starts
    figures: dict[str, dict[str, float]] = {}
    figures |= accompanying(model, quartets, starts, options.seeds)
    figures |= continuing(model, quartets, starts, options.seeds)
    if not options.quick:
        figures |= likelihood(options.weights, quartets)
    show(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


def held_out(folder: Path, model: PartModel) -> list[Quartet]:
    """The quartets under a folder that the weights only validated. Raises ``SystemExit`` where there is none."""
    names = set(model.manifest.data.get("validation", ()))
    found = []
    for path in sorted(folder.rglob("*")):
        if path.name in names:
            score = open_score(path)
            pieces = [piece for piece in pieces_from_score(path.name, score) if not (piece.tokens == ABSENT).any()]
            if len(score.parts) == 4 and len(pieces) == 1:
                found.append(Quartet(score, pieces[0]))
    if not found:
        raise SystemExit(f"{folder}: none of the quartets that were held out from these weights is in there")
    return found


def accompanying(model: PartModel, quartets: Sequence[Quartet], starts: int, seeds: int) -> dict[str, dict[str, float]]:
    """The lower voices answered to the highest, beside the composers'."""
    ours, theirs, on_beat, written, answered = [], [], [], Counter[str](), Counter[str]()
    for quartet in quartets:
        piece, tokens = quartet.piece, quartet.piece.tokens.astype(np.int64)
        room = len(tokens) - ANSWERED_STEPS
        for place in range(starts):
            start = max(PRIMED_STEPS, room * place // starts)
            own = tokens[start : start + ANSWERED_STEPS]
            theirs.append(as_pitches(own))
            on_beat.append(np.isin(piece.grid.place[start : start + len(own)], (0, 4)))
            written += begun(own)
            for seed in range(seeds):
                decoder = PartDecoder(model, given=(0,), seed=seed)
                for step in range(start - PRIMED_STEPS, start):
                    decoder.step(piece.grid.at(step), dict(enumerate(tokens[step].tolist())))
                steps = range(start, start + len(own))
                answer = np.array([decoder.step(piece.grid.at(step), {0: int(tokens[step, 0])}) for step in steps])
                ours.append(as_pitches(answer))
                answered += begun(answer)
    beats = float(sum(here.sum() for here in on_beat))
    each = [here for here in on_beat for _ in range(seeds)]
    return {
        "composers": _rates(summary(theirs, on_beat), written, beats),
        "accompanying": _rates(summary(ours, each), answered, beats * seeds),
    }


def _rates(summed: dict[str, float], counted: Counter[str], beats: float) -> dict[str, float]:
    """What was counted in pitches and in tokens, by name."""
    return {
        "parallel fifths in 100 beats": summed["fifths"],
        "parallel octaves in 100 beats": summed["octaves"],
        "chord-tone beats, %": summed["chords"],
        "changes of pitch a beat": summed["onsets"],
        "notes begun a beat": counted["begun"] / beats,
        "of them struck again, %": 100 * counted["again"] / max(1, counted["begun"]),
        "struck again out of time in 100 beats": 100 * counted["uneven"] / beats,
    }


def continuing(model: PartModel, quartets: Sequence[Quartet], starts: int, seeds: int) -> dict[str, dict[str, float]]:
    """Eight bars continued and answered: how they end, how many rules they break, how much happens in them."""
    makers: dict[str, Callable[[Score], tasks.Assignment]] = {
        "continue": lambda score: tasks.go_on(score, BARS),
        "answer": lambda score: tasks.answer(score, BARS // 2),
        "harmonise": lambda score: tasks.harmonise(score, [0]),
    }
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in ("composers' next bars", *makers, "live answer")}
    for quartet in quartets:
        bars = len(quartet.score.measures)
        for place in range(starts):
            first = (bars - 2 * BARS) * place // starts
            excerpt = bars_of(quartet.score, first, first + BARS - 1)
            if len(np.unique(excerpt.notes["part"])) < 4 or len(excerpt.notes) < 8 * BARS:
                continue
            following = bars_of(quartet.score, first + BARS, first + 2 * BARS - 1)
            rows["composers' next bars"].append(_judged(following, 0.0, None))
            for name, make in makers.items():
                assignment = make(excerpt)
                assignment = replace(assignment, key=key_heard(assignment))
                start = 0.0 if name == "harmonise" else excerpt.end_quarter
                for seed in range(seeds):
                    done = compose(assignment, NetworkDecoder(model, seed), Wish())
                    rows[name].append(_judged(done.score, start, assignment.key))
            for seed in range(seeds):
                live = _answered_live(model, excerpt, seed)
                if len(live.notes):
                    bar = float(live.measures["start_quarter"][TURN_BARS])
                    rows["live answer"].append(_judged(live, bar, None))
    return {
        name: {figure: float(np.mean([row[figure] for row in judged])) for figure in judged[0]}
        for name, judged in rows.items()
        if judged
    }


def _answered_live(model: PartModel, excerpt: Score, seed: int) -> Score:
    """Two bars of the excerpt's first part as a call, and what the AI player answers in free playing: those bars."""
    bars = bars_of(excerpt, 0, TURN_BARS - 1)
    metre = int(bars.measures["numerator"][0]), int(bars.measures["denominator"][0])
    empty = blank_score("", [new_part(key) for key in BAND["answer"]], 4 * TURN_BARS, *metre)
    own = frozenset(range(len(empty.parts)))
    call = [replace(note, part=PERFORMER_PART) for note in all_notes(bars) if note.part == 0]
    music = LiveMusic(empty, own, frozenset(), performer=True, turns=Turns(0, TURN_BARS))
    groups = plan_groups(part_heights(empty), sorted(own), part_ranges(empty))
    writer = EnsembleWriter(groups, NetworkDecoder(model, seed))
    end = float(empty.measures["start_quarter"][2 * TURN_BARS])
    notes = []
    for quarter in np.arange(0.0, end, 1.0):
        start, stop = music.step_at(quarter), music.step_at(min(end, quarter + 1.0))
        heard = tuple(note for note in call if note.onset_quarter < quarter)
        ask = music.ask(start, stop, Wish(), Situation(quarter, performed=heard))
        columns = writer.write(ask.sheet)
        tokens = {part: columns[part][ask.offset :] for part in own}
        notes += music.play(start, stop, Answer(ask.number, start, tokens), Wish(), frozenset())
    written = [ScoreNote(n.onset_quarter, n.duration_quarter, n.pitch, n.part, 0.5) for n in notes]
    return bars_of(with_notes(empty, written), 0, 2 * TURN_BARS - 1)


def _judged(score: Score, start_quarter: float, key: Key | None) -> dict[str, float]:
    """What is counted in the music from ``start_quarter`` on; ``key`` is the one to end in (None: any)."""
    found = analyse(score)
    beats = float((score.beats["quarter"] >= start_quarter - 1e-6).sum())
    notes = score.notes[score.notes["onset_quarter"] >= start_quarter - 1e-6]
    chords = [span for span in found.chords if span.place.quarter >= start_quarter - 1e-6]
    end = cadence(chords[-2].chord, chords[-1].chord, key or chords[-1].key) if len(chords) > 1 else None
    breaches = [breach for breach in found.breaches if breach.place.quarter >= start_quarter - 1e-6]
    bars = score.measures["start_quarter"] >= start_quarter - 1e-6
    pitches = {(int(note["measure"]), int(note["part"]), int(note["pitch"])) for note in notes}
    return {
        "ends with a cadence, %": 100.0 * (end is not None),
        "in its key by the dominant, %": 100.0 * (end is not None and end.endswith("authentic cadence")),
        "broken rules a beat": len(breaches) / max(1.0, beats),
        "different chords in 8 bars": 8 * len({(s.chord.root, s.chord.quality) for s in chords}) / max(1, bars.sum()),
        "pitches of a part in a bar": len(pitches) / max(1, bars.sum()) / len(score.parts),
        "notes begun a beat": len(notes) / max(1.0, beats),
    }


def likelihood(weights: Path | None, quartets: Sequence[Quartet]) -> dict[str, dict[str, float]]:
    """Nats of the lower voices' tokens given the highest so far: the grid network and the baselines, same music."""
    from tutti.models.baselines.sequence_training import load_sequence, lower_voice_nats

    pieces = [quartet.piece for quartet in quartets]
    arrays, manifest = read_part_weights(weights)
    network = load_network(arrays, manifest.shape)
    found = {"grid": validation_nats(network, pieces, LIKELIHOOD_STEPS, given=(0,))}
    for kind in ("lstm", "transformer"):
        arrays, manifest = read_part_weights(baseline_weights(kind))
        found[kind] = lower_voice_nats(load_sequence(arrays, manifest.shape), pieces, LIKELIHOOD_STEPS)
    return {f"{name} network": {"nats of a lower voice's token": nats} for name, nats in found.items()}


def show(figures: dict[str, dict[str, float]]) -> None:
    """A table of who wrote by what was counted."""
    for title, names in (
        ("Lower voices under a first violin", ("composers", "accompanying")),
        ("Music that goes on", ("composers' next bars", "continue", "answer", "harmonise", "live answer")),
        ("Likelihood", tuple(name for name in figures if name.endswith("network"))),
    ):
        there = [name for name in names if name in figures]
        if not there:
            continue
        table = Table(title=title)
        table.add_column("figure", min_width=36)
        for name in there:
            table.add_column(name)
        for figure in figures[there[0]]:
            table.add_row(figure, *(f"{figures[name][figure]:.2f}" for name in there))
        console.print(table)


if __name__ == "__main__":
    try:
        main()
    except ModelError as error:
        raise SystemExit(str(error)) from error
