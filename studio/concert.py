"""The built-in concert: a piece for orchestra and a conductor with real rubato, so that a newcomer hears it at once."""

from pathlib import Path

from ..assets import asset_path
from ..engine.conducting.tracking import Take
from ..engine.conducting.virtual_conductor import conduct, read_timings
from ..engine.notation.score_cache import open_score
from .render import RenderJob

CONCERT_SCORE = "concert.musicxml"
CONCERT_TIMINGS = "concert_timings.csv"


def concert_score() -> Path:
    """The built-in piece."""
    return asset_path("scores", CONCERT_SCORE)


def concert_take(seed: int = 0) -> Take:
    """The built-in conductor of the built-in piece."""
    return conduct(open_score(concert_score()), read_timings(asset_path("scores", CONCERT_TIMINGS)), seed=seed)


def concert_job(out: Path, sounds: str | None = None, seed: int = 0) -> RenderJob:
    """Everything ``render`` needs for the built-in concert."""
    return RenderJob(score=str(concert_score()), take=concert_take(seed), out=out, sounds=sounds, seed=seed)
