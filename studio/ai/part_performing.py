"""What was written is performed: a steady conductor beats the score, and it is rendered with sound and report."""

from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress

from ...engine.conducting.virtual_conductor import conduct
from ...engine.notation.score_cache import open_score
from ..render import RenderJob, render
from .part_writing import WrittenPart

BEGIN_S = 2.0


def perform(written: WrittenPart, folder: Path, seed: int, bars: Progress) -> dict[str, Any]:
    """Perform the MusicXML that was written, in its marked tempi, into ``folder``; the figures of the report.

    Raises the named errors of reading and rendering.
    """
    return perform_file(next(path for path in written.files if path.suffix.lower() == ".musicxml"), folder, seed, bars)


def perform_file(path: Path, folder: Path, seed: int, bars: Progress) -> dict[str, Any]:
    """The same with any score."""
    score = open_score(path)
    quarters = np.append(score.beats["quarter"].astype(float), score.end_quarter)
    rates = np.array([score.quarter_bpm_at(float(quarter)) for quarter in quarters[:-1]])
    times_s = BEGIN_S + np.concatenate([[0.0], np.cumsum(np.diff(quarters) * 60.0 / rates)])
    take = conduct(score, (quarters, times_s), seed=seed, noise_m=0.0)
    return render(RenderJob(score=str(path), take=take, out=folder, seed=seed), bars)
