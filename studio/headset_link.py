"""The headset of a live session: found again when it was lost, shown the performance, and ticking on the beat."""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tenacity import Retrying, retry_if_exception_type, stop_when_event_set, wait_exponential
from tenacity.nap import sleep_using_event

from ..engine.clock import SessionClock
from ..engine.errors import HeadsetError
from ..engine.hall import Hall
from ..engine.interaction.values import InteractionFrame, Pointer
from ..engine.types import Frame, PlayerPlacement, Pose
from ..scenes.headset.headset import HeadsetSource
from ..scenes.headset.openvr_messages import Hand, Press, Ready, Stage

AGAIN_S = (4.0, 60.0)
"""A lost runtime is asked for again after the first, and at last every second of these."""
DOWNBEAT_TICK, BEAT_TICK = (0.7, 0.03), (0.35, 0.02)
"""Amplitude and seconds of a tick on the first beat of a measure, and on the others."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HeadsetChoice:
    """What a person chose: ``seated`` in the headset's seated space; ``haptics``: the baton ticks on each beat."""

    seated: bool = False
    haptics: bool = False


class HeadsetLink:
    """A ``PoseSource`` and a ``PointerSource`` that outlives the VR runtime.

    Opening it raises ``HeadsetError`` where there is no headset now. Is the headset lost later, the log says so once,
    and it is looked for in the background, politely: less and less often, and no runtime is started that somebody
    closed. All methods but ``close`` return at once.
    """

    def __init__(self, clock: SessionClock, stage: Stage, hand: Hand, choice: HeadsetChoice) -> None:
        self._clock = clock
        self._stage = stage
        self._choice = choice
        self._hand = hand
        self._closing = threading.Event()
        self._search: threading.Thread | None = None
        self._source = HeadsetSource(clock, stage=stage, seated=choice.seated, baton_hand=hand)

    @property
    def ready(self) -> Ready:
        """What the headset said of itself when it was last opened."""
        return self._source.ready

    @property
    def alive(self) -> bool:
        """A lost headset may come back: True until ``close``."""
        return not self._closing.is_set()

    @property
    def present(self) -> bool:
        """Whether the headset is there now."""
        return self._source.alive

    @property
    def dynamics(self) -> float | None:
        """How far the trigger of the hand without the baton is pulled, 0–1."""
        return self._source.dynamics

    @property
    def baton_hand(self) -> Hand:
        return self._hand

    def poll(self, now_s: float) -> Sequence[Pose]:
        self._look_after()
        return self._source.poll(now_s)

    def poll_pointers(self, now_s: float) -> Sequence[Pointer]:
        return self._source.poll_pointers(now_s)

    def take_presses(self) -> Sequence[Press]:
        return self._source.take_presses()

    def publish(self, frame: Frame, interaction: InteractionFrame | None = None) -> None:
        """Show a frame and what the pointers came to; tick where the orchestra's beat is and a pointer asks for it."""
        self._source.publish(frame, interaction)
        if self._choice.haptics:
            for crossing in frame.crossings:
                self._source.tick(*(DOWNBEAT_TICK if crossing.beat == 1 else BEAT_TICK))
        for pulse in interaction.pulses if interaction is not None else ():
            if pulse.hand != "mouse":
                self._source.tick(pulse.amplitude, pulse.duration_s, pulse.hand)

    def place(self, placements: Sequence[PlayerPlacement]) -> None:
        """Show the players there, now and in a headset that comes back."""
        self._stage = replace(self._stage, placements=tuple(placements))
        self._source.place(placements)

    def enter(self, hall: Hall) -> None:
        """Show the orchestra in another hall, now and in a headset that comes back."""
        self._stage = replace(self._stage, hall=hall)
        self._source.enter(hall)

    def swap_hands(self) -> Hand:
        """Give the baton to the other hand; which that is."""
        self._hand = "left" if self._hand == "right" else "right"
        self._source.hold_baton(self._hand)
        return self._hand

    def recenter(self) -> None:
        """Where the head is now is the podium."""
        self._source.recenter()

    def close(self) -> None:
        """Leave the runtime for good; may be called twice."""
        self._closing.set()
        if self._search is not None:
            self._search.join(1.0)
        self._source.close()

    # -- coming back ---------------------------------------------------------------------------------------

    def _look_after(self) -> None:
        if not self._source.alive and self._search is None and self.alive:
            self._search = threading.Thread(target=self._find, args=(self._source,), name="headset-search", daemon=True)
            self._search.start()

    def _find(self, lost: HeadsetSource) -> None:
        lost.close()  # here: its process takes seconds to leave
        patiently = Retrying(
            wait=wait_exponential(multiplier=AGAIN_S[0], max=AGAIN_S[1]),
            stop=stop_when_event_set(self._closing),
            retry=retry_if_exception_type(HeadsetError),
            sleep=sleep_using_event(self._closing),
            reraise=True,
        )
        self._closing.wait(AGAIN_S[0])
        try:
            found: HeadsetSource = patiently(self._open)
        except HeadsetError as error:  # the studio closes
            log.debug("the headset did not come back: %s", error)
            return
        if self._closing.is_set():
            found.close()
            return
        found.place(self._stage.placements)  # as they were moved while it was looked for
        if isinstance(self._stage.hall, Hall):
            found.enter(self._stage.hall)
        found.hold_baton(self._hand)
        self._source = found
        self._search = None
        log.warning("the headset is back: %s", found.ready.headset)

    def _open(self) -> HeadsetSource:
        if self._closing.is_set():
            raise HeadsetError("the studio closes")
        return HeadsetSource(
            self._clock,
            stage=self._stage,
            seated=self._choice.seated,
            baton_hand=self._hand,
            start_runtime=False,
        )
