"""An orchestra to draw: a small score of every family, seated as a real one."""

import numpy as np
import pytest
from display_support import display  # noqa: F401 - a fixture
from openvr_support import installation, script  # noqa: F401 - fixtures

from tutti.engine.hall import read_hall
from tutti.engine.placement import place_players, read_plan
from tutti.engine.score import BEAT_DTYPE, FERMATA_DTYPE, MEASURE_DTYPE, NOTE_DTYPE, TEMPO_DTYPE, Part, Score
from tutti.engine.types import PlayerPlacement

PARTS = (
    ("Flute", "flute"),
    ("Oboe", "oboe"),
    ("Clarinet", "clarinet"),
    ("Horn 1", "horn"),
    ("Trumpet", "trumpet"),
    ("Trombone", "trombone"),
    ("Timpani", "timpani"),
    ("Violin I", "violin"),
    ("Violin II", "violin"),
    ("Viola", "viola"),
    ("Violoncello", "cello"),
    ("Contrabass", "contrabass"),
)
STRINGS = ("violin", "viola", "cello", "contrabass")


@pytest.fixture(scope="session")
def score() -> Score:
    """Sixteen measures of 4/4 at 120: strings play throughout, everyone else from measure 9 on."""
    parts = tuple(Part(name, name[:4], key, 0 if key in STRINGS else 1) for name, key in PARTS)
    rows = [
        (float(quarter), 1.0, 60, part, 0.6, 0, quarter // 4, 0.0, 0)
        for quarter in range(64)
        for part, (_, key) in enumerate(PARTS)
        if key in STRINGS or quarter >= 32
    ]
    notes = np.array(rows, NOTE_DTYPE)
    notes.sort(order=["onset_quarter", "part", "pitch"])
    return Score(
        title="Prelude",
        composer="A. Composer",
        sha256="0" * 64,
        parts=parts,
        notes=notes,
        measures=np.array([(4.0 * m, 4.0, str(m + 1), 4, 4) for m in range(16)], MEASURE_DTYPE),
        beats=np.array([(float(q), 1.0, q // 4, q % 4 + 1, 4) for q in range(64)], BEAT_DTYPE),
        tempos=np.array([(0.0, 120.0)], TEMPO_DTYPE),
        fermatas=np.array([], FERMATA_DTYPE),
    )


@pytest.fixture(scope="session")
def placements(score: Score) -> tuple[PlayerPlacement, ...]:
    return place_players(score, read_plan("american"), read_hall())
