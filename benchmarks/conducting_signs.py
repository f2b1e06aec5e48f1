"""Figures of what hands, gaze and shape of the gesture say: cues, balance, cut-offs, loudness, articulation.

``figures`` is called by ``benchmarks/conducting.py``; alone: ``tutti bench conducting-signs [--quick]``.
Everything goes through ``Performance.step`` but loudness and articulation, which need only the tracker of dynamics.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from rich.console import Console
from rich.progress import track
from scipy.stats import spearmanr

from tutti.assets import asset_path
from tutti.engine.conducting.beat_figures import Style
from tutti.engine.conducting.dynamics import DynamicsTracker
from tutti.engine.conducting.mannerisms import plain_style, random_style
from tutti.engine.conducting.tracking import Take, TakeSource
from tutti.engine.conducting.virtual_conductor import Timings, conduct, intended
from tutti.engine.conducting.virtual_hands import Act, Body, CutHands, random_body, with_acts
from tutti.engine.entries import REST_BEATS, parts_of_sections
from tutti.engine.hall import read_hall
from tutti.engine.notation.score_cache import open_score
from tutti.engine.performance import Performance
from tutti.engine.placement import choose_plan, place_players, read_plan
from tutti.engine.score import Score
from tutti.engine.types import Beat, Dynamics, Frame, PlayerPlacement

PERIOD_S = 0.75
STEP_S = 0.01
NEAR_S = (-0.8, 0.6)
"""A cue counts for an act if it comes this long before or after its ictus."""
LEGATO_BELOW, STACCATO_ABOVE = -0.1, 0.5
HANDS: tuple[CutHands, ...] = ("free", "both", "baton")


def figures(quick: bool = False) -> dict[str, float]:
    """The figures by name; rates are 0–1, times in seconds. ``quick`` takes a few conductors only."""
    score = open_score(asset_path("scores", "concert.musicxml"))
    placements = place_players(score, read_plan(choose_plan(score)), read_hall("musikverein"))
    count, alone = (2, 3) if quick else (12, 16)
    stages = (
        partial(_cues, score, placements, count),
        partial(_idle, score, placements, 3 * count),
        partial(_cut_offs, score, placements, count),
        partial(_balance, score, placements, count),
        partial(_loudness, score, alone),
        partial(_articulation, score, alone),
    )
    result: dict[str, float] = {}
    for stage in track(stages, "signs", console=Console(stderr=True), transient=True):
        result |= stage()
    return result


def _timings(score: Score, periods: np.ndarray) -> Timings:
    return (
        score.beats["quarter"][: len(periods)].astype(float),
        4.0 + np.concatenate([[0.0], np.cumsum(periods[:-1])]),
    )


def _perform(score: Score, placements: Sequence[PlayerPlacement], take: Take) -> Iterator[Frame]:
    source, performance = TakeSource(take), Performance(score, (), 0, placements)
    start_s, end_s = take.start_s, take.end_s
    for tick in range(int((end_s - start_s + 1.0) / STEP_S)):
        now_s = start_s + tick * STEP_S
        yield performance.step(now_s, source.poll(now_s))
    performance.close()


def _taken(score: Score, timings: Timings, body: Body, seed: int, style: Style) -> tuple[Take, float]:
    take = conduct(score, timings, seed=seed, noise_m=body.noise_m, rate_hz=body.rate_hz, style=style)
    return take, float(take.metadata["offset_s"])


def _entries(score: Score, placements: Sequence[PlayerPlacement], beats: int) -> list[tuple[float, str]]:
    """Every entry of a section after a rest, by beat."""
    found = []
    for section, parts in parts_of_sections(placements).items():
        own = score.notes[np.isin(score.notes["part"], list(parts))]
        silent_since = -1e9
        for note in own:
            beat = score.quarter_to_beat(float(note["onset_quarter"]))
            if beat - silent_since >= REST_BEATS - 1e-6 and 6 < beat < beats - 4:
                found.append((beat, section))
            end = score.quarter_to_beat(float(note["onset_quarter"] + note["duration_quarter"]))
            silent_since = max(silent_since, end)
    return sorted(found)


def _cues(score: Score, placements: Sequence[PlayerPlacement], count: int) -> dict[str, float]:
    """Cues to sections that enter, in a full orchestra, with the gaze tracked and without.

    Where the orchestra is more than a beat away from the conductor, a cue is left out: that is a matter of following.
    """
    beats = 96
    timings = _timings(score, np.full(beats, PERIOD_S))
    entries = _entries(score, placements, beats)
    given = {True: 0, False: 0}
    right = {True: 0, False: 0}
    left_out = 0
    for seed in range(count):
        for gaze in (True, False):
            random = np.random.default_rng(1000 + seed)
            body = replace(random_body(random), head_oriented=gaze)
            take, offset_s = _taken(score, timings, body, seed, plain_style(random))
            acts: list[Act] = []
            for beat, section in entries:
                at_s = 4.0 + PERIOD_S * beat + offset_s
                alone = sum(abs(other - beat) < 1.5 for other, _ in entries) == 1
                if (alone or random.random() < 0.3) and (not acts or at_s - acts[-1].time_s > 3.5):
                    acts.append(Act("cue", at_s, section))
            frames = list(_perform(score, placements, with_acts(take, acts, body, placements, seed)))
            cues = [sign for frame in frames for sign in frame.signs if sign.kind == "cue"]
            for act in acts:
                frame = frames[int((act.time_s - take.start_s) / STEP_S)]
                if abs(frame.position.beat - (act.time_s - offset_s - 4.0) / PERIOD_S) > 1.0:
                    left_out += 1
                    continue
                near = [cue for cue in cues if NEAR_S[0] < cue.time_s - act.time_s < NEAR_S[1]]
                given[gaze] += 1
                right[gaze] += bool(near) and all(cue.section == act.section for cue in near)
    return {
        "cue to the right section": right[True] / max(1, given[True]),
        "cue to the right section, no gaze": right[False] / max(1, given[False]),
        "cues left out": left_out / (left_out + given[True] + given[False]),
    }


def _idle(score: Score, placements: Sequence[PlayerPlacement], count: int) -> dict[str, float]:
    """Conductors of all kinds whose free hand mirrors, rests, turns pages and scratches; holds without a cut-off."""
    periods = np.full(96, PERIOD_S)
    periods[[31, 63]] = 3.0
    timings = _timings(score, periods)
    minutes, cues, cuts = 0.0, 0, 0
    for seed in range(count):
        random = np.random.default_rng(2000 + seed)
        body = random_body(random)
        take, _ = _taken(score, timings, body, seed, random_style(random))
        acts, at_s = [], 8.0
        while at_s < take.end_s - 8.0:
            length_s = float(random.uniform(1.0, 2.5))
            acts.append(Act("page_turn" if random.random() < 0.5 else "scratch", at_s, length_s=length_s))
            at_s += length_s + float(random.uniform(4.0, 12.0))
        for frame in _perform(score, placements, with_acts(take, acts, body, placements, seed)):
            cues += sum(sign.kind == "cue" for sign in frame.signs)
            cuts += sum(sign.kind == "cut_off" for sign in frame.signs)
        minutes += (take.end_s - take.start_s) / 60.0
    return {"false cues in 10 minutes": 10.0 * cues / minutes, "false cut-offs": float(cuts)}


def _cut_offs(score: Score, placements: Sequence[PlayerPlacement], count: int) -> dict[str, float]:
    """Loops and sideways strokes of either hand or both after holds; taken for a beat, one makes a take miscounted."""
    holds = {15: 3.0, 31: 4.0, 47: 5.0}
    periods = np.full(64, PERIOD_S)
    for beat, length_s in holds.items():
        periods[beat] = length_s
    timings = _timings(score, periods)
    given, miscounted, late_s, ended_s = 0, 0, [], []
    for seed in range(count):
        random = np.random.default_rng(3000 + seed)
        body = random_body(random)
        hands = "free" if body.slash and HANDS[seed % 3] == "baton" else HANDS[seed % 3]
        style = replace(plain_style(random), hold="still")
        take, offset_s = _taken(score, timings, body, seed, style)
        acts = [
            Act("cut_off", float(timings[1][beat]) + offset_s + length_s - 1.45, hands=hands)
            for beat, length_s in holds.items()
        ]
        frames = list(_perform(score, placements, with_acts(take, acts, body, placements, seed)))
        counted = [max((beat.beat_index for beat in frame.beats), default=-1) for frame in frames]
        miscounted += max(counted) != len(intended(score, timings, seed=seed, style=style)[0]) - 1
        for act in acts:
            given += 1
            near = [f for f in frames if -0.3 < f.time_s - act.time_s < 0.6]
            late_s += [f.time_s - act.time_s for f in near if any(s.kind == "cut_off" for s in f.signs)][:1]
            released = [r.time_s for f in near if any(s.kind == "cut_off" for s in f.signs) for r in f.releases]
            ended_s += [max(released) - act.time_s] if released else []
    return {
        "cut-offs understood": len(late_s) / given,
        "miscounts with cut-offs": float(miscounted),
        "cut-off latency, median s": float(np.median(late_s)) if late_s else float("nan"),
        "cut-off latency, 95 % s": float(np.percentile(late_s, 95)) if late_s else float("nan"),
        "sound ended after, 95 % s": float(np.percentile(ended_s, 95)) if ended_s else float("nan"),
    }


def _balance(score: Score, placements: Sequence[PlayerPlacement], count: int) -> dict[str, float]:
    """Hands that raise or hush a section: told in the right direction, and for the right section."""
    timings = _timings(score, np.full(96, PERIOD_S))
    sections = sorted(s for s in parts_of_sections(placements) if s in ("violins-1", "violins-2", "cellos", "violas"))
    given = way = whom = 0
    for seed in range(count):
        random = np.random.default_rng(4000 + seed)
        body = random_body(random)
        take, offset_s = _taken(score, timings, body, seed, plain_style(random))
        acts = [
            Act("raise" if random.random() < 0.5 else "hush", at_s + offset_s, str(random.choice(sections)), 2.6)
            for at_s in np.arange(10.0, 66.0, 8.0)
        ]
        frames = _perform(score, placements, with_acts(take, acts, body, placements, seed))
        signs = [sign for frame in frames for sign in frame.signs if sign.kind in ("raise", "hush")]
        before: dict[str | None, float] = {}
        for act in acts:
            told = [sign for sign in signs if 0.0 < sign.time_s - act.time_s < act.length_s + 1.5]
            given += 1
            if told:
                last = told[-1]
                way += (last.amount > before.get(last.section, 0.0)) == (act.kind == "raise")
                whom += last.section == act.section
            before |= {sign.section: sign.amount for sign in told}
    return {"raise and hush, right way": way / given, "raise and hush, right section": whom / given}


def _track(take: Take, icti_s: np.ndarray) -> list[Dynamics]:
    """The tracker of dynamics alone, told of each ictus 60 ms after it."""
    tracker, result, index = DynamicsTracker(), [], 0
    for pose in take.of("baton"):
        beat = None
        if index < len(icti_s) and pose.time_s >= icti_s[index] + 0.06:
            beat = Beat(float(icti_s[index]), pose.time_s, index, 0.3, 0.8)
            index += 1
        result.append(tracker.step(pose, beat))
    return result


def _loudness(score: Score, count: int) -> dict[str, float]:
    """Bars beaten at levels drawn at random, over nearly two octaves of size: rank correlation with what was heard."""
    correlations, slow = [], []
    for seed in range(count):
        random = np.random.default_rng(5000 + seed)
        style = replace(random_style(random), neglect=0.0, subdivided=0.0)
        period_s = float(random.uniform(0.45, 1.0))
        timings = _timings(score, np.full(96, period_s))
        take = conduct(score, timings, seed=seed, noise_m=0.002, rate_hz=float(random.uniform(30, 90)), style=style)
        _, icti_s = intended(score, timings, seed=seed, style=style)
        bars = icti_s[:96:4]
        asked = random.uniform(-1.0, 1.0, len(bars))
        centre = np.median([pose.position_m for pose in take.of("baton")], axis=0)
        poses = []
        for pose in take.of("baton"):
            bar = int(np.clip(np.searchsorted(bars - 0.6 * period_s, pose.time_s) - 1, 0, len(bars) - 1))
            x, y, z = (centre + 2.0 ** (0.9 * asked[bar]) * (np.array(pose.position_m) - centre)).tolist()
            poses.append(replace(pose, position_m=(x, y, z)))
        heard = _track(Take(tuple(poses), take.metadata), icti_s)
        times, levels = np.array([d.time_s for d in heard]), np.array([d.level for d in heard])
        played = [
            float(levels[(times >= at_s - 0.2 * period_s) & (times < at_s + 3.8 * period_s)].mean()) for at_s in bars
        ]
        correlations.append(float(spearmanr(played[4:], asked[4:]).statistic))
        slow += [
            float(levels[np.searchsorted(times, at_s + period_s)] - levels[np.searchsorted(times, at_s - period_s)])
            * float(np.sign(asked[index] - asked[index - 1]))
            for index, at_s in enumerate(bars)
            if index > 4 and abs(asked[index] - asked[index - 1]) > 1.0
        ]
    return {
        "loudness Spearman, mean": float(np.mean(correlations)),
        "loudness Spearman, least": float(np.min(correlations)),
        "subito within a beat": float(np.mean(np.array(slow) > 0.1)) if slow else float("nan"),
    }


def _articulation(score: Score, count: int) -> dict[str, float]:
    """Three manners of beating by the same conductors, of every size and tempo."""
    right = {"legato": 0, "marcato": 0, "staccato": 0}
    for seed in range(count):
        random = np.random.default_rng(6000 + seed)
        timings = _timings(score, np.full(64, float(random.uniform(0.45, 1.0))))
        base = replace(
            plain_style(random), dwell=0.0, linger=0.0, double_bounce=0.0, hesitation=0.0, flourish=0.0, roundness=0.0
        )
        crisp = replace(base, bounce=float(random.uniform(0.75, 1.0)), profile="swing")
        manners = {
            "legato": replace(base, bounce=0.1, roundness=float(random.uniform(0.3, 1.0)), profile="power_law"),
            "marcato": crisp,
            "staccato": replace(crisp, linger=float(random.uniform(0.35, 0.5))),
        }
        for name, style in manners.items():
            noise_m, rate_hz = float(random.uniform(0.0005, 0.003)), float(random.uniform(30.0, 90.0))
            take = conduct(score, timings, seed=seed, noise_m=noise_m, rate_hz=rate_hz, style=style)
            heard = _track(take, intended(score, timings, seed=seed, style=style)[1])
            value = float(np.median([d.articulation for d in heard[len(heard) // 2 :]]))
            told = "legato" if value < LEGATO_BELOW else "staccato" if value > STACCATO_ABOVE else "marcato"
            right[name] += told == name
    return {
        "legato or staccato told": (right["legato"] + right["staccato"]) / (2 * count),
        "legato, marcato, staccato told": sum(right.values()) / (3 * count),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few conductors only")
    for name, value in figures(parser.parse_args().quick).items():
        print(f"{name:40s} {value:8.3f}")


if __name__ == "__main__":
    main()
