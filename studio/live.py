"""A live session: one ``step`` from poses to sound, page and recording; what people ask for; and who is watched over.

The session owns what it is given and closes it. One thread steps it, about a hundred times a second.
"""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from ..engine.audio.impulse_response import room_of
from ..engine.audio.output import AudioProcess
from ..engine.audio.room import Room
from ..engine.audio.sound_watch import SoundReading, SoundWatch
from ..engine.clock import SessionClock
from ..engine.conducting.follow_style import FollowStyle
from ..engine.errors import TuttiError
from ..engine.hall import Hall
from ..engine.interaction.moving import put_back
from ..engine.interaction.values import InteractionFrame, Pointer, Request
from ..engine.performance import Performance
from ..engine.types import FollowState, Frame, HeardNote, PerformerSource, PlayerPlacement, Pose
from .ai.ai_record import CopyWatch
from .ai.commentary import Commentary
from .hall_choice import ACTION as ENTERED
from .hall_choice import seat_kept
from .hall_interaction import Console, HallInteraction
from .headset_link import HeadsetLink
from .house import House
from .inputs.opening import Playhead
from .inputs.rack import InputRack, Swap
from .relay.interaction_info import viewer_name
from .relay.protocol import NOBODY, PODIUM
from .relay.relay import Control, RelayProcess
from .relay.sound_info import sound_status
from .reseating import changed_players
from .seating_file import SeatingFile
from .session_file import ControlEvent, Reseating, SessionRecorder
from .sound_recording import SoundRecording

log = logging.getLogger(__name__)

LOOK_AFTER_S = 0.5
"""How often processes are looked after and recorded sound is fetched."""
RELAY_RESTARTS = 3
AT_REST: frozenset[FollowState] = frozenset({"waiting", "stopped", "ended"})
"""The baton may change hands in these without cutting a beat."""
TRIGGER_LEVEL = 0.35
"""What a pulled trigger of the hand without the baton adds to the level of the gesture (0–1)."""
TAPPED = frozenset({"taps", "osc-taps", "midi", "page-taps"})
"""Inputs whose beats are tapped, not drawn."""
INPUT_TITLES = {
    "osc": "OSC",
    "osc-taps": "taps by OSC",
    "midi": "MIDI",
    "page-taps": "taps on the page",
}


@dataclass(slots=True)
class LiveSession:
    """Everything a live session is made of.

    ``local`` holds the studio's own batons (window, take, headset, OSC, MIDI), None where only viewers conduct; the
    viewer who holds the baton on the page, whose inputs are ``viewers``, comes before them. ``headset`` is the one in
    ``local``: its menu button stops and starts. ``playhead`` is told where the music is. ``performers`` are
    learners who play from the places ``beside`` the orchestra's; ``on_heard`` is told their notes. ``on_place`` when
    players were muted or re-balanced, ``on_enter`` when they went to another hall, ``on_swap`` in one line when
    another input conducts. ``hands`` is what people do by pointing; ``on_interaction`` is told what that came to for
    those who are not viewers of the page.
    """

    clock: SessionClock
    performance: Performance
    placements: tuple[PlayerPlacement, ...]
    audio: AudioProcess
    local: InputRack | None = None
    headset: HeadsetLink | None = None
    viewers: InputRack | None = None
    playhead: Playhead | None = None
    relay: RelayProcess | None = None
    recorder: SessionRecorder | None = None
    seating: SeatingFile | None = None
    performers: tuple[PerformerSource, ...] = ()
    beside: tuple[PlayerPlacement, ...] = ()
    on_heard: Callable[[HeardNote], None] | None = None
    on_place: Callable[[tuple[PlayerPlacement, ...]], None] | None = None
    on_enter: Callable[[Hall], None] | None = None
    on_swap: Callable[[str], None] | None = None
    copies: CopyWatch | None = None
    """Whether what the AI plays was heard before; its warnings are logged and go to the page."""
    commentary: Commentary | None = None
    """What the page is told of the music."""
    hands: HallInteraction | None = None
    house: House | None = None
    """The audience that claps in the end; None: nobody does."""
    on_interaction: Callable[[InteractionFrame], None] | None = None
    watch: SoundWatch | None = None
    """Looks at the sound; the page is told, and whoever takes ``take_sound``."""
    viewer_conducts: bool = False
    _entering: tuple[Hall, Room] | None = None
    _recording: SoundRecording | None = None
    _sound: SoundReading | None = None
    _looked_after_s: float = 0.0
    _relay_restarts: int = 0
    _running: bool = True
    _state: FollowState = "waiting"
    _heard: Pose | None = None
    _quarter: float = 0.0
    _next_frame: int = 0
    _spectators: frozenset[str] = frozenset()
    _told: dict[str, InteractionFrame] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.recorder is not None:
            self._recording = SoundRecording(self.audio, self.recorder)

    def step(self) -> Frame:
        """Advance the performance to now, and hand its frame to everyone."""
        now_s = self.clock.now_s()
        self._obey(now_s)
        if self.headset is not None:
            self._obey_headset(self.headset)
        if self.hands is not None:
            self._point(self.hands, now_s)
        poses = self._poses(now_s)
        if self.recorder is not None:
            self.recorder.write_poses(poses)
        heard = self._hear_performers(now_s)
        frame = self.performance.step(now_s, poses, heard)
        if self.house is not None:
            frame = self.house.step(frame, self.performance.ended, self.audio)
        if not self._running and frame.position.state == "waiting":  # nobody is to think that it waits for a beat
            frame = replace(frame, position=replace(frame.position, state="stopped"))
        self._quarter, self._state = frame.position.quarter, frame.position.state
        self._next_frame = frame.index + 1
        if self._entering is not None:  # music may have begun while the next hall is made ready
            self.audio.enter_at(-math.inf if self._state in AT_REST else math.inf)
        if self.hands is not None:
            self.hands.show(frame)
        self._tell_inputs(frame)
        self.audio.submit(frame.notes, frame.releases)
        if self.copies is not None:
            self.copies.hear(frame.notes)
        self._turn_head(frame)
        if self.relay is not None and self.relay.alive:
            self.relay.publish(frame)
            for told in self.commentary.follow(frame, heard) if self.commentary is not None else ():
                self.relay.show(told)
        if self.headset is not None:
            self.headset.publish(frame, self.interaction_frame("headset"))
        if self.recorder is not None:
            self.recorder.write_frame(frame)
        self._show_sound(now_s)
        if now_s - self._looked_after_s >= LOOK_AFTER_S:
            self._looked_after_s = now_s
            self._look_after()
        return frame

    def _show_sound(self, now_s: float) -> None:
        reading = self.watch.look(now_s) if self.watch is not None else None
        if reading is None:
            return
        self._sound = reading
        if self.relay is not None and self.relay.alive:
            mixer = self.hands.mixer if self.hands is not None else None
            self.relay.show(sound_status(reading, self.placements, len(self.performance.score.parts), mixer))

    def take_sound(self) -> SoundReading | None:
        """How the sound does, where that is news since the last call."""
        reading, self._sound = self._sound, None
        return reading

    def _hear_performers(self, now_s: float) -> list[HeardNote]:
        heard = [note for performer in self.performers for note in performer.poll(now_s)]
        for note in heard:
            if self.recorder is not None:
                self.recorder.write_heard(note)
            if self.on_heard is not None:
                self.on_heard(note)
        return heard

    # -- who conducts --------------------------------------------------------------------------------------

    def _poses(self, now_s: float) -> list[Pose]:
        """The baton of whoever holds it. Both sources are read, so that none piles up."""
        from_page = list(self.viewers.poll(now_s)) if self.viewers is not None else []
        own = list(self.local.poll(now_s)) if self.local is not None else []
        by_page = self.viewer_conducts or self.local is None
        for rack, who, conducts in ((self.viewers, "page", by_page), (self.local, "podium", not by_page)):
            for swap in rack.take_swaps() if rack is not None else ():
                self._note_swap(swap, who, conducts)
        if self.local is not None and not self.local.names:
            self.local = None
            if self.relay is not None:
                self.relay.hold_baton(False)
        if not self._running:
            return []
        return from_page if by_page else own

    def _note_swap(self, swap: Swap, who: str, conducts: bool) -> None:
        if conducts and swap.name:
            self.performance.take_baton(drawn=swap.name not in TAPPED)
        if self.recorder is not None:
            self.recorder.write_control(ControlEvent(swap.time_s, "input", swap.name, who))
        if self.on_swap is not None and conducts and swap.before and swap.name:
            self.on_swap(f"{INPUT_TITLES.get(swap.name, swap.name)} conducts")

    def _tell_inputs(self, frame: Frame) -> None:
        for rack in (self.local, self.viewers):
            if rack is not None:
                rack.at_rest = frame.position.state in AT_REST
        if self.playhead is not None:
            self.playhead.quarter = frame.position.quarter

    def choose_next_input(self) -> str:
        """Let the next of the studio's own inputs conduct, in a round with "whoever moves"; one line that says so."""
        if self.local is None:
            return "the page conducts: nothing else is open"
        name = self.local.choose_next()
        return "whoever moves conducts" if name is None else f"{INPUT_TITLES.get(name, name)} conducts"

    def _turn_head(self, frame: Frame) -> None:
        head = frame.pose_of("head")
        if head is not None and head != self._heard:
            self._heard = head
            self.audio.listen(head)

    # -- what people ask for ----------------------------------------------------------------------------

    def stop(self) -> None:
        """The orchestra stops at the start of the bar where it is, and looks at no baton until ``start``."""
        self._running = False
        self._jump_to_measure(self.performance.score.measure_at(self._quarter))

    def start(self) -> None:
        """The orchestra watches the baton again; after the end of the piece, for its beginning."""
        if self._state == "ended":
            self._jump_to_measure(0)
        self._running = True

    def start_stop(self) -> None:
        """Stop what goes on; where nothing does, make ready for the baton."""
        self.start() if not self._running or self._state in AT_REST else self.stop()

    def restart(self) -> None:
        """From the beginning, at the next preparatory beat."""
        self._jump_to_measure(0)
        self._running = True

    def change_level(self, change: float) -> None:
        """Louder or softer by a part of the whole range."""
        self.performance.level_trim = min(0.5, max(-0.5, self.performance.level_trim + change))

    def _jump_to_measure(self, measure: int) -> None:
        beats = self.performance.score.beats
        measure = min(max(0, measure), len(self.performance.score.measures) - 1)
        first = next((index for index, row in enumerate(beats) if row["measure"] >= measure), 0)
        self.performance.jump(first)
        for rack in (self.local, self.viewers):
            if rack is not None:
                rack.restart()
        self.audio.silence()

    def _obey(self, now_s: float) -> None:
        for control in self.relay.take_controls() if self.relay is not None else ():
            self._do(control)
            if self.recorder is not None:
                value = f"{control.target} {control.value:g}"
                self.recorder.write_control(ControlEvent(now_s, control.action, value, control.name))

    def _obey_headset(self, headset: HeadsetLink) -> None:
        self.performance.level_push = TRIGGER_LEVEL * (headset.dynamics or 0.0)
        for press in headset.take_presses():
            if press.button == "menu" and press.pressed and self.hands is None:  # else it opens the menu
                self.start_stop()
            elif press.button == "cue" and press.pressed:
                self.performance.cue()

    # -- hands in the hall --------------------------------------------------------------------------------

    def _point(self, hands: HallInteraction, now_s: float) -> None:
        """What everybody's pointers came to: done, and shown to them."""
        console = Console(
            running=self._running,
            level=self.performance.level_trim,
            forgiveness=self.performance.style.forgiveness,
            conducting=self._conducting(),
        )
        outcome = hands.step(now_s, self._rays(), self._spectators, self.placements, console)
        for request in outcome.requests:
            self._grant(hands, request)
            if self.recorder is not None:
                value = " ".join([f"{request.value:g}", *map(str, request.players)])
                self.recorder.write_control(ControlEvent(now_s, request.action, value, request.who))
        if outcome.placements is not None:
            self.place(put_back(self.placements, outcome.placements))
        for frame in outcome.frames:
            self._tell_interaction(frame)

    def interaction_frame(self, who: str) -> InteractionFrame | None:
        """What somebody's pointers came to at the newest step; None where they have none."""
        return self.hands.frames.get(who) if self.hands is not None else None

    def _rays(self) -> list[Pointer]:
        """The rays of the page's viewers; who of them may only look is noted."""
        pointing = self.relay.take_pointing() if self.relay is not None else []
        for given in pointing:
            who = frozenset({viewer_name(given.viewer)})
            self._spectators = self._spectators - who if given.may_control else self._spectators | who
        return [pointer for given in pointing for pointer in given.pointers]

    def _tell_interaction(self, frame: InteractionFrame) -> None:
        viewer = frame.who.removeprefix("viewer ")
        if viewer == frame.who:
            if self.on_interaction is not None:
                self.on_interaction(frame)
        elif self.relay is not None and self.relay.alive:
            shown = replace(frame, time_s=0.0)
            if shown != self._told.get(frame.who):
                self._told = {who: told for who, told in self._told.items() if self.hands and who in self.hands.frames}
                self._told[frame.who] = shown
                self.relay.interact(int(viewer), frame)

    def _grant(self, hands: HallInteraction, request: Request) -> None:
        match request.action:
            case "start_stop":
                self.start_stop()
            case "restart":
                self.restart()
            case "seek":
                self._jump_to_measure(int(request.value))
            case "level":
                self.performance.level_trim = min(0.5, max(-0.5, request.value))
            case "follow":
                self.performance.follow_as(FollowStyle(min(1.0, max(0.0, request.value))))
            case "next_input":
                line = self.choose_next_input()
                if self.on_swap is not None:
                    self.on_swap(line)
            case "swap_hands":
                if self.headset is not None and request.who == "headset":
                    self.headset.swap_hands()
            case "mute" | "solo" | "gain" | "mix_clear":
                self.place(hands.balance(request, self.placements))
            case "seat":
                self.audio.sit(hands.sit(request))
            case "hall":
                self.enter_hall(hands, hands.hall_asked_for(request.value))

    def enter_hall(self, hands: HallInteraction, hall: Hall) -> None:
        """Play in another hall as soon as it is ready and nothing is played; not to be asked for while music is."""
        if self._state not in AT_REST or self._entering is not None or hall == hands.hall:
            return
        try:
            room = room_of(hall)
        except TuttiError as error:
            self._announce(f"Not to the {hall.name}: {error}")
            return
        self._entering, hands.entering = (hall, room), hall
        self.audio.enter(room, seat_kept(hands.seat, hall)[1])
        self._announce(f"On the way: {hall.name}")

    def _arrive(self, hands: HallInteraction, hall: Hall, room: Room) -> None:
        """The next hall is heard, or could not be made ready."""
        self._entering = hands.entering = None
        if self.audio.room is not room:
            self._announce(f"The {hall.name} could not be made ready: the orchestra stays where it is")
            return
        now_s = self.clock.now_s()
        hands.enter(hall)
        self.audio.sit(seat_kept(hands.seat, hall)[1])  # they may have sat down elsewhere on the way
        if self.house is not None:
            self.audio.submit((), self.house.hush(now_s))
            others = tuple(seat for seat in self.beside if seat not in self.house.seats)
            self.house = self.house.moved(hall)
            self.beside = (*others, *self.house.seats)
            self.audio.place((*self.placements, *self.beside))
        if self.relay is not None:
            self.relay.enter(hall)
        if self.headset is not None:
            self.headset.enter(hall)
        if self.on_enter is not None:
            self.on_enter(hall)
        if self.recorder is not None:
            self.recorder.write_control(ControlEvent(now_s, ENTERED, hall.key, ""))
        self._announce(f"The orchestra plays in the {hall.name}")

    def _announce(self, line: str) -> None:
        """A line for everybody: in the terminal, and on the page."""
        if self.on_swap is not None:
            self.on_swap(line)
        if self.relay is not None:
            self.relay.say(line)

    def _conducting(self) -> str:
        """What conducts, in words."""
        if self.viewer_conducts or self.local is None:
            return "the page conducts"
        name = self.local.conducting
        return "whoever moves conducts" if name is None else f"{INPUT_TITLES.get(name, name)} conducts"

    def _do(self, control: Control) -> None:
        match control.action:
            case "start":
                self.start()
            case "stop":
                self.stop()
            case "seek":
                self._jump_to_measure(control.target)
            case "gain":
                self._change(control.target, gain_db=control.value)
            case "mute":
                self._mute(control.target, control.value != 0.0)
            case "cue":
                self.performance.cue()
            case "solo":
                if self.hands is not None:
                    self.place(self.hands.solo_part(control.target, control.value != 0.0, self.placements))
            case "baton":
                self.viewer_conducts = control.target not in (NOBODY, PODIUM)
                rack = self.viewers if self.viewer_conducts else self.local
                self.performance.take_baton(drawn=rack is None or rack.conducting not in TAPPED)

    def _mute(self, part: int, muted: bool) -> None:
        if self.hands is None:
            self._change(part, muted=muted)
        else:
            self.place(self.hands.mute_part(part, muted, self.placements))

    def _change(self, part: int, **values: float | bool) -> None:
        self.place(
            tuple(
                replace(placement, **values) if placement.part == part else placement  # type: ignore[arg-type]
                for placement in self.placements
            )
        )

    def place(self, placements: Sequence[PlayerPlacement]) -> None:
        """Seat, mute or balance the players anew, for ear, window and page, and in the recording."""
        changed = changed_players(self.placements, placements)
        if self.recorder is not None and changed:
            self.recorder.write_reseating(Reseating(self.clock.now_s(), self._next_frame, changed))
        self.placements = tuple(placements)
        self.audio.place((*self.placements, *self.beside))
        self.performance.place(self.placements)
        if self.relay is not None:
            self.relay.place(self.placements)
        if self.headset is not None:
            self.headset.place(self.placements)
        if self.on_place is not None:
            self.on_place(self.placements)

    # -- looking after ----------------------------------------------------------------------------------

    def _look_after(self) -> None:
        """Fetch recorded sound, see to the seating, bring a dead relay back; the audio process watches itself."""
        if self._recording is not None:
            self._recording.fetch()
        if self._entering is not None and self.hands is not None and not self.audio.entering:
            self._arrive(self.hands, *self._entering)
        close = self.copies.check() if self.copies is not None else None
        if close is not None:
            log.warning(close)
            if self.relay is not None:
                self.relay.say(close)
        placements = self.seating.changed() if self.seating is not None else None
        if placements is not None:
            if self.hands is not None:
                self.hands.reseat(placements)
            self.place(placements)
        if self.relay is not None and not self.relay.alive:
            self.viewer_conducts = False
            if self._relay_restarts < RELAY_RESTARTS:
                self._relay_restarts += 1
                self.relay.restart()
                log.warning("the relay is started again: viewers reconnect by themselves")

    def close(self) -> None:
        """End everything softly; the recording is finished first."""
        for performer in self.performers:
            performer.close()
        self._hear_performers(self.clock.now_s())
        if self._recording is not None:
            self._recording.fetch()
        if self.recorder is not None:
            self.recorder.close()
        for source in (self.local, self.viewers):
            if source is not None:
                source.close()
        if self.headset is not None:  # with a take it is no input, and no rack closes it
            self.headset.close()
        if self.commentary is not None:
            self.commentary.close()
        if self.relay is not None:
            self.relay.close()
        self.audio.close()
        self.performance.close()
