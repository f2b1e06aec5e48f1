"""How well a soloist is followed: virtual soloists on real parts, who slip, skip, restart and stop.

    tutti bench soloist FOLDER [--pieces 24] [--seeds 1] [--quick] [--peer PYTHON] [--list]

FOLDER holds scores (MusicXML); of each the first part (quartets) or the most melodic is the solo. After every
note the place that the follower tells is compared with the note that was meant: it counts as right within 100 (50) ms
of the music as it is played, or at the same printed notes of another repeat. The first eight notes after a jump are not
counted; a piece is tracked if 90 % of the others are right, and among the last ten more than half. ``locked again``:
notes from a jump until three in a row are right; who leaves again before that was not locked, however soon. ``false
jumps``: how often the follower leaves its place and is wrong.

With ``--peer`` an interpreter that has parangonar (``python -m venv peer; peer/bin/pip install parangonar tqdm torch``)
runs its online trackers on the same notes of some of the parts, and Tutti is shown on just those once more. Last, the
orchestra itself: when its notes sound that stand under a note of the soloist.
"""

import argparse
import json
import logging
import subprocess
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
from _soloist_cases import SITUATIONS, Situation, Solo, read_solo
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tutti.engine.accompaniment import Soloist
from tutti.engine.listening.score_following import SoloFollower
from tutti.engine.listening.virtual_soloist import SoloNote, play_solo
from tutti.engine.performance import Performance

NEAR_S, NEARER_S = 0.1, 0.05
GRACE_NOTES = 8
LOCKED_NOTES = 3
"""So many right in a row are locked; a stretch of fewer tells nothing of it."""
TRACKED = 0.9
STEP_S = 0.01
console = Console(width=max(110, Console().width))


@dataclass(slots=True)
class Outcome:
    """What one tracker did in one situation, over pieces."""

    tracked: list[bool] = field(default_factory=list)
    near: list[float] = field(default_factory=list)
    nearer: list[float] = field(default_factory=list)
    locked: list[float] = field(default_factory=list)
    false_jumps: int = 0
    notes: int = 0
    failed: list[str] = field(default_factory=list)
    cost_s: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Case:
    solo: Solo
    situation: Situation
    seed: int
    notes: list[SoloNote]

    @property
    def name(self) -> str:
        return f"{self.solo.name} ({self.seed})"


def make_case(solo: Solo, situation: Situation, seed: int) -> Case:
    rng = np.random.default_rng([seed, *solo.name.encode()[:16], *situation.name.encode()])
    latest = max(1, len(solo.line) - 400)
    start = 0 if seed == 0 else int(rng.integers(0, latest))
    notes, _ = play_solo(solo.line, situation.plan(solo.line, start, rng), int(rng.integers(1 << 30)), situation.manner)
    return Case(solo, situation, seed, notes)


Answer = tuple[np.ndarray, float, int]
"""The event told after each note, processor seconds a note, and how often the tracker jumped to a wrong place."""


def follow(case: Case) -> Answer:
    """What the follower tells."""
    follower = SoloFollower(case.solo.score, case.solo.line)
    began_s = time.process_time()
    events, jumps, false = [], 0, 0
    for note in case.notes:
        follower.hear(note.heard)
        assert follower.event is not None
        events.append(follower.event)
        now = follower.at(note.told_s).jumps
        if now > jumps and note.event >= 0 and not _right(case, [note.event], [follower.event], NEAR_S)[0]:
            false += 1
        jumps = now
    return np.array(events), (time.process_time() - began_s) / len(events), false


def _right(case: Case, meant: list[int] | np.ndarray, told: list[int] | np.ndarray, within_s: float) -> np.ndarray:
    line = case.solo.line
    off_s = np.abs(line.nominal_s[meant] - line.nominal_s[told]) / case.situation.manner.tempo
    return np.asarray((off_s <= within_s) | (line.place[meant] == line.place[told]))


def judge(case: Case, told: np.ndarray, outcome: Outcome) -> None:
    meant = np.array([note.event for note in case.notes])
    kept = np.flatnonzero(meant >= 0)
    meant, told = meant[kept], told[kept]
    right, nearer = _right(case, meant, told, NEAR_S), _right(case, meant, told, NEARER_S)
    steps = np.diff(meant)
    begins = [0, *(np.flatnonzero((steps < 0) | (steps > 7)) + 1).tolist(), len(meant)]
    counted = np.ones(len(meant), bool)
    for number, (first, last) in enumerate(pairwise(begins)):
        counted[first : first + GRACE_NOTES] = False
        if number:
            row = right[first:last]
            if len(row) < LOCKED_NOTES:
                continue
            runs = [i for i in range(len(row) - LOCKED_NOTES + 1) if row[i : i + LOCKED_NOTES].all()]
            outcome.locked.append(float(runs[0]) if runs else np.inf)
    if not counted.any():
        return
    share = float(right[counted].mean())
    outcome.near.append(share)
    outcome.nearer.append(float(nearer[counted].mean()))
    outcome.tracked.append(share >= TRACKED and bool(right[-10:].mean() > 0.5))
    outcome.notes += len(meant)
    if not outcome.tracked[-1]:
        outcome.failed.append(f"{case.name} {100 * share:.0f} %")


def judged(cases: Sequence[Case], answers: Sequence[Answer]) -> Outcome:
    """What a tracker's answers to cases of one situation come to."""
    outcome = Outcome()
    for case, (told, cost_s, false_jumps) in zip(cases, answers, strict=True):
        judge(case, told, outcome)
        outcome.cost_s.append(cost_s)
        outcome.false_jumps += false_jumps
    return outcome


def peer_answers(python: str, tracker: str, cases: list[Case]) -> list[Answer]:
    """What a tracker of the peer says on the same notes; its jumps are not counted."""
    lines = []
    for case in cases:
        line = case.solo.line
        score = [
            [float(line.quarter[event]), int(pitch), bool(line.optional[event])]
            for event in range(len(line))
            for pitch in np.flatnonzero(line.pitches[event])
        ]
        notes = [[note.heard.onset_s, round(note.heard.pitch)] for note in case.notes]
        lines.append(json.dumps({"score": score, "notes": notes, "tracker": tracker}))
    script = Path(__file__).with_name("_soloist_peer.py")
    done = subprocess.run([python, str(script)], input="\n".join(lines), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{python}: {done.stderr.strip().splitlines()[-1]}")
    answers = []
    for case, text in zip(cases, done.stdout.splitlines(), strict=True):
        answer = json.loads(text)
        told = np.searchsorted(case.solo.line.quarter, np.array(answer["places"]) - 1e-3)
        answers.append((np.minimum(told, len(case.solo.line) - 1), float(answer["cost_s"]), 0))
    return answers


def accompany(case: Case) -> np.ndarray:
    """By how many seconds the orchestra's notes come after the soloist's notes that they stand under."""
    line = case.solo.line
    performance = Performance(case.solo.score, soloist=Soloist(line.parts, 1.0))
    onsets = defaultdict(list)
    for note in case.notes:
        if note.event >= 0:
            onsets[round(float(line.quarter[note.event]), 4)].append(note.heard.onset_s)
    off, at, frames = [], 0, 0
    while frames * STEP_S < case.notes[-1].told_s + 0.5:
        now_s = frames * STEP_S
        heard = []
        while at < len(case.notes) and case.notes[at].told_s <= now_s:
            heard.append(case.notes[at].heard)
            at += 1
        for played in performance.step(now_s, (), heard).notes:
            near = onsets.get(round(played.quarter, 4))
            if near:
                off.append(min((played.onset_s - onset_s for onset_s in near), key=abs))
        frames += 1
    performance.close()
    return np.array(off)


def table(title: str, outcomes: dict[str, Outcome]) -> None:
    shown = Table(title=title)
    for column in (
        "situation",
        "tracked",
        "≤100 ms",
        "≤50 ms",
        "locked again (median / 90 %)",
        "within 8",
        "false jumps",
    ):
        shown.add_column(column, justify="left" if column == "situation" else "right")
    for name, outcome in outcomes.items():
        locked = np.array(outcome.locked)
        shown.add_row(
            name,
            f"{sum(outcome.tracked)} / {len(outcome.tracked)}",
            f"{100 * np.mean(outcome.near):.1f} %",
            f"{100 * np.mean(outcome.nearer):.1f} %",
            " / ".join(_notes(locked, share) for share in (50, 90)) if len(locked) else "–",
            f"{100 * np.mean(locked <= GRACE_NOTES):.0f} %" if len(locked) else "–",
            str(outcome.false_jumps),
        )
    console.print(shown)


def _notes(locked: np.ndarray, share: float) -> str:
    """A percentile of notes until a jump was locked, which may be never."""
    notes = float(np.percentile(locked, share, method="higher"))
    return f"{notes:.0f}" if np.isfinite(notes) else "never"


def verdict(name: str, value: float, must: float, aim: float) -> str:
    said = "aim met" if value >= aim else "must met" if value >= must else "missed"
    return f"{name}: {value:.0f} % (must {must:.0f}, aim {aim:.0f}): {said}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="scores (MusicXML)")
    parser.add_argument("--pieces", type=int, default=24, help="evenly chosen from the folder")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", default="", help="situations whose names hold this")
    parser.add_argument("--quick", action="store_true", help="eight pieces")
    parser.add_argument("--peer", default="", help="an interpreter with parangonar")
    parser.add_argument("--peer-pieces", type=int, default=12)
    parser.add_argument(
        "--peer-trackers", nargs="+", default=["SLT_OLTW"], help="SLT_OLTW, transformer (85 ms of processor a note)"
    )
    parser.add_argument("--list", action="store_true", help="name the pieces that were not tracked")
    parser.add_argument("--no-orchestra", action="store_true")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    paths = sorted((*options.folder.rglob("*.mxl"), *options.folder.rglob("*.musicxml")))
    count = 8 if options.quick else options.pieces
    chosen = [paths[index] for index in np.unique(np.linspace(0, len(paths) - 1, min(count, len(paths))).astype(int))]
    solos = [solo for solo in map(read_solo, chosen) if solo is not None]
    if not solos:
        raise SystemExit(f"{options.folder}: no scores with a part of 250 notes or more")
    situations = [situation for situation in SITUATIONS if options.only in situation.name]
    cases = {
        situation.name: [make_case(solo, situation, seed) for solo in solos for seed in range(options.seeds)]
        for situation in situations
    }
    bars = Progress(*Progress.get_default_columns(), console=Console(stderr=True), transient=True)
    with bars:
        answers = {name: [follow(case) for case in bars.track(row, description=name)] for name, row in cases.items()}
    ours = {name: judged(row, answers[name]) for name, row in cases.items()}
    table(f"Tutti: {len(solos)} parts, {sum(len(case.notes) for row in cases.values() for case in row)} notes", ours)
    console.print(f"cost of a note: {1000 * np.mean([c for o in ours.values() for c in o.cost_s]):.2f} ms of processor")
    if options.list:
        for name, outcome in ours.items():
            console.print(f"{name}: {'; '.join(outcome.failed) or 'all tracked'}")
    if options.peer:
        for tracker in options.peer_trackers:
            theirs, same = {}, {}
            with bars:
                for name, row in bars.track(cases.items(), description=tracker):
                    some = row[: options.peer_pieces]
                    theirs[name] = judged(some, peer_answers(options.peer, tracker, some))
                    same[name] = judged(some, answers[name][: len(some)])
            table(f"parangonar, {tracker} (no count of jumps)", theirs)
            console.print(f"cost of a note: {1000 * np.mean([c for o in theirs.values() for c in o.cost_s]):.2f} ms")
            table("Tutti on the same parts", same)
    leaving = [o for name, o in ours.items() if any(s.name == name and s.jumps for s in situations)]
    if leaving:
        share = 100 * np.mean([t for outcome in leaving for t in outcome.tracked])
        locked = 100 * np.mean([n <= GRACE_NOTES for outcome in leaving for n in outcome.locked])
        console.print(verdict("pieces tracked with skips and restarts", share, 80.0, 95.0))
        console.print(verdict("locked again within 8 notes", locked, 80.0, 95.0))
    if not options.no_orchestra:
        for name in ("clean", "microphone", "restarts"):
            off = [accompany(case) for case in cases.get(name, ())[:6]]
            off_ms = 1000 * np.concatenate([row for row in off if len(row)]) if off else np.zeros(0)
            if len(off_ms):
                console.print(
                    f"orchestra under the soloist, {name}: median {np.median(off_ms):+.0f} ms, "
                    f"{100 * np.mean(np.abs(off_ms) <= 50):.0f} % within 50 ms, "
                    f"{100 * np.mean(np.abs(off_ms) <= 100):.0f} % within 100 ms ({len(off_ms)} notes)"
                )


if __name__ == "__main__":
    main()
