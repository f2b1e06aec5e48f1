"""Sound for the viewers: blocks from the orchestra become packets of Opus or PCM.

The orchestra's output is read by sample index, so that a packet's time stamp is exact whatever the scheduling was.
"""

import logging
from collections.abc import Iterator
from fractions import Fraction
from typing import Protocol

import av
import numpy as np

from .protocol import Audio
from .protocol_values import Codec

log = logging.getLogger(__name__)

PACKET_S = 0.02
OPUS_BIT_RATE = 144_000
OPUS_RATES_HZ = (48_000, 24_000, 16_000, 12_000, 8_000)
"""What Opus accepts (RFC 6716, section 2)."""
MAX_BACKLOG_S = 0.5
"""Sound older than this when it is read is skipped: live matters more than complete."""


class AudioTap(Protocol):
    """Where the relay gets the orchestra's stereo sound, in its own process. Never blocks."""

    @property
    def rate_hz(self) -> int: ...

    def read_since(self, index: int) -> tuple[int, np.ndarray]:
        """Samples from ``index`` on: (index of the first, float32 (n, 2)). The first is later than asked where samples
        were overwritten meanwhile, and earlier where the count began anew."""
        ...

    def time_of(self, index: int) -> float:
        """Session time at which the sample ``index`` is due."""
        ...

    def close(self) -> None: ...


class OpusEncoder:
    """One stereo Opus stream whose packets are stamped by sample index.

    libopus delays its input by a few ms; its packets' stamps count from before the first sample to make up for it,
    so that what a packet decodes to belongs at its stamp.
    """

    def __init__(self, rate_hz: int, first_sample: int, bit_rate: int = OPUS_BIT_RATE) -> None:
        self._first_sample = first_sample
        self._fed = 0
        self._rate_hz = rate_hz
        context = av.AudioCodecContext.create("libopus", "w")
        context.sample_rate = rate_hz
        context.layout = "stereo"
        context.format = "flt"
        context.bit_rate = bit_rate
        context.time_base = Fraction(1, rate_hz)
        context.options = {"frame_duration": str(round(1000 * PACKET_S)), "application": "audio", "vbr": "constrained"}
        context.open()
        self._context = context

    def encode(self, samples: np.ndarray) -> Iterator[tuple[int, bytes]]:
        """Packets (first sample, bytes) that ``samples``, float32 (n, 2), complete."""
        interleaved = np.ascontiguousarray(samples, dtype=np.float32).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(interleaved, format="flt", layout="stereo")
        frame.sample_rate = self._rate_hz
        frame.time_base = Fraction(1, self._rate_hz)
        frame.pts = self._fed
        self._fed += len(samples)
        for packet in self._context.encode(frame):
            yield self._first_sample + (packet.pts or 0), bytes(packet)


class AudioPackets:
    """Reads a tap and makes packets of those codecs that somebody listens to.

    ``poll`` is called every few ms from one thread.
    """

    def __init__(self, tap: AudioTap) -> None:
        self._tap = tap
        self.rate_hz = tap.rate_hz
        self.packet_samples = round(PACKET_S * tap.rate_hz)
        self.opus = tap.rate_hz in OPUS_RATES_HZ
        self._waiting = np.zeros((0, 2), dtype=np.float32)
        self._next = 0
        self._started = False
        self._encoder: OpusEncoder | None = None
        self.gaps = 0

    def poll(self, codecs: set[Codec]) -> list[Audio]:
        """New packets, for each of ``codecs`` that can be made. An orchestra at a rate that Opus lacks gives PCM."""
        start, block = self._tap.read_since(self._next + len(self._waiting))
        if not self._started:
            block, start = block[len(block) :], start + len(block)
            self._started, self._next = True, start
        if start != self._next + len(self._waiting):
            self._gap(start)
        if len(block) == 0:
            return []
        self._waiting = np.concatenate([self._waiting, np.nan_to_num(block.astype(np.float32))])
        surplus = len(self._waiting) - round(MAX_BACKLOG_S * self.rate_hz)
        if surplus > 0:
            waiting = self._waiting[surplus:]
            self._gap(self._next + surplus)
            self._waiting = waiting
        packets: list[Audio] = []
        while len(self._waiting) >= self.packet_samples:
            samples, self._waiting = self._waiting[: self.packet_samples], self._waiting[self.packet_samples :]
            packets += self._packets(samples, codecs)
            self._next += self.packet_samples
        return packets

    def _packets(self, samples: np.ndarray, codecs: set[Codec]) -> Iterator[Audio]:
        if "opus" in codecs and self.opus:
            if self._encoder is None:
                self._encoder = OpusEncoder(self.rate_hz, self._next)
            for first, data in self._encoder.encode(samples):
                if first >= 0:
                    yield self._packet("opus", first, data)
        else:
            self._encoder = None
        if "pcm16" in codecs or ("opus" in codecs and not self.opus):
            data = np.round(np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2").tobytes()
            yield self._packet("pcm16", self._next, data)

    def _packet(self, codec: Codec, first: int, data: bytes) -> Audio:
        time_s = self._tap.time_of(first)
        return Audio(codec=codec, first_sample=first, time_s=time_s, samples=self.packet_samples, data=data)

    def _gap(self, start: int) -> None:
        if self._started:
            self.gaps += 1
            missing_ms = 1000.0 * (start - self._next) / self.rate_hz  # what waited is left out as well
            if missing_ms > 0.0:
                log.warning("the sound for viewers has a gap of %.0f ms: this computer is busy", missing_ms)
        self._waiting = self._waiting[:0]
        self._next = start
        self._encoder = None

    def close(self) -> None:
        self._tap.close()
