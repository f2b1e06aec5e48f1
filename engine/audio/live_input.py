"""A learner's microphone or instrument, live: from the sound device into the hall, and to whoever listens for notes.

    device ─► ``DeviceInput`` ─► guard against feedback ─► the learner's row of the renderer
                     └─► ring shared with the studio (left: microphone, right: what the hall played), for tracking

On loudspeakers the learner is not put into the hall, as that would howl: only who declares headphones is heard there.
Notes are tracked all the same. The device is opened by a pyo server of its own in the audio process, so that a
microphone need not belong to the device that plays.
"""

import _thread
import ctypes
import os
import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyo

from ..clock import SessionClock
from ..errors import AudioDeviceError
from .audio_device import ClockFilter
from .audio_ring import AudioRing
from .feedback import FeedbackGuard
from .pyo_block import FloatArray
from .sound_outputs import find_jack, quiet_stderr

MOST_WAITING, SLOTS = 3, 16
"""Blocks that may wait for the renderer: more are dropped, or the learner would be heard later and later. A block stays
as it came until so many others have come."""
LOST_S = 1.0


@dataclass(frozen=True, slots=True)
class MicrophoneJob:
    """What the audio process needs to open a microphone; can be pickled.

    ``player`` is the learner's number among the placements, ``device`` a part of an input's name (portaudio) or a
    port (JACK), empty the default; JACK is used where the orchestra plays to it (``backend`` auto). ``ring_name`` is
    where the microphone is written to. ``headphones`` says that nothing of the hall reaches the microphone.
    """

    player: int
    device: str
    ring_name: str
    backend: str = "auto"
    headphones: bool = False
    gain_db: float = 0.0


class BlockSource(Protocol):
    """Where a microphone's blocks come from."""

    name: str

    @property
    def latency_s(self) -> float:
        """From the sound at the microphone to the block that holds it, taken without waiting."""
        ...

    def take(self) -> FloatArray | None:
        """The next block (block,), to be used at once; None where none has come."""
        ...

    def close(self) -> None: ...


class DeviceInput:
    """Mono from a sound device by pyo. Raises ``AudioDeviceError`` where it cannot be opened."""

    def __init__(self, backend: str, device: str, rate_hz: int, block: int) -> None:
        os.environ.setdefault("JACK_NO_START_SERVER", "1")
        self._slots: list[FloatArray] = list(np.zeros((SLOTS, block), np.float32))
        self._came = self._taken = 0
        self._period_s = block / rate_hz
        index, self.name = (None, device or "jack") if backend == "jack" else _find_input(device)
        server = pyo.Server(
            sr=rate_hz, nchnls=1, ichnls=1, buffersize=block, duplex=1, audio=backend, jackname="tutti-mic"
        )
        server.deactivateMidi()
        server.setVerbosity(1)
        if index is not None:
            server.setInputDevice(index)
        if backend == "jack":
            server.setJackAuto(not device, False)
            if device:
                server.setJackAutoConnectInputPorts([[device]])
        server.boot()
        if not server.getIsBooted():
            raise AudioDeviceError(
                f"microphone {self.name}: {backend} does not open it at {rate_hz} Hz; choose another"
            )
        actual_hz, actual_block = round(server.getSamplingRate()), server.getBufferSize()
        if (actual_hz, actual_block) != (rate_hz, block):
            server.shutdown()
            raise AudioDeviceError(
                f"microphone {self.name} runs at {actual_hz} Hz in blocks of {actual_block}, not {rate_hz} and {block}"
            )
        address = ctypes.cast(int(server.getInputAddr(), 16), ctypes.POINTER(ctypes.c_float))
        self._input: FloatArray = np.ctypeslib.as_array(address, shape=(block,))
        self._server = server
        server.setCallback(self._on_block)
        server.start()

    @property
    def latency_s(self) -> float:
        return 2.0 * self._period_s

    def take(self) -> FloatArray | None:
        came = self._came
        if came == self._taken:
            return None
        self._taken = max(self._taken, came - MOST_WAITING) + 1
        return self._slots[(self._taken - 1) % SLOTS]

    def close(self) -> None:
        self._server.setCallback(_nothing)
        self._server.stop()
        time.sleep(0.05)  # pyo's stop does not wait for the block that is being played
        self._server.shutdown()

    def _on_block(self) -> None:
        """In the device's thread."""
        np.copyto(self._slots[self._came % SLOTS], self._input)
        self._came += 1


class LearnerChannel:
    """The learner's way through the audio process, a block at a time; one thread. Another closes a lost device.

    It says nothing: ducked howling and a lost device are counted in the ring (``AudioStatus``), and whoever reads that
    tells people.
    """

    def __init__(
        self, job: MicrophoneJob, source: BlockSource, ring: AudioRing, rate_hz: int, block: int, clock: SessionClock
    ) -> None:
        self.player = job.player
        self._source: BlockSource | None = source
        self._ring, self._clock = ring, clock
        self._headphones = job.headphones
        self._gain = np.float32(10.0 ** (job.gain_db / 20.0))
        self._guard = FeedbackGuard(rate_hz, block)
        self._silence, self._heard = np.zeros(block, np.float32), np.zeros(block, np.float32)
        self._raw: FloatArray = self._silence
        self._both = np.zeros((block, 2), np.float32)
        self._howls, self._came_s = 0, clock.now_s()
        self._steady = ClockFilter(block / rate_hz)
        self._captured_s = self._came_s
        self.latency_s = source.latency_s
        ring.header["latency_s"] = self.latency_s
        ring.header["device"] = source.name.encode()[:63]

    def next_block(self) -> FloatArray:
        """What the learner adds to the hall now; silence on loudspeakers and where nothing came."""
        now_s = self._clock.now_s()
        self._captured_s = self._steady.tick(now_s) - self.latency_s
        came = self._source.take() if self._source is not None else None
        if came is not None:
            self._came_s = now_s
        elif self._source is not None and now_s - self._came_s > LOST_S:
            lost, self._source = self._source, None
            self._ring.header["lost"] += 1
            # To close it takes longer than the renderer has, and ``Thread.start`` waits for the new thread to run.
            _thread.start_new_thread(lost.close, ())
        self._raw = self._silence if came is None else np.multiply(came, self._gain, out=self._heard)
        safe = self._guard.process(self._raw)
        if self._guard.howls != self._howls:
            self._howls = self._guard.howls
            self._ring.header["howls"] += 1
        return safe if self._headphones else self._silence

    def played(self, stereo: FloatArray) -> None:
        """The hall's block that went out meanwhile (block, 2): what may come back into the microphone."""
        self._ring.set_clock(self._ring.written, self._captured_s)
        self._both[:, 0] = self._raw
        np.add(stereo[:, 0], stereo[:, 1], out=self._both[:, 1])
        self._both[:, 1] *= 0.5
        self._ring.write(self._both)

    def close(self) -> None:
        source, self._source = self._source, None
        if source is not None:
            source.close()


def open_learner(job: MicrophoneJob, rate_hz: int, block: int, clock: SessionClock) -> LearnerChannel:
    """The learner's channel with the device of ``job``. Raises ``AudioDeviceError`` in one line."""
    backend = job.backend
    if backend == "auto":
        backend = "portaudio" if find_jack() is None else "jack"
    source = DeviceInput(backend, job.device, rate_hz, block)
    return LearnerChannel(job, source, AudioRing.attach(job.ring_name), rate_hz, block, clock)


def _find_input(device: str) -> tuple[int, str]:
    """Index and name of the input whose name has ``device`` in it; the default one for an empty name."""
    with quiet_stderr():
        names, indices = pyo.pa_get_input_devices()
    inputs = dict(zip(indices, names, strict=True))
    if not inputs:
        raise AudioDeviceError("no microphone: this machine has no sound input; plug one in or choose --keyboard")
    if not device:
        index = pyo.pa_get_default_input()
        return (index, inputs[index]) if index in inputs else next(iter(inputs.items()))
    if device.isdigit() and int(device) in inputs:
        return int(device), inputs[int(device)]
    found = [(index, name) for index, name in inputs.items() if device.lower() in name.lower()]
    if not found:
        raise AudioDeviceError(f"no microphone is called {device!r}: there is {', '.join(inputs.values())}")
    return found[0]


def _nothing() -> None:
    """A callback that does nothing."""
