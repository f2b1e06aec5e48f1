"""What a MIDI device says to an orchestra: keys, pads and pedals tap beats, a controller gives the level, and the clock
of a sequencer beats time. Messages in, taps out; no port in here.
"""

from collections.abc import Callable

import mido

from ...engine.conducting.tapping import TapSource

PULSES_PER_QUARTER = 24
"""MIDI 1.0, System Real Time: Timing Clock."""
LEVEL_CONTROLLERS = frozenset({1, 2, 7, 11})
"""Modulation wheel, breath, volume, expression (MIDI 1.0, table of controllers)."""
PEDALS = frozenset({64, 66, 67})
"""Sustain, sostenuto, soft pedal: down from the middle on."""
PEDAL_DOWN = 64
CLOCK_SILENT_S = 1.0
"""A started clock that ceased for this long no longer conducts."""


def _quarter() -> float:
    return 1.0


class MidiTaps:
    """Turns messages into the taps of ``source``. One thread.

    ``beat_quarters`` tells how many quarters the conductor's beat at the playhead has: a clock counts quarters. The
    first beat after the clock's start is the preparatory one, so let the sequencer count in one beat. While a clock
    runs, notes do not tap: they are the sequencer's music.
    """

    def __init__(self, source: TapSource, beat_quarters: Callable[[], float] = _quarter) -> None:
        self._source = source
        self._beat_quarters = beat_quarters
        self._pedals_down: set[int] = set()
        self._running = False
        self._pulses_left = 0.0
        self._pulse_s = 0.0

    def take(self, message: mido.Message, time_s: float) -> None:
        """A message that came at ``time_s`` (session clock)."""
        match message.type:
            case "note_on" if message.velocity > 0 and not self._clocked(time_s):
                self._source.tap(time_s, message.velocity / 127.0)
            case "control_change":
                self._control(message.control, message.value, time_s)
            case "clock":
                self._pulse(time_s)
            case "start" | "continue":
                self._running, self._pulses_left, self._pulse_s = True, 0.0, time_s
            case "stop":
                self._running = False

    def _clocked(self, time_s: float) -> bool:
        return self._running and time_s - self._pulse_s < CLOCK_SILENT_S

    def _control(self, control: int, value: int, time_s: float) -> None:
        if control in LEVEL_CONTROLLERS:
            self._source.set_level(value / 127.0)
        elif control in PEDALS:
            if value < PEDAL_DOWN:
                self._pedals_down.discard(control)
            elif control not in self._pedals_down:
                self._pedals_down.add(control)
                if not self._clocked(time_s):
                    self._source.tap(time_s)

    def _pulse(self, time_s: float) -> None:
        if not self._running:
            return
        self._pulse_s = time_s
        if self._pulses_left < 0.5:
            self._source.tap(time_s)
            self._pulses_left += PULSES_PER_QUARTER * max(0.125, self._beat_quarters())
        self._pulses_left -= 1.0
