"""Which sound outputs this machine has, and which of them is meant by what a person typed.

An output is asked for as ``auto`` (JACK where its server runs, else the system's default), ``jack``, ``portaudio`` (the
system's default), ``none`` (the clock drives; viewers and recordings hear), or by a part of its name or its number in
``list_outputs``.
"""

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pyo

from ..errors import AudioDeviceError

KEYWORDS = ("auto", "portaudio", "jack", "coreaudio", "none")


@dataclass(frozen=True, slots=True)
class SoundOutput:
    """One output. ``index`` is portaudio's number, None for JACK; ``rate_hz`` and ``block`` are what it runs at by
    itself (``block`` None: as one likes); ``driver`` is what pyo calls it.
    """

    name: str
    driver: str
    index: int | None
    rate_hz: int
    block: int | None
    is_default: bool


def list_outputs() -> tuple[SoundOutput, ...]:
    """JACK, if its server runs, and what portaudio finds. Looks anew each time; may take a tenth of a second."""
    with quiet_stderr():
        names, indices = pyo.pa_get_output_devices()
        infos = pyo.pa_get_devices_infos()[1] if names else {}
        default = pyo.pa_get_default_output() if names else -1
    found = [
        SoundOutput(
            name, "portaudio", index, round(infos.get(index, {}).get("default sr", 48000)), None, index == default
        )
        for name, index in zip(names, indices, strict=True)
    ]
    jack = find_jack()
    return ((jack,) if jack else ()) + tuple(found)


def choose_output(wanted: str) -> SoundOutput | None:
    """The output that is meant, None for ``none``. Raises ``AudioDeviceError`` where there is no such output."""
    if wanted == "none":
        return None
    if wanted in ("auto", "jack"):
        jack = find_jack()
        if jack is not None:
            return jack
        if wanted == "jack":
            raise AudioDeviceError("no JACK server is running")
    outputs = [output for output in list_outputs() if output.index is not None]
    if wanted in KEYWORDS:
        default = next((output for output in outputs if output.is_default), outputs[0] if outputs else None)
        if default is None:
            raise AudioDeviceError("portaudio finds no output")
        return default
    return _named(wanted, outputs)


def _named(wanted: str, outputs: list[SoundOutput]) -> SoundOutput:
    text = wanted.strip().casefold()
    exact = [output for output in outputs if text in (output.name.casefold(), str(output.index))]
    found = exact or [output for output in outputs if text and text in output.name.casefold()]
    if not found:
        there = ", ".join(f"{output.index} {output.name}" for output in outputs) or "none"
        raise AudioDeviceError(
            f"no sound output is called {wanted!r}: there are {there}; or one of {', '.join(KEYWORDS)}"
        )
    return found[0]


def find_jack() -> SoundOutput | None:
    """The JACK server, asked through its client library; none is started."""
    for library in ("libjack.so.0", "libjack.0.dylib", "libjack64.dll"):
        try:
            jack = ctypes.CDLL(library)
        except OSError:
            continue
        jack.jack_set_error_function(_say_nothing)  # else it complains to the terminal that no server runs
        jack.jack_client_open.restype = ctypes.c_void_p
        for function in (jack.jack_client_close, jack.jack_get_sample_rate, jack.jack_get_buffer_size):
            function.argtypes = [ctypes.c_void_p]
        status = ctypes.c_int(0)
        client = jack.jack_client_open(b"tutti-probe", 1, ctypes.byref(status))  # 1: JackNoStartServer
        if client:
            rate_hz, block = int(jack.jack_get_sample_rate(client)), int(jack.jack_get_buffer_size(client))
            jack.jack_client_close(client)
            return SoundOutput("jack", "jack", None, rate_hz, block, True)
    return None


@ctypes.CFUNCTYPE(None, ctypes.c_char_p)
def _say_nothing(_message: bytes) -> None:
    """An error handler for JACK."""


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """ALSA writes dozens of lines about outputs that are not there straight to the terminal: not here.

    The process's standard error is closed to all its threads for as long.
    """
    with contextlib.ExitStack() as stack:
        try:
            kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        except OSError:  # no terminal at all
            yield
            return
        stack.callback(os.close, kept)
        stack.callback(os.close, nowhere)
        sys.stderr.flush()
        os.dup2(nowhere, 2)
        stack.callback(os.dup2, kept, 2)
        yield
