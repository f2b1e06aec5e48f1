"""Trackers of ``parangonar`` (Peter and Widmer) on the same notes, run by an interpreter that has it.

    PYTHON _soloist_peer.py < cases.jsonl > places.jsonl

A case is ``{"score": [[quarter, pitch, grace], …], "notes": [[onset_s, pitch], …], "tracker": NAME}``; its answer the
score time that the tracker gives after each note. Imports nothing of Tutti.
"""

import json
import sys
import time
from contextlib import suppress
from functools import partial

import numpy as np
from parangonar.match.online_matchers import OnlineTransformerMatcher, TOLTWMatcher

TRACKERS = {"transformer": OnlineTransformerMatcher, "SLT_OLTW": partial(TOLTWMatcher, tracker_type="SLT_OLTW")}
SCORE = [
    ("onset_beat", "f4"),
    ("duration_beat", "f4"),
    ("onset_quarter", "f4"),
    ("duration_quarter", "f4"),
    ("pitch", "i4"),
    ("voice", "i4"),
    ("id", "U16"),
    ("is_grace", "?"),
]
PLAYED = [("onset_sec", "f4"), ("duration_sec", "f4"), ("pitch", "i4"), ("velocity", "i4"), ("id", "U16")]


def follow(case: dict) -> dict:
    score = np.array(
        [(q, 0.5, q, 0.5, pitch, 1, f"s{index}", grace) for index, (q, pitch, grace) in enumerate(case["score"])], SCORE
    )
    notes = np.array([(at_s, 0.2, pitch, 80, f"p{index}") for index, (at_s, pitch) in enumerate(case["notes"])], PLAYED)
    began_s = time.process_time()
    tracker = TRACKERS[case["tracker"]](score)
    places, at = [], 0
    for note in notes:
        with suppress(IndexError, ValueError):  # past the end of its window it stays where it is
            at = int(tracker(note))
        places.append(float(tracker.unique_onsets[min(max(0, at), len(tracker.unique_onsets) - 1)]))
    return {"places": places, "cost_s": (time.process_time() - began_s) / max(1, len(notes))}


for line in sys.stdin:
    print(json.dumps(follow(json.loads(line))), flush=True)
