"""How long sound may wait in front of the device: less follows the head and the baton sooner, more forgives a slow
machine."""

from dataclasses import dataclass

from ..errors import AudioDeviceError

RATE_HZ = 48000
LONGEST_MS = 500.0
LONGEST_LEAD_S = 8 * 256 / RATE_HZ


@dataclass(frozen=True, slots=True)
class Latency:
    """``block`` samples are computed at a time; ``lead_s`` of sound waits in front of the device, at least a block.

    What happens is heard after at most a block, the lead, the limiter's look-ahead (1.6 ms) and the device's own two
    periods. Where a device misses blocks the lead grows, at most to ``LONGEST_LEAD_S``.
    """

    block: int
    lead_s: float

    @classmethod
    def parse(cls, text: str) -> "Latency":
        """``low``, ``balanced``, ``safe`` or milliseconds of lead. Raises ``AudioDeviceError`` for anything else."""
        if text in LATENCIES:
            return LATENCIES[text]
        try:
            lead_ms = float(text.removesuffix("ms"))
        except ValueError:
            lead_ms = -1.0
        if not 1.0 <= lead_ms <= LONGEST_MS:
            names = ", ".join(LATENCIES)
            raise AudioDeviceError(f"no latency {text!r}: say {names}, or milliseconds from 1 to {LONGEST_MS:.0f}")
        return cls(128 if lead_ms < 8.0 else 256, lead_ms / 1000.0)


LATENCIES = {
    "low": Latency(128, 128 / RATE_HZ),
    "balanced": Latency(256, 256 / RATE_HZ),
    "safe": Latency(256, LONGEST_LEAD_S),
}
