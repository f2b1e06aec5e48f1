"""A learner who plays with the orchestra: with an instrument at a microphone, or at a MIDI keyboard, from a seat of
their own beside the podium.

The seat is the audio process's alone: the score has no part for it, and viewers do not see it.
"""

import logging
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..engine.applause import INSTRUMENT as APPLAUSE
from ..engine.audio.audio_ring import AudioRing, AudioStatus
from ..engine.audio.live_input import MicrophoneJob
from ..engine.audio.output import AudioProcess
from ..engine.clock import SessionClock
from ..engine.errors import InputError
from ..engine.instruments import Instrument, catalogue
from ..engine.listening.tracker import NoteTracker
from ..engine.notation.instrument_names import instrument_named_in
from ..engine.types import HeardNote, PerformerSource, PlayerPlacement
from .keyboard import KeyboardPlayer, KeyboardSource
from .page_keyboard import PageKeyboard
from .relay.protocol_values import KeyboardInfo
from .relay.relay import RelayProcess

log = logging.getLogger(__name__)

BESIDE_PODIUM_M = (-1.4, 0.2)
"""Left of the conductor, where soloists stand."""
FACES_DEG = 180.0
LISTEN_EVERY_S = 0.01
ON_PAGE = "page"
NAMES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")


@dataclass(frozen=True, slots=True)
class LearnerChoice:
    """What a person chose. ``instrument`` None is the solo's where a solo is played, else a violin. ``microphone`` and
    ``keyboard`` are parts of names, ``"default"`` the first or the system's own, None: not opened; the keyboard
    ``"page"`` is the page's own. ``headphones``
    promises that the microphone does not hear the hall: only then is the microphone heard in it. ``place_m`` is where
    the learner is on the stage (x to the right, y away from the audience).
    """

    instrument: str | None = None
    microphone: str | None = None
    keyboard: str | None = None
    headphones: bool = False
    place_m: tuple[float, float] = BESIDE_PODIUM_M

    @property
    def plays_on_page(self) -> bool:
        """They play the page's keyboard."""
        return self.keyboard == ON_PAGE

    @property
    def wanted(self) -> bool:
        return self.microphone is not None or self.keyboard is not None

    @classmethod
    def parse_place(cls, text: str) -> tuple[float, float]:
        """``x,y`` in metres. Raises ``InputError``."""
        try:
            x_m, y_m = (float(word) for word in text.split(","))
        except ValueError:
            raise InputError(
                f"no place {text!r} on the stage: say x,y in metres from the podium, like -1.4,0.2"
            ) from None
        if not math.hypot(x_m, y_m) <= 20.0:
            raise InputError(f"{text!r} is not on the stage: choose a place within 20 m of the podium")
        return x_m, y_m


def instrument_named(name: str) -> Instrument:
    """By key, name or alias, upper or lower case, or as scores name it. Raises ``InputError``."""
    wanted = name.casefold()
    played = {key: instrument for key, instrument in catalogue().items() if key != APPLAUSE}
    for instrument in played.values():
        if wanted in (instrument.key, instrument.name.casefold(), *(alias.casefold() for alias in instrument.aliases)):
            return instrument
    named = instrument_named_in(name)
    if named is not None and named[0] in played:
        return played[named[0]]
    raise InputError(f"no instrument is called {name!r}: there are {', '.join(played)}")


def learner_seat(choice: LearnerChoice, placements: Sequence[PlayerPlacement], parts: int) -> PlayerPlacement:
    """The learner as one more player, of a part after the score's own ``parts``."""
    player = 1 + max((placement.player for placement in placements), default=-1)
    instrument = instrument_named(choice.instrument or "violin").key
    return PlayerPlacement(player, parts, "learner", instrument, (*choice.place_m, 0.0), FACES_DEG, 0)


class Listener:
    """A ``PerformerSource`` that hears a microphone: what the audio process writes to ``ring`` becomes notes.

    It listens in a thread of its own and closes the ring. ``gated`` takes out what loudspeakers brought back. A line is
    logged where the audio process ducked howling, or lost the device.
    """

    def __init__(self, ring: AudioRing, instrument: Instrument, gated: bool) -> None:
        self._ring = ring
        low, high = instrument.range
        self._tracker = NoteTracker(ring.rate_hz, max(24.0, float(low)), min(120.0, float(high)))
        self._gated = gated
        self._told: list[HeardNote] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(
            target=self._listen, args=(ring.written, ring.status()), name="listener", daemon=True
        )
        self._thread.start()

    @property
    def latency_s(self) -> float:
        """From a sound at the microphone to its block in the audio process."""
        return self._ring.status().latency_s

    @property
    def opened(self) -> bool:
        """Whether the audio process opened the microphone."""
        return self.latency_s > 0.0

    def poll(self, now_s: float) -> Sequence[HeardNote]:
        with self._lock:
            told, self._told = self._told, []
        return told

    def close(self) -> None:
        """Stop listening; the note that sounds is told as ended."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._thread.join(2.0)
        with self._lock:
            self._told += self._tracker.finish(self._ring.time_of(self._ring.written))
        self._ring.close()

    def _listen(self, at: int, status: AudioStatus) -> None:
        """From a place in the ring on, and from what had been counted there."""
        while not self._closing.wait(LISTEN_EVERY_S):
            before, status = status, self._ring.status()
            if status.howls > before.howls:
                log.warning("feedback: the microphone is ducked for a moment; use headphones, or play softer")
            if status.lost > before.lost:
                log.warning("microphone %s was lost: the orchestra plays on without you", status.device)
            start, samples = self._ring.read_since(at)
            if not len(samples):
                continue
            if start != at:
                log.warning("%.1f s of the microphone were missed", (start - at) / self._ring.rate_hz)
            at = start + len(samples)
            reference = samples[:, 1] if self._gated else None
            notes = self._tracker.push(samples[:, 0], self._ring.time_of(start), reference)
            if notes:
                with self._lock:
                    self._told += notes


@dataclass(slots=True)
class Learner:
    """The learner on the way into a session: first the seat and the microphone's ring, then, when there is an audio
    process, the performers."""

    choice: LearnerChoice
    seat: PlayerPlacement
    ring: AudioRing | None
    microphone: MicrophoneJob | None
    performers: list[PerformerSource] = field(default_factory=list)

    @classmethod
    def prepare(
        cls, choice: LearnerChoice, placements: Sequence[PlayerPlacement], parts: int, rate_hz: int
    ) -> "Learner":
        """Raises ``InputError`` for an instrument that is not known."""
        seat = learner_seat(choice, placements, parts)
        if choice.microphone is None:
            return cls(choice, seat, None, None)
        ring = AudioRing.create(rate_hz)
        job = MicrophoneJob(seat.player, _name(choice.microphone), ring.name, headphones=choice.headphones)
        return cls(choice, seat, ring, job)

    @property
    def page_keyboard(self) -> KeyboardInfo | None:
        """What the page shows to play, where it is played there."""
        if not self.choice.plays_on_page:
            return None
        instrument = catalogue()[self.seat.instrument]
        return KeyboardInfo(instrument.name, *instrument.range)

    def open(self, audio: AudioProcess, clock: SessionClock, relay: RelayProcess | None = None) -> None:
        """Begin to listen. Raises ``InputError`` where the keyboard, or the page for its keyboard, is not there."""
        instrument = catalogue()[self.seat.instrument]
        if self.choice.keyboard is not None:
            player = KeyboardPlayer(audio.submit, self.seat.part, *instrument.range)
            if not self.choice.plays_on_page:
                self.performers.append(KeyboardSource(player, clock.now_s, _name(self.choice.keyboard)))
            elif relay is not None:
                self.performers.append(PageKeyboard(player, relay))
            else:
                raise InputError("there is no page to play on: choose another --port, or another --keyboard")
        if self.ring is not None:
            self.performers.append(Listener(self.ring, instrument, gated=not self.choice.headphones))
            self.ring = None

    def close(self) -> None:
        """For a session that never began."""
        for performer in self.performers:
            performer.close()
        if self.ring is not None:
            self.ring.close()

    def describe(self, audio_latency_s: float) -> str:
        """One line that says who plays and how they are heard; nothing where they are not heard."""
        name = catalogue()[self.seat.instrument].name
        lines = []
        for performer in self.performers:
            if isinstance(performer, KeyboardSource):
                lines.append(f"you play the {name} at {performer.name}")
            elif isinstance(performer, PageKeyboard):
                lines.append(f"you play the {name} on the page: its piano keys, or the keys A to K")
            elif isinstance(performer, Listener) and not performer.opened:
                continue  # the audio process has said why
            elif isinstance(performer, Listener) and self.choice.headphones:
                delay_ms = 1000.0 * (audio_latency_s + performer.latency_s)
                lines.append(f"you play the {name} at the microphone, heard in the hall {delay_ms:.0f} ms later")
            else:
                lines.append(f"your {name} is listened to and not heard in the hall: with headphones, say --headphones")
        return "; ".join(lines)


class NoteLine:
    """Says in one line what the learner played last, and in the end how it was."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._cents: list[float] = []

    def take(self, note: HeardNote) -> None:
        nearest = round(note.pitch)
        cents = 100.0 * (note.pitch - nearest)
        if note.duration_s is None:
            self._show(f"♪ {pitch_name(nearest)} {cents:+.0f} cents  ")
        else:
            self._cents.append(cents)

    def summary(self) -> str:
        """Empty where nothing was heard."""
        if not self._cents:
            return ""
        middle = sorted(self._cents)[len(self._cents) // 2]
        count = f"{len(self._cents)} note{'s' if len(self._cents) > 1 else ''}"
        return f"You played {count}, {middle:+.0f} cents in the middle."


def pitch_name(pitch: int) -> str:
    """``A4`` for 69."""
    return f"{NAMES[pitch % 12]}{pitch // 12 - 1}"


def _name(text: str) -> str:
    return "" if text == "default" else text
