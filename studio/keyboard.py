"""A MIDI keyboard that plays an instrument of the orchestra from the learner's seat.

Notes go straight from the driver's thread to the sound, without waiting for a step of the session; the session is told
of them as of any performer that is heard (``HeardNote``).
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import mido

from ..engine.types import PERFORMER, HeardNote, NoteEvent, NoteRelease
from .inputs.midi import WATCH_S, MidiPort

FIRST_NOTE_ID = 1 << 40
"""Far from the numbers of the score's notes."""
AT_ONCE_S = 0.05
"""Notes are dated so far back that the sound begins them in the next block, with no spread of a section's onsets."""
EXPECTED_S = 0.5
"""How long a key is taken to be held until it is let go."""
SUSTAIN, ALL_SOUND_OFF, ALL_NOTES_OFF = 64, 120, 123
PEDAL_DOWN = 64
Submit = Callable[[Sequence[NoteEvent], Sequence[NoteRelease]], None]


class KeyboardPlayer:
    """Messages in, notes out; no port in here. Thread-safe.

    ``submit`` takes notes of ``part`` to be sounded now. Keys outside ``low`` to ``high`` are played an octave or more
    nearer. The sustain pedal holds what is let go; a key struck again ends its earlier note.
    """

    def __init__(self, submit: Submit, part: int, low: int = 0, high: int = 127) -> None:
        self._submit, self._part = submit, part
        self._low, self._high = low, high
        self._lock = threading.Lock()
        self._sounding: dict[int, HeardNote] = {}
        self._pedalled: set[int] = set()
        self._pedal = False
        self._told: list[HeardNote] = []
        self._count = 0

    def take(self, message: mido.Message, time_s: float) -> None:
        """A message that came at ``time_s`` (session clock)."""
        with self._lock:
            match message.type:
                case "note_on" if message.velocity > 0:
                    self._strike(message.note, message.velocity, time_s)
                case "note_on" | "note_off":
                    self._let_go(message.note, time_s)
                case "control_change" if message.control == SUSTAIN:
                    self._tread(message.value >= PEDAL_DOWN, time_s)
                case "control_change" if message.control in (ALL_SOUND_OFF, ALL_NOTES_OFF):
                    self._release_all(time_s)

    def release_all(self, time_s: float) -> None:
        """End what sounds: the device is gone, or the music was stopped."""
        with self._lock:
            self._release_all(time_s)

    def take_notes(self) -> list[HeardNote]:
        """Notes that began or ended since the last call."""
        with self._lock:
            told, self._told = self._told, []
            return told

    def _strike(self, key: int, velocity: int, time_s: float) -> None:
        if key in self._sounding:
            self._end(key, time_s)
        pitch = key
        while pitch < self._low:
            pitch += 12
        while pitch > self._high:
            pitch -= 12
        note_id = FIRST_NOTE_ID + self._count
        self._count += 1
        note = HeardNote(note_id, time_s, None, float(pitch), velocity, 1.0)
        self._sounding[key] = note
        self._told.append(note)
        event = NoteEvent(
            note_id, self._part, time_s - AT_ONCE_S, EXPECTED_S, pitch, velocity, "sustain", float(note_id), PERFORMER
        )
        self._submit((event,), ())

    def _let_go(self, key: int, time_s: float) -> None:
        if key not in self._sounding:
            return
        if self._pedal:
            self._pedalled.add(key)
        else:
            self._end(key, time_s)

    def _tread(self, down: bool, time_s: float) -> None:
        self._pedal = down
        if not down:
            for key in sorted(self._pedalled):
                self._end(key, time_s)
            self._pedalled.clear()

    def _release_all(self, time_s: float) -> None:
        for key in list(self._sounding):
            self._end(key, time_s)
        self._pedalled.clear()

    def _end(self, key: int, time_s: float) -> None:
        note = self._sounding.pop(key)
        self._pedalled.discard(key)
        self._told.append(
            HeardNote(note.note_id, note.onset_s, time_s - note.onset_s, note.pitch, note.velocity, note.confidence)
        )
        self._submit((), (NoteRelease(note.note_id, time_s),))


class KeyboardSource:
    """A ``PerformerSource``: a ``KeyboardPlayer`` at a MIDI port (``MidiPort``).

    ``port`` is a part of its name, empty the first. Raises ``InputError`` where there is none. A keyboard that is
    unplugged lets its notes go.
    """

    def __init__(
        self,
        player: KeyboardPlayer,
        now_s: Callable[[], float],
        port: str = "",
        backend: Any | None = None,
        watch_s: float = WATCH_S,
    ) -> None:
        self.player = player
        self._now_s = now_s
        self._port = MidiPort(now_s, player.take, port, backend, watch_s, self._lost)
        self.name = self._port.name

    def poll(self, now_s: float) -> Sequence[HeardNote]:
        return self.player.take_notes()

    def close(self) -> None:
        self._port.close()
        self._lost()

    def _lost(self) -> None:
        self.player.release_all(self._now_s())
