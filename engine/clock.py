"""The session clock: one monotonic clock that stamps every pose, beat, note and audio block."""

import time


class SessionClock:
    """Seconds since the session's start, from the system-wide monotonic clock.

    ``time.perf_counter`` counts from the same origin in every process of one machine on Linux
    (CLOCK_MONOTONIC), Windows (QueryPerformanceCounter) and macOS (mach_absolute_time), so that a clock
    rebuilt from ``origin_s`` in another process tells the same time. Thread-safe: it holds no state but its origin.
    """

    def __init__(self, origin_s: float | None = None) -> None:
        self.origin_s = time.perf_counter() if origin_s is None else origin_s

    def now_s(self) -> float:
        return time.perf_counter() - self.origin_s
