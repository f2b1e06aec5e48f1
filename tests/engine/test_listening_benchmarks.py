"""The benchmarks of soloists and of listening judge rightly: what was never locked is no success, the peer can hear."""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def _benchmarks_importable(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])


def _case(events: list[int]) -> SimpleNamespace:
    """Quarters of a second each, every one at a place of its own."""
    line = SimpleNamespace(nominal_s=0.25 * np.arange(100), place=np.arange(100))
    return SimpleNamespace(
        solo=SimpleNamespace(line=line, name="piece"),
        situation=SimpleNamespace(manner=SimpleNamespace(tempo=1.0)),
        notes=[SimpleNamespace(event=event) for event in events],
        name="piece (0)",
    )


def test_a_bar_that_was_left_before_it_was_locked_is_not_locked():
    from soloist import GRACE_NOTES, Outcome, judge, table

    bar = [40, 41, 42, 43]
    meant = [*range(44), *bar, *bar, *range(40, 60), 70, 71]
    told = np.array(meant)
    told[44:48] += 20  # the first time the follower is elsewhere, the second time it is late, at last it is right
    told[48] += 20
    outcome = Outcome()
    judge(_case(meant), told, outcome)
    assert outcome.locked == [np.inf, 1.0, 0.0], "two notes after the last jump tell nothing"
    assert np.mean(np.array(outcome.locked) <= GRACE_NOTES) == pytest.approx(2 / 3)
    table("as it is printed", {"bars": outcome})


def test_the_peer_hears_a_plain_scale():
    from listening import RATE_HZ, judge, yin_baseline

    for name, first in (("violin", 60), ("flute", 72)):
        onsets_s, pitches = 0.5 + 0.4 * np.arange(8), first + np.array([0, 2, 4, 5, 7, 9, 11, 12])
        time_s = np.arange(int(4.2 * RATE_HZ)) / RATE_HZ
        audio = np.zeros(len(time_s), np.float32)
        for onset_s, pitch in zip(onsets_s, pitches, strict=True):
            since_s = time_s - onset_s
            tone = np.sin(2 * np.pi * 440.0 * 2.0 ** ((pitch - 69) / 12) * since_s)
            audio += np.where((since_s >= 0.0) & (since_s < 0.3), 0.2 * tone, 0.0).astype(np.float32)
        found = judge(onsets_s, pitches, *yin_baseline(name, audio))
        assert found.matched == found.heard == 8 and found.in_tune >= 7, name
