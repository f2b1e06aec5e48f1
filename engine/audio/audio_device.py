"""Where blocks of sound go: a sound device by pyo (portaudio, JACK, Core Audio), or the clock where there is none.

A device's thread calls back for every block and takes it from a short queue that the rendering thread keeps full: a
rendering that is late once costs nothing, and one that is too late costs a counted gap and no more. A device keeps its
own rate and block: what was rendered is resampled and cut anew on the way to it.
"""

import math
import os
import threading
import time
from collections import deque
from typing import Any, Protocol

import numpy as np
import pyo
import samplerate

from ..clock import SessionClock
from ..errors import AudioDeviceError
from .latency import LONGEST_LEAD_S
from .pyo_block import BlockFeed, FloatArray
from .sound_outputs import SoundOutput, choose_output, quiet_stderr

DRIVER_PERIODS = 2
"""A device plays one period while the next one is made."""
FORGIVEN_S = 10.0
"""One missed block in so long changes nothing."""
SETTLING_S = 2.0
PORTAUDIO_BLOCKS = (256, 512, 1024)


class BlockSink(Protocol):
    """Takes blocks at the pace at which they sound."""

    @property
    def name(self) -> str: ...

    @property
    def xruns(self) -> int: ...

    @property
    def latency_s(self) -> float:
        """From handing over a block to hearing it, with a full queue."""
        ...

    def wait(self, timeout_s: float) -> bool:
        """Until a block is wanted; False where none was for ``timeout_s``: the device is gone."""
        ...

    def next_time_s(self) -> float:
        """Session time at which the first sample of the block handed over next will be heard."""
        ...

    def put(self, block: FloatArray) -> None: ...

    def close(self) -> None: ...


class ClockFilter:
    """Smooths the jitter of callbacks: a second-order delay-locked loop (Adriaensen, *Using a DLL to filter time*,
    Linux Audio Conference 2005), started anew after a gap."""

    def __init__(self, period_s: float, bandwidth_hz: float = 0.5) -> None:
        self._nominal_s = self._period_s = period_s
        omega = 2.0 * np.pi * bandwidth_hz * period_s
        self._b, self._c = float(np.sqrt(2.0) * omega), float(omega * omega)
        self._next_s: float | None = None

    def tick(self, now_s: float) -> float:
        """The smoothed time of a callback that came at ``now_s``."""
        if self._next_s is None or abs(now_s - self._next_s) > 4.0 * self._nominal_s:
            self._period_s = self._nominal_s
            self._next_s = now_s + self._nominal_s
            return now_s
        error_s = now_s - self._next_s
        smooth_s = self._next_s
        self._next_s += self._b * error_s + self._period_s
        self._period_s += self._c * error_s
        return smooth_s


class BlockConverter:
    """Blocks of one rate and length to blocks of another, streaming; for one thread.

    libsamplerate's medium sinc: passband to 90 % of the lower Nyquist frequency, 121 dB above its noise (its
    documentation); unlike faster libraries it holds back no more than its filter needs, 1 ms (6 ms to 8 kHz).
    """

    def __init__(self, from_hz: int, to_hz: int, block: int) -> None:
        self._ratio = to_hz / from_hz
        self._resampler = samplerate.Resampler("sinc_medium", channels=2) if from_hz != to_hz else None
        self._block = block
        self._rest: FloatArray = np.zeros((0, 2), np.float32)

    @property
    def held(self) -> int:
        """Samples that wait for a block to be full."""
        return len(self._rest)

    def convert(self, block: FloatArray) -> list[FloatArray]:
        """The blocks that are full now, each (block, 2)."""
        if self._resampler is not None:
            block = self._resampler.process(block, self._ratio)
        elif len(block) == self._block and not len(self._rest):
            return [block]
        samples = np.concatenate([self._rest, block])
        whole = len(samples) - len(samples) % self._block
        self._rest = samples[whole:]
        return [samples[start : start + self._block] for start in range(0, whole, self._block)]


class DeviceSink:
    """A pyo server that plays to a device; ``lead_s`` of sound waits in front of it, at least a block. It grows where
    blocks are missed.

    Raises ``AudioDeviceError`` where the device does not open at the rendered rate nor at its own.
    """

    def __init__(self, output: SoundOutput, rate_hz: int, block: int, lead_s: float, clock: SessionClock) -> None:
        self.name = output.name
        self.driver = output.driver
        self.xruns = 0
        self._clock = clock
        self._server = _boot(output, rate_hz, block)
        self.rate_hz, self._block = round(self._server.getSamplingRate()), int(self._server.getBufferSize())
        self._period_s = self._block / self.rate_hz
        self._converter = BlockConverter(rate_hz, self.rate_hz, self._block)
        self._rendered_s = block / rate_hz
        uneven = (self.rate_hz, self._block) != (rate_hz, block)
        # While one block of the device is being played, the next one must become whole.
        self._wanted_s = max(round(lead_s / self._rendered_s), 1) * self._rendered_s
        if uneven:
            self._wanted_s = max(self._wanted_s, self._period_s) + self._rendered_s
        self._queue: deque[FloatArray] = deque()
        self._called = threading.Semaphore(0)
        self._filter = ClockFilter(self._period_s)
        self._heard: tuple[int, float] | None = None
        self._taken = self._put = 0
        self._missed_s = -math.inf
        self._feed = BlockFeed(2, self.rate_hz, self._block)
        self._outputs: list[Any] = [stream.out(channel) for channel, stream in enumerate(self._feed.streams)]
        self._server.setCallback(self._on_block)
        self._server.start()

    @property
    def latency_s(self) -> float:
        return self._wanted_s + DRIVER_PERIODS * self._period_s

    def wait(self, timeout_s: float) -> bool:
        deadline_s = time.monotonic() + timeout_s
        # Half a block of tolerance: resampled blocks are not all of one length.
        while self._waiting_s() > self._wanted_s - 0.5 * self._rendered_s:
            if not self._called.acquire(timeout=max(0.0, deadline_s - time.monotonic())):
                return False
        return True

    def next_time_s(self) -> float:
        heard = self._heard
        if heard is None:
            return self._clock.now_s() + self.latency_s
        taken, time_s = heard
        return time_s + self._put * self._rendered_s - (taken - DRIVER_PERIODS) * self._period_s

    def put(self, block: FloatArray) -> None:
        self._put += 1
        self._queue.extend(self._converter.convert(block))

    def close(self) -> None:
        self._server.setCallback(_nothing)
        self._server.stop()
        time.sleep(0.05)  # pyo's stop does not wait for the block that is being played
        self._feed.close()
        self._server.shutdown()

    def _miss(self, now_s: float) -> None:
        """Count a gap. A second one soon after says that this machine needs more in front of the device."""
        self.xruns += 1
        if self._taken * self._period_s < SETTLING_S:  # much is touched for the first time
            return
        if now_s - self._missed_s < FORGIVEN_S and self._wanted_s < LONGEST_LEAD_S:
            self._wanted_s += self._rendered_s
            self._missed_s = -math.inf
        else:
            self._missed_s = now_s

    def _waiting_s(self) -> float:
        return len(self._queue) * self._period_s + self._converter.held / self.rate_hz

    def _on_block(self) -> None:
        """In the device's thread, before it computes a block."""
        now_s = self._filter.tick(self._clock.now_s())
        try:
            block = self._queue.popleft()
        except IndexError:
            if self._heard is not None:  # before the first block there is nothing to miss
                self._miss(now_s)
            self._feed.blocks[:] = 0.0
        else:
            self._feed.blocks[:] = block.T
            self._heard = (self._taken, now_s)
            self._taken += 1
        self._called.release()


class ClockSink:
    """No device: blocks are due by the clock, for those who listen elsewhere."""

    name = "none"

    def __init__(self, rate_hz: int, block: int, clock: SessionClock) -> None:
        self.xruns = 0
        self._clock = clock
        self._period_s = block / rate_hz
        self._due_s = clock.now_s()

    @property
    def latency_s(self) -> float:
        return self._period_s

    def wait(self, timeout_s: float) -> bool:
        behind_s = self._clock.now_s() - self._due_s
        if behind_s < 0.0:
            time.sleep(min(timeout_s, -behind_s))
        elif behind_s > 0.1:
            self.xruns += int(behind_s / self._period_s)
            self._due_s = self._clock.now_s()
        return True

    def next_time_s(self) -> float:
        return self._due_s + self._period_s

    def put(self, block: FloatArray) -> None:
        self._due_s += self._period_s

    def close(self) -> None:
        """Nothing to close."""


def open_sink(device: str, rate_hz: int, block: int, lead_s: float, clock: SessionClock) -> tuple[BlockSink, str]:
    """The sink for what was asked (``sound_outputs.choose_output``), and one line that says what is missing, if any.

    Where that does not open, ``auto`` tries the system's default; else the clock drives.
    """
    reasons: list[str] = []
    for wanted in dict.fromkeys((device, "portaudio") if device == "auto" else (device,)):
        try:
            output = choose_output(wanted)
            if output is None:
                return ClockSink(rate_hz, block, clock), ""
            return DeviceSink(output, rate_hz, block, lead_s, clock), ""
        except AudioDeviceError as error:
            if str(error) not in reasons:
                reasons.append(str(error))
    line = f"no sound device ({'; '.join(reasons)}): viewers and recordings hear the orchestra, this machine does not"
    return ClockSink(rate_hz, block, clock), line


def _boot(output: SoundOutput, rate_hz: int, block: int) -> Any:
    """A server at the rendered rate, else at the device's own."""
    os.environ.setdefault("JACK_NO_START_SERVER", "1")  # a server that is not there must not be conjured up
    if output.block is not None:  # a server that has a rate and a block of its own
        tries = [(output.rate_hz, output.block)]
    else:
        blocks = [block, *(size for size in PORTAUDIO_BLOCKS if size > block)]
        tries = [(hz, size) for hz in dict.fromkeys((rate_hz, output.rate_hz)) for size in blocks[:2]]
    for hz, size in tries:
        server = pyo.Server(sr=hz, nchnls=2, ichnls=1, buffersize=size, duplex=0, audio=output.driver, jackname="tutti")
        server.deactivateMidi()
        server.setVerbosity(0)
        if output.index is not None:
            server.setOutputDevice(output.index)
        with quiet_stderr():
            server.boot()
        if server.getIsBooted():
            server.setServer()
            return server
        server.shutdown()
    raise AudioDeviceError(f"{output.name} does not open at {rate_hz} Hz nor at {output.rate_hz} Hz: is it in use?")


def _nothing() -> None:
    """A callback that does nothing."""
