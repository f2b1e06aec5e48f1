"""A MIDI port to conduct with: found by name, watched, and opened again when its device comes back."""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

import mido

from ...engine.conducting.tapping import TapSource
from ...engine.errors import InputError
from ...engine.types import Pose
from .midi_taps import MidiTaps

log = logging.getLogger(__name__)

WATCH_S = 2.0
"""How often it is looked whether the device is still there; drivers do not tell."""
INSTALL = "pip install python-rtmidi (on Python 3.13 and later it is compiled: Debian has libasound2-dev for it)"


def midi_backend() -> Any:
    """mido's backend for this machine's ports. Raises ``InputError`` where python-rtmidi is missing."""
    try:
        return mido.Backend("mido.backends.rtmidi", load=True)
    except ImportError as error:
        raise InputError(f"MIDI needs python-rtmidi: {INSTALL}") from error


def midi_ports(backend: Any | None = None) -> list[str]:
    """The names of this machine's MIDI inputs. Raises ``InputError`` where there is no MIDI at all."""
    backend = backend or midi_backend()
    try:
        return list(dict.fromkeys(backend.get_input_names()))
    except (OSError, RuntimeError) as error:
        raise InputError(f"MIDI: this machine has none ({_brief(error)}); Linux needs the module snd-seq") from error


class MidiPort:
    """A MIDI input whose messages go to ``take`` with their time, in the driver's thread.

    ``port`` is a part of the port's name, upper or lower case; empty takes the first. Raises ``InputError`` where there
    is no such port. A device that is unplugged is reported in one line, ``on_lost`` is called, and it is opened again
    when it is plugged in: a thread of ours looks after it.
    """

    def __init__(
        self,
        now_s: Callable[[], float],
        take: Callable[[mido.Message, float], None],
        port: str = "",
        backend: Any | None = None,
        watch_s: float = WATCH_S,
        on_lost: Callable[[], None] | None = None,
    ) -> None:
        self._now_s, self._take, self._on_lost = now_s, take, on_lost
        self._backend = backend or midi_backend()
        self.name = self._find(port)
        self._port: Any | None = None
        self._open()
        self._watch_s = watch_s
        self._closing = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="midi-watcher", daemon=True)
        self._watcher.start()

    @property
    def plugged(self) -> bool:
        """The device is there."""
        return self._port is not None

    def close(self) -> None:
        self._closing.set()
        self._watcher.join(self._watch_s + 1.0)
        self._shut()

    def _find(self, wanted: str) -> str:
        names = midi_ports(self._backend)
        found = next((name for name in names if wanted.lower() in name.lower()), None)
        if found is None:
            there = ", ".join(names) or "none"
            raise InputError(f"MIDI: no port {wanted!r}; there is {there}" if wanted else "MIDI: no port; plug one in")
        return found

    def _open(self) -> None:
        try:
            self._port = self._backend.open_input(self.name, callback=self._hear)
        except (OSError, RuntimeError, ValueError) as error:
            raise InputError(f"MIDI: {self.name} cannot be opened ({_brief(error)}); does a program use it?") from error

    def _hear(self, message: mido.Message) -> None:
        self._take(message, self._now_s())

    def _watch(self) -> None:
        while not self._closing.wait(self._watch_s):
            try:
                there = self.name in midi_ports(self._backend)
                if self._port is not None and not there:
                    log.warning("MIDI: %s is gone; plug it in again, or conduct otherwise", self.name)
                    self._lose()
                elif self._port is None and there:
                    self._open()
                    log.warning("MIDI: %s is back", self.name)
            except InputError as error:
                if self._port is not None:
                    log.warning("%s", error)
                    self._lose()

    def _lose(self) -> None:
        self._shut()
        if self._on_lost is not None:
            self._on_lost()

    def _shut(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            try:
                port.close()
            except (OSError, RuntimeError) as error:
                log.debug("closing %s: %s", self.name, error)


class MidiSource:
    """A ``PoseSource`` tapped by a MIDI device (``MidiPort``); unplugged, it gives no poses until it is back."""

    def __init__(
        self,
        now_s: Callable[[], float],
        port: str = "",
        beat_quarters: Callable[[], float] | None = None,
        backend: Any | None = None,
        watch_s: float = WATCH_S,
    ) -> None:
        self._source = TapSource()
        self._taps = MidiTaps(self._source, beat_quarters) if beat_quarters else MidiTaps(self._source)
        self._lock = threading.Lock()
        self._port = MidiPort(now_s, self._take, port, backend, watch_s)
        self.name = self._port.name

    @property
    def plugged(self) -> bool:
        """The device is there."""
        return self._port.plugged

    def poll(self, now_s: float) -> Sequence[Pose]:
        return self._source.poll(now_s) if self.plugged else []

    def restart(self) -> None:
        """The music starts anew: the next tap is a preparatory beat."""
        self._source.restart()

    def close(self) -> None:
        self._port.close()
        self._source.close()

    def _take(self, message: mido.Message, time_s: float) -> None:
        with self._lock:
            self._taps.take(message, time_s)


def _brief(error: BaseException) -> str:
    return str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
