"""Where blocks of sound go: a sound device by pyo (portaudio, JACK, Core Audio), or the clock where there is none.

A device's thread calls back for every block and takes it from a short queue that the rendering thread keeps full: a
rendering that is late once costs nothing, and one that is too late costs a counted gap and no more.
"""

import ctypes
import logging
import os
import threading
import time
from collections import deque
from typing import Any, Protocol

import numpy as np
import pyo

from ..clock import SessionClock
from ..errors import AudioDeviceError
from .pyo_block import BlockFeed, FloatArray

DEVICES = ("auto", "portaudio", "jack", "coreaudio", "none")
_log = logging.getLogger(__name__)


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


class DeviceSink:
    """A pyo server that plays to a device. ``lead`` blocks wait in front of it."""

    def __init__(self, backend: str, rate_hz: int, block: int, lead: int, clock: SessionClock) -> None:
        os.environ.setdefault("JACK_NO_START_SERVER", "1")  # a server that is not there must not be conjured up
        self.name = backend
        self.xruns = 0
        self._clock = clock
        self._period_s = block / rate_hz
        self._lead = lead
        self._queue: deque[FloatArray] = deque()
        self._wanted = threading.Semaphore(lead)
        self._filter = ClockFilter(self._period_s)
        self._heard: tuple[int, float] | None = None
        self._taken = self._put = 0
        self._server = _boot(backend, rate_hz, block)
        self._feed = BlockFeed(2, rate_hz, block)
        self._outputs: list[Any] = [stream.out(channel) for channel, stream in enumerate(self._feed.streams)]
        self._server.setCallback(self._on_block)
        self._server.start()

    @property
    def latency_s(self) -> float:
        return (self._lead + 2) * self._period_s

    def wait(self, timeout_s: float) -> bool:
        return self._wanted.acquire(timeout=timeout_s)

    def next_time_s(self) -> float:
        heard = self._heard
        if heard is None:
            return self._clock.now_s() + self.latency_s
        taken, time_s = heard
        return time_s + (self._put - taken + 2) * self._period_s  # two periods from callback to ear

    def put(self, block: FloatArray) -> None:
        self._put += 1
        self._queue.append(block)

    def close(self) -> None:
        self._server.setCallback(_nothing)
        self._server.stop()
        time.sleep(0.05)  # pyo's stop does not wait for the block that is being played
        self._feed.close()
        self._server.shutdown()

    def _on_block(self) -> None:
        """In the device's thread, before it computes a block."""
        now_s = self._filter.tick(self._clock.now_s())
        try:
            block = self._queue.popleft()
        except IndexError:
            if self._heard is not None:  # before the first block there is nothing to miss
                self.xruns += 1
            self._feed.blocks[:] = 0.0
            return
        self._feed.blocks[:] = block.T
        self._heard = (self._taken, now_s)
        self._taken += 1
        self._wanted.release()


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


def open_sink(device: str, rate_hz: int, block: int, lead: int, clock: SessionClock) -> tuple[BlockSink, str]:
    """The best sink for what was asked (``DEVICES``), and one line that says what is missing, or nothing.

    ``auto`` takes JACK where its server runs, else the system's own sound by portaudio, else the clock.
    """
    if device not in DEVICES:
        raise AudioDeviceError(f"no audio device is called {device!r}: choose one of {', '.join(DEVICES)}")
    if device == "none":
        return ClockSink(rate_hz, block, clock), ""
    wanted = (["jack"] if _jack_runs() else []) + ["portaudio"] if device == "auto" else [device]
    reasons = []
    for backend in wanted:
        try:
            return DeviceSink(backend, rate_hz, block, lead, clock), ""
        except AudioDeviceError as error:
            reasons.append(str(error))
    line = f"no sound device ({'; '.join(reasons)}): viewers and recordings hear the orchestra, this machine does not"
    _log.warning(line)
    return ClockSink(rate_hz, block, clock), line


def _boot(backend: str, rate_hz: int, block: int) -> Any:
    if backend == "portaudio" and not pyo.pa_get_output_devices()[0]:
        raise AudioDeviceError("portaudio finds no output")
    if backend == "jack" and not _jack_runs():
        raise AudioDeviceError("no JACK server is running")
    server = pyo.Server(sr=rate_hz, nchnls=2, ichnls=1, buffersize=block, duplex=0, audio=backend, jackname="tutti")
    server.deactivateMidi()
    server.setVerbosity(1)
    server.boot()
    if not server.getIsBooted():
        raise AudioDeviceError(f"{backend} does not open at {rate_hz} Hz in blocks of {block}")
    actual_hz, actual_block = round(server.getSamplingRate()), server.getBufferSize()
    if (actual_hz, actual_block) != (rate_hz, block):
        server.shutdown()
        raise AudioDeviceError(
            f"{backend} runs at {actual_hz} Hz in blocks of {actual_block}, not {rate_hz} and {block}"
        )
    server.setServer()
    return server


def _jack_runs() -> bool:
    """Whether a JACK server answers, asked of its client library without starting one."""
    for library in ("libjack.so.0", "libjack.0.dylib", "libjack64.dll"):
        try:
            jack = ctypes.CDLL(library)
        except OSError:
            continue
        jack.jack_set_error_function(_say_nothing)  # else it complains to the terminal that no server runs
        jack.jack_client_open.restype = ctypes.c_void_p
        jack.jack_client_close.argtypes = [ctypes.c_void_p]
        status = ctypes.c_int(0)
        client = jack.jack_client_open(b"tutti-probe", 1, ctypes.byref(status))  # 1: JackNoStartServer
        if client:
            jack.jack_client_close(client)
            return True
    return False


@ctypes.CFUNCTYPE(None, ctypes.c_char_p)
def _say_nothing(_message: bytes) -> None:
    """An error handler for JACK."""


def _nothing() -> None:
    """A callback that does nothing."""
