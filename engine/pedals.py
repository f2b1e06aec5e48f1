"""What the sustain pedal keeps sounding: a note that ends under it rings until it is lifted."""

from bisect import bisect_left

from .score import Score


class Pedals:
    """The pedals of a score's parts. Immutable; a microsecond a look."""

    def __init__(self, score: Score) -> None:
        self._starts: dict[int, list[float]] = {}
        self._ends: dict[int, list[float]] = {}
        for row in score.pedals:
            self._starts.setdefault(int(row["part"]), []).append(float(row["quarter"]))
            self._ends.setdefault(int(row["part"]), []).append(float(row["end_quarter"]))

    def damped_quarter(self, part: int, end_quarter: float) -> float | None:
        """When a note whose key is let go at ``end_quarter`` is damped, if the pedal is down then; else None.

        A pedal pressed with the end of a note does not catch it.
        """
        starts = self._starts.get(part)
        if starts is None:
            return None
        index = bisect_left(starts, end_quarter - 1e-6) - 1
        if index < 0 or self._ends[part][index] <= end_quarter + 1e-6:
            return None
        return self._ends[part][index]
