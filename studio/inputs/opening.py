"""Opens the inputs that a person asked for and puts them into a rack."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from ...engine.clock import SessionClock
from ...engine.conducting.tapping import TapSource
from ...engine.conducting.tracking import PointerSource, TakeSource
from ...engine.errors import InputError
from ...engine.score import Score
from ..headset_link import HeadsetLink
from .calibration import SpaceMap, scaled
from .midi import MidiSource, midi_backend
from .osc import OscGesture, OscSource, listen_at
from .rack import Input, InputRack


@dataclass(frozen=True, slots=True)
class InputChoice:
    """What a person asked for. ``osc_port`` and ``midi_port`` None: not opened; ``midi_port`` is a part of a port's
    name, empty the first; ``name`` is the input that conducts whatever the others do, None whoever moves."""

    osc_port: int | None = None
    osc_host: str = "127.0.0.1"
    osc_scale: float | None = None
    midi_port: str | None = None
    name: str | None = None

    def check(self, *, window: bool = False, headset: bool = False, take: bool = False) -> None:
        """Refuse what cannot be opened, before anything else is. Raises ``InputError``."""
        if take:
            return
        if self.osc_port is not None:
            listen_at(self.osc_host, self.osc_port).close()
        if self.midi_port is not None:
            midi_backend()
        if self.name is None:
            return
        there = ["headset"] * headset + ["osc", "osc-taps"] * (self.osc_port is not None)
        there += ["midi"] * (self.midi_port is not None) + ["gamepad", "mouse", "taps"] * window
        if self.name not in there:
            raise _not_open(self.name, there)


def _not_open(name: str, there: Sequence[str]) -> InputError:
    listing = ", ".join(there) or "the page's alone"
    return InputError(f"input {name!r} is not open; there is {listing} (--window, --osc, --midi, --vr)")


@dataclass(slots=True)
class Playhead:
    """Where the music is, for inputs that need to know: a MIDI clock counts quarters, a conductor beats."""

    score: Score
    quarter: float = 0.0

    def beat_quarters(self) -> float:
        """How many quarters the conductor's beat nearest to the playhead has."""
        index = round(self.score.quarter_to_beat(self.quarter))
        return float(self.score.beats["duration_quarter"][max(0, min(len(self.score.beats) - 1, index))])


@dataclass(frozen=True, slots=True)
class OpenInputs:
    """Inputs that are open. The rack owns them; ``pointer``, ``gamepad`` and ``taps`` are for the window to feed, and
    ``osc`` knows its calibration."""

    rack: InputRack | None
    pointer: PointerSource | None = None
    gamepad: PointerSource | None = None
    taps: TapSource | None = None
    osc: OscGesture | None = None

    @property
    def space(self) -> SpaceMap | None:
        """The calibration of OSC, given or learned."""
        return self.osc.space if self.osc is not None else None


def open_inputs(
    choice: InputChoice,
    clock: SessionClock,
    playhead: Playhead,
    *,
    window: bool = False,
    headset: HeadsetLink | None = None,
    take: TakeSource | None = None,
    space: SpaceMap | None = None,
) -> OpenInputs:
    """Open them all; a recorded conductor (``take``) leaves room for no other. ``space`` is OSC's calibration.

    Raises ``InputError`` where one that was asked for cannot be had; none stays open then.
    """
    if take is not None:
        return OpenInputs(InputRack([Input("take", take)]))
    inputs: list[Input] = []
    pointer = gamepad = taps = osc = None
    with ExitStack() as opened:

        def add(name: str, source: PointerSource | TapSource | MidiSource | OscSource) -> None:
            opened.callback(source.close)
            inputs.append(Input(name, source))

        if headset is not None:
            inputs.append(Input("headset", headset, _alive(headset)))
        if choice.osc_port is not None:
            osc = OscGesture(space if choice.osc_scale is None else scaled(choice.osc_scale, space))
            add("osc", OscSource(clock.now_s, choice.osc_port, choice.osc_host, gesture=osc))
            add("osc-taps", osc.tapping)
        if choice.midi_port is not None:
            add("midi", MidiSource(clock.now_s, choice.midi_port, playhead.beat_quarters))
        if window:
            pointer, gamepad, taps = PointerSource(), PointerSource(), TapSource()
            add("gamepad", gamepad)
            add("mouse", pointer)
            add("taps", taps)
        names = [entry.name for entry in inputs]
        if choice.name is not None and choice.name not in names:
            raise _not_open(choice.name, names)
        opened.pop_all()
    return OpenInputs(InputRack(inputs, choice.name) if inputs else None, pointer, gamepad, taps, osc)


def _alive(headset: HeadsetLink) -> Callable[[], bool]:
    return lambda: headset.alive
