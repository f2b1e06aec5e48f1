"""The composition root of a live session: devices, processes and the performance, joined."""

import logging
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

from rich.console import Console

from ..engine.accompaniment import LEADS, Soloist
from ..engine.audio.impulse_response import room_of
from ..engine.audio.latency import RATE_HZ, Latency
from ..engine.audio.output import AudioProcess
from ..engine.audio.sound_watch import SoundWatch
from ..engine.clock import SessionClock
from ..engine.conducting.beat_grid import beaten_as
from ..engine.conducting.follow_style import FollowStyle
from ..engine.conducting.tracking import PointerSource, TakeSource, read_take
from ..engine.errors import ModelError, ProfileError, SceneError, SessionError
from ..engine.hall import read_hall
from ..engine.interaction.values import InteractionFrame
from ..engine.intonation import EQUAL, Intonation
from ..engine.notation.score_cache import open_score
from ..engine.notation.score_source import find_score
from ..engine.performance import Performance
from ..engine.score import Score
from ..engine.types import Frame, PartSource, PlayerPlacement
from ..scenes.desktop import Desktop, DesktopActions
from ..scenes.headset.openvr_messages import Stage
from ..scenes.view import StageView
from ..scenes.window_pointer import WHO, WindowPointer
from .ai.ai_choice import AiChoice
from .ai.ai_record import CopyWatch, author_of
from .ai.commentary import comment_on
from .concert import concert_score
from .ensemble_setup import ai_sources, parts_named, score_of_session, seat, soloist_named, sound_loader
from .hall_interaction import HallInteraction
from .headset_link import HeadsetChoice, HeadsetLink
from .heard_again import HeardAgain, seats_beside
from .hearing import Hearing
from .house import House
from .inputs.opening import InputChoice, OpenInputs, Playhead, open_inputs
from .inputs.rack import Input, InputRack
from .instrument_input import Learner, LearnerChoice, NoteLine
from .live import LiveSession
from .paths import sessions_folder
from .profiles import PersonProfile, open_profile, save_profile
from .relay.relay import RelayProcess, RelaySource, RelayTaps
from .relay.relay_setup import PageOptions, open_relay
from .relay.sound_info import sound_status
from .seating_file import SeatingFile
from .session_file import SessionHeader, SessionRecorder, read_session
from .session_player import SessionPlayer

log = logging.getLogger(__name__)

STEP_S = 0.01
TAKE_LEAD_S = 2.0
"""A take starts this long after everything is ready."""
AFTER_TAKE_S = 4.0


@dataclass(frozen=True, slots=True)
class StudioOptions:
    """What a person chose on the command line."""

    score: str | None = None
    window: bool = False
    vr: bool = False
    headset: HeadsetChoice = field(default_factory=HeadsetChoice)
    take: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8765
    tls: bool | None = None
    phone: bool = False
    sounds: str | None = None
    seating: str | None = None
    hall: str = "musikverein"
    ai_parts: tuple[str, ...] = ()
    ai: AiChoice = field(default_factory=AiChoice)
    seed: int = 0
    record: bool = True
    audio: str = "auto"
    latency: str = "balanced"
    inputs: InputChoice = field(default_factory=InputChoice)
    profile: str | None = None
    style: FollowStyle | None = None
    tuning: Intonation = EQUAL
    hearing: Hearing = field(default_factory=Hearing)
    learner: LearnerChoice = field(default_factory=LearnerChoice)
    applause: bool = True
    """The audience claps in the end."""
    solo: str | None = None
    """The part that the learner plays: the orchestra accompanies them."""
    lead: float = LEADS["soloist"]


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """What a person chose for a replay."""

    session: Path
    host: str = "127.0.0.1"
    port: int = 8765
    tls: bool | None = None
    window: bool = False
    sounds: str | None = None
    audio: str = "auto"
    latency: str = "balanced"


def run_studio(options: StudioOptions) -> None:
    """Open the studio and stay until it is closed (window, Ctrl-C, SIGTERM, the end of the take)."""
    console = Console()
    score_path = find_score(options.score or concert_score())
    score, start_beat = open_score(score_path), 0
    take = read_take(options.take) if options.take else None
    if take is not None:
        score, start_beat = beaten_as(score, take.metadata)
    placements = seat(score, options.seating, read_hall(options.hall))
    person = open_profile(options.profile) if options.profile else PersonProfile()
    style = options.style or person.style
    clock, playhead = SessionClock(), Playhead(score)
    with ExitStack() as stack:
        headset = None
        if options.vr:  # first: who has no headset learns it at once, who has sees the hall while instruments are tuned
            headset = HeadsetLink(clock, Stage(placements, score, options.hall), person.hand, options.headset)
            stack.callback(headset.close)
            console.print(f"Headset: {headset.ready.headset}")
        sound = _Sound(options.sounds, options.hall, options.seed, options.audio, options.latency, options.hearing)
        soloist = soloist_named(score, options.solo, options.lead)
        learner = _seat_learner(_as_soloist(options.learner, soloist, score), placements, len(score.parts), stack)
        if soloist is not None and learner is None:
            console.print("Nobody is heard (--mic, --keyboard): you conduct, and the solo is left out.")
            soloist = replace(soloist, lead=LEADS["conductor"])
        beside: tuple[PlayerPlacement, ...] = (learner.seat,) if learner is not None else ()
        house = (
            House.of(read_hall(options.hall), (*placements, *beside), len(score.parts)) if options.applause else None
        )
        beside += house.seats if house is not None else ()
        audio = _open_audio(score, placements, sound, clock, beside, learner)
        stack.callback(audio.close)
        answered = parts_named(score, options.ai_parts)
        sources = ai_sources(
            score,
            answered,
            options.seed,
            wish=options.ai.wish,
            performer=learner is not None and soloist is None,
            turns=options.ai.turns(answered),
            weights=options.ai.weights,
        )
        performance = Performance(
            score,
            sources,
            start_beat,
            placements,
            profile=person.conductor,
            style=style,
            tuning=options.tuning,
            soloist=soloist,
            awaiting_cue=frozenset(answered) if options.ai.wait_for_cue else frozenset(),
        )
        stack.callback(performance.close)
        page = PageOptions(options.host, options.port, options.tls, options.phone)
        keys = learner.page_keyboard if learner is not None else None
        relay = open_relay(score, placements, options.hall, page, clock, audio, console, keys)
        if relay is not None:
            stack.callback(relay.close)
        _say_sound(audio, console)
        if learner is not None:
            learner.open(audio, clock, relay)
            console.print(learner.describe(audio.status().latency_s))
        start_s = clock.now_s() + TAKE_LEAD_S
        replayed = TakeSource(take, start_s - take.start_s) if take is not None else None
        inputs = open_inputs(
            options.inputs,
            clock,
            playhead,
            window=options.window,
            headset=headset,
            take=replayed,
            space=person.spaces.get("osc"),
        )
        if inputs.rack is not None:
            stack.callback(inputs.rack.close)
        notes = NoteLine(partial(console.print, end="\r") if console.is_terminal else _say_nothing)
        session = LiveSession(
            clock=clock,
            performance=performance,
            placements=placements,
            audio=audio,
            local=inputs.rack,
            headset=headset,
            hands=HallInteraction(
                read_hall(options.hall),
                score,
                placements,
                [headset] if headset is not None else [],
                options.hearing.seat,
            ),
            viewers=_page_inputs(relay) if relay is not None else None,
            relay=relay,
            playhead=playhead,
            performers=tuple(learner.performers) if learner is not None else (),
            beside=beside,
            house=house,
            on_heard=notes.take,
            on_swap=console.print,
            watch=SoundWatch(audio),
            copies=_copy_watch(sources),
            commentary=comment_on(score, author_of(score, sources), soloist, learner is not None and soloist is None)
            if relay is not None
            else None,
            seating=_watched(options.seating, score),
            recorder=_open_recorder(score, score_path, placements, options, console, author_of(score, sources), learner)
            if options.record
            else None,
        )
        stack.pop_all()
        stack.callback(lambda: console.print(notes.summary()) if notes.summary() else None)
        stack.callback(session.close)
        stack.callback(_say_played, audio, console)
        if options.profile and take is None:
            stack.callback(_keep_profile, options.profile, person, performance, inputs)
        if relay is not None and session.local is not None:
            relay.hold_baton(True)
        end_s = None if replayed is None else replayed.end_s + AFTER_TAKE_S
        run = _Run(clock, end_s, lambda: performance.ended, lambda: house is not None and house.clapping)
        if options.window:
            _run_window(session, score, inputs, options.hall, run)
        else:
            run.until_over(session.step)


def _as_soloist(choice: LearnerChoice, soloist: Soloist | None, score: Score) -> LearnerChoice:
    """Who plays a solo plays its instrument, if they do not say another."""
    if soloist is None or choice.instrument is not None:
        return choice
    return replace(choice, instrument=score.parts[min(soloist.parts)].instrument)


def _copy_watch(sources: Sequence[PartSource]) -> CopyWatch | None:
    try:
        return CopyWatch.of(sources)
    except ModelError as error:
        log.error("what the AI plays is not compared with what it learned from: %s", error)
        return None


def _seat_learner(
    choice: LearnerChoice, placements: Sequence[PlayerPlacement], parts: int, stack: ExitStack
) -> Learner | None:
    if not choice.wanted:
        return None
    learner = Learner.prepare(choice, placements, parts, RATE_HZ)
    stack.callback(learner.close)
    return learner


def _say_nothing(line: str) -> None:
    """Where nobody watches the terminal."""


def _page_inputs(relay: RelayProcess) -> InputRack:
    return InputRack([Input("page", RelaySource(relay)), Input("page-taps", RelayTaps(relay))])


def _keep_profile(name: str, person: PersonProfile, performance: Performance, inputs: OpenInputs) -> None:
    """Save what the session taught of its conductor; where that cannot be, say what is lost."""
    learned = replace(person, conductor=performance.learned_profile())
    if inputs.space is not None:
        learned = learned.with_space("osc", inputs.space)
    try:
        save_profile(name, learned)
    except ProfileError as error:
        log.error("what was learned of %s is lost: %s", name, error)


def run_replay(options: ReplayOptions) -> None:
    """Play a recorded session again: the same notes, picture and positions at the same distances in time."""
    console = Console()
    recorded = read_session(options.session)
    header = recorded.header
    if not recorded.complete:
        console.print(f"{options.session} was cut off: playing what it holds")
    if not recorded.frames:
        raise SessionError(f"{options.session}: nothing was played in it")
    with TemporaryDirectory() as folder:
        score = score_of_session(recorded, Path(folder))
    clapped = any(frame.applause is not None for frame in recorded.frames)
    learner = HeardAgain.of(recorded)
    beside = seats_beside(learner, ())
    house = House.of(read_hall(header.hall), (*header.placements, *beside), len(score.parts)) if clapped else None
    clock = SessionClock()
    with ExitStack() as stack:
        audio = _open_audio(
            score,
            header.placements,
            _Sound(options.sounds, header.hall, header.seed, options.audio, options.latency),
            clock,
            seats_beside(learner, house.seats if house is not None else ()),
        )
        stack.callback(audio.close)
        page = PageOptions(options.host, options.port, options.tls)
        relay = open_relay(score, header.placements, header.hall, page, clock, audio, console)
        if relay is not None:
            stack.callback(relay.close)
            relay.hold_baton(True)
        _say_sound(audio, console)
        commentary = None if relay is None else comment_on(score, header.ai)
        if commentary is not None:
            stack.callback(commentary.close)
        player = SessionPlayer(recorded, clock.now_s() + TAKE_LEAD_S, audio, relay, house, learner, commentary)
        watch = SoundWatch(audio)

        def play_again() -> Frame | None:
            now_s = clock.now_s()
            reading = watch.look(now_s)
            if reading is not None and relay is not None and relay.alive:
                relay.show(sound_status(reading, player.placements, len(score.parts)))
            return player.step(now_s)

        run = _Run(clock, player.end_s + AFTER_TAKE_S, lambda: False)
        if options.window:
            actions = DesktopActions(
                step=play_again,
                now_s=clock.now_s,
                start_stop=lambda: None,
                restart=lambda: None,
                change_level=lambda change: None,
            )
            unheard = OpenInputs(None, PointerSource())

            def opened(view: StageView) -> None:
                player.on_place = view.place

            _show_window(score, header.placements, header.hall, unheard, actions, run, opened)
        else:
            run.until_over(play_again)


@dataclass(frozen=True, slots=True)
class _Sound:
    sounds: str | None
    hall: str
    seed: int
    device: str
    latency: str
    hearing: Hearing = field(default_factory=Hearing)


class _Run:
    """Steps until a signal asks to stop or the take is over."""

    def __init__(
        self,
        clock: SessionClock,
        end_s: float | None,
        ended: Callable[[], bool],
        clapping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._clock = clock
        self._clapping = clapping
        self._end_s = end_s
        self._ended = ended
        self._over_since_s: float | None = None
        self._asked = False
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, self._ask)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked = True

    @property
    def over(self) -> bool:
        """Asked to stop; or, with a take, the music has ended and rung out, or the take is long over."""
        if self._asked or self._end_s is None or self._clapping():
            return self._asked
        now_s = self._clock.now_s()
        if self._ended() and self._over_since_s is None:
            self._over_since_s = now_s
        rung_out = self._over_since_s is not None and now_s > self._over_since_s + AFTER_TAKE_S
        return rung_out or now_s > self._end_s + AFTER_TAKE_S

    def until_over(self, step: Callable[[], object], step_s: float = STEP_S) -> None:
        """Call ``step`` every ``step_s``; late steps are not made up for."""
        due_s = self._clock.now_s()
        while not self.over:
            step()
            due_s = max(due_s + step_s, self._clock.now_s())
            time.sleep(max(0.0, due_s - self._clock.now_s()))


def _open_audio(
    score: Score,
    placements: Sequence[PlayerPlacement],
    sound: _Sound,
    clock: SessionClock,
    beside: Sequence[PlayerPlacement] = (),
    learner: Learner | None = None,
) -> AudioProcess:
    hall, latency = read_hall(sound.hall), Latency.parse(sound.latency)
    return AudioProcess(
        (*placements, *beside),
        sound_loader(score, sound.sounds, [seat.instrument for seat in beside]),
        room_of(hall),
        clock,
        replace(sound.hearing.settings(hall, placements, sound.seed), block=latency.block),
        sound.device,
        latency.lead_s,
        None if learner is None else learner.microphone,
    )


def _say_sound(audio: AudioProcess, console: Console) -> None:
    with console.status("Tuning the instruments …"):
        status = audio.wait_until_ready(timeout_s=300.0)
    if status.state == "no device":
        console.print(status.message[:1].upper() + status.message[1:] or "The page plays the sound.")
    else:
        console.print(f"Sound: {status.device}, {1000 * status.latency_s:.0f} ms")


def _say_played(audio: AudioProcess, console: Console) -> None:
    """How the sound went, where a device played it."""
    status = audio.status()
    if status.state == "playing" and status.blocks:
        share = status.xruns / status.blocks
        line = (
            f"Sound: {status.device}, {1000 * status.latency_s:.0f} ms; {status.xruns} of {status.blocks} blocks missed"
        )
        console.print(line + ("; try --latency safe" if share > 0.001 else ""))


def _watched(seating: str | None, score: Score) -> SeatingFile | None:
    """A saved seating is watched for changes; a plan is not a file of this session."""
    return SeatingFile(Path(seating), score) if seating is not None and seating.endswith(".json") else None


def _open_recorder(
    score: Score,
    score_path: Path,
    placements: tuple[PlayerPlacement, ...],
    options: StudioOptions,
    console: Console,
    ai: dict[str, str],
    learner: Learner | None,
) -> SessionRecorder | None:
    """Record to the user's sessions; where that cannot be, play on and say so."""
    path = sessions_folder() / f"{datetime.now():%Y-%m-%d %H-%M-%S}.mcap"
    header = SessionHeader.of(
        score, score_path, placements, options.hall, options.seed, ai, None if learner is None else learner.seat
    )
    try:
        recorder = SessionRecorder(path, header)
    except SessionError as error:
        log.error("not recorded: %s", error)
        return None
    console.print(f"Recording to {path}")
    return recorder


def _run_window(session: LiveSession, score: Score, inputs: OpenInputs, hall: str, run: _Run) -> None:
    """A live session in the native window."""
    actions = DesktopActions(
        step=session.step,
        now_s=session.clock.now_s,
        start_stop=session.start_stop,
        restart=session.restart,
        change_level=session.change_level,
        next_input=session.choose_next_input,
        space_taps=lambda: session.local is not None and session.local.chosen == "taps",
        sound=session.take_sound,
    )

    _show_window(score, session.placements, hall, inputs, actions, run, partial(window_hands, session))


def window_hands(session: LiveSession, view: StageView) -> WindowPointer | None:
    """The window of a session shows where players are, and its mouse can point; None where nobody points."""
    session.on_place = view.place
    if session.hands is None:
        return None
    hands = WindowPointer(view.base, session.clock.now_s)
    session.hands.sources.append(hands)

    def show(frame: InteractionFrame) -> None:
        if frame.who == WHO:
            hands.watch(frame)
            view.show_interaction(frame)

    session.on_interaction = show
    return hands


def _show_window(
    score: Score,
    placements: Sequence[PlayerPlacement],
    hall: str,
    inputs: OpenInputs,
    actions: DesktopActions,
    run: _Run,
    opened: Callable[[StageView], WindowPointer | None],
) -> None:
    """Step and draw until the window is closed or the run is over; without a screen, step and say so."""
    names = [part.name for part in score.parts]
    try:
        view = StageView(placements, names, score.title, window=True, score=score, composer=score.composer, hall=hall)
    except SceneError as error:
        log.error("no window: %s; go on with the page", error)
        run.until_over(actions.step)
        return
    hands = opened(view)

    def step() -> Frame | None:
        if run.over:
            desktop.close()
        return actions.step()

    desktop = Desktop(
        view,
        inputs.pointer or PointerSource(),
        replace(actions, step=step),
        score.title,
        gamepad=inputs.gamepad,
        taps=inputs.taps,
        hands=hands,
    )
    desktop.run()
