"""What is known of one conductor: how far the hand is behind or ahead on each beat of the bar, and its usual size.

The tracker learns it while the conductor beats and starts from it the next time, so that the orchestra knows its
conductor from the first bar. Storing profiles is for the studio; here they are values.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import ProfileError

VERSION = 1
MOST_BARS = 24
"""A lag learned over more bars than this counts as one learned over so many: people change."""
LONGEST_LAG = 0.6
"""Largest lag against the bar's mean, in beat periods."""
LARGEST_STROKE_M = 2.0


@dataclass(frozen=True, slots=True)
class BeatLag:
    """Lag of the ictus of one beat of the bar against the mean of the bar, in parts of the beat period.

    Positive is late. ``sd`` is its standard deviation from bar to bar, ``bars`` how many bars it was learned over.
    """

    mean: float
    sd: float
    bars: float


@dataclass(frozen=True, slots=True)
class ConductorProfile:
    """One conductor's habits.

    ``lags`` has a ``BeatLag`` for (beats in the measure, beat of the measure from 1); ``stroke_m`` is the usual size
    of a stroke, 0 where unknown.
    """

    lags: Mapping[tuple[int, int], BeatLag] = field(default_factory=dict)
    stroke_m: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain values, fit for JSON; ``from_dict`` reads them."""
        return {
            "version": VERSION,
            "stroke_m": round(self.stroke_m, 4),
            "lags": [
                {
                    "beats_in_measure": count,
                    "beat": beat,
                    "mean": round(lag.mean, 5),
                    "sd": round(lag.sd, 5),
                    "bars": round(lag.bars, 2),
                }
                for (count, beat), lag in sorted(self.lags.items())
            ],
        }

    @classmethod
    def from_dict(cls, values: object) -> "ConductorProfile":
        """The profile in ``values``. Raises ``ProfileError`` naming what is wrong with them."""
        if not isinstance(values, Mapping):
            raise ProfileError("profile: not a table of values; delete it to start anew")
        if values.get("version") != VERSION:
            raise ProfileError(f"profile: version {values.get('version')!r}; this program reads version {VERSION}")
        rows = values.get("lags", [])
        if not isinstance(rows, list):
            raise ProfileError("profile, lags: not a list")
        lags: dict[tuple[int, int], BeatLag] = {}
        for place, row in enumerate(rows, 1):
            where = f"profile, lag {place}"
            if not isinstance(row, Mapping):
                raise ProfileError(f"{where}: not a table of values")
            count = int(_number(row, "beats_in_measure", 1, 16, where))
            beat = int(_number(row, "beat", 1, count, where))
            lags[count, beat] = BeatLag(
                mean=_number(row, "mean", -LONGEST_LAG, LONGEST_LAG, where),
                sd=_number(row, "sd", 0.0, LONGEST_LAG, where),
                bars=min(_number(row, "bars", 0.0, 1e6, where), MOST_BARS),
            )
        return cls(lags, _number(values, "stroke_m", 0.0, LARGEST_STROKE_M, "profile"))


def _number(row: Mapping[str, Any], name: str, least: float, most: float, where: str) -> float:
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ProfileError(f"{where}, {name}: {value!r} is not a number")
    if not least <= value <= most:
        raise ProfileError(f"{where}, {name}: {value:g}; {least:g} to {most:g} is possible")
    return float(value)
