"""The composition root of a live session: devices, processes and the performance, joined."""

import logging
import os
import shlex
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from rich.console import Console

from ..engine.accompaniment import LEADS, Soloist
from ..engine.audio.latency import RATE_HZ, Latency
from ..engine.audio.sound_watch import SoundWatch
from ..engine.clock import SessionClock
from ..engine.conducting.follow_style import FollowStyle
from ..engine.conducting.tracking import TakeSource, read_take
from ..engine.errors import ModelError, ProfileError, SessionError
from ..engine.hall import read_hall
from ..engine.intonation import EQUAL, Intonation
from ..engine.notation.score_cache import open_score
from ..engine.notation.score_source import find_score
from ..engine.performance import Performance
from ..engine.score import Score
from ..engine.types import PartSource, PlayerPlacement
from ..scenes.headset.openvr_messages import Stage
from .ai.ai_choice import AiChoice
from .ai.ai_record import CopyWatch, author_of
from .ai.commentary import comment_on
from .concert import concert_score
from .ensemble_setup import ai_sources, on_beats_of, parts_named, parts_on_cue, seat, soloist_named
from .hall_interaction import HallInteraction
from .headset_link import HeadsetChoice, HeadsetLink
from .hearing import Hearing
from .house import House
from .inputs.midi import midi_backend
from .inputs.opening import InputChoice, OpenInputs, Playhead, open_inputs
from .inputs.rack import Input, InputRack
from .instrument_input import Learner, LearnerChoice, NoteLine, instrument_named
from .live import LiveSession
from .paths import sessions_folder
from .profiles import PersonProfile, open_profile, save_profile
from .relay.relay import RelayProcess, RelaySource, RelayTaps
from .relay.relay_setup import PageOptions, check_address, open_relay
from .seating_file import SeatingFile
from .session_file import SessionHeader, SessionRecorder
from .session_run import AFTER_TAKE_S, TAKE_LEAD_S, SessionRun
from .session_sound import SessionSound, open_audio, say_played, say_sound
from .session_window import run_window
from .sounds import check_soundfont

log = logging.getLogger(__name__)


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
    on_cue: tuple[str, ...] = ()
    """Sections or parts that rest until they are cued."""
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


def run_studio(options: StudioOptions) -> None:
    """Open the studio and stay until it is closed (window, Ctrl-C, SIGTERM, the end of the take)."""
    console = Console(markup=False)
    _check(options)
    score_path = find_score(options.score or concert_score())
    score, start_beat = open_score(score_path), 0
    take = read_take(options.take) if options.take else None
    if take is not None:
        score, start_beat = on_beats_of(take, score)
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
        sound = SessionSound(
            options.sounds, options.hall, options.seed, options.audio, options.latency, options.hearing
        )
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
        answered = parts_named(score, options.ai_parts)
        awaiting_cue = parts_on_cue(score, placements, options.on_cue)
        audio = open_audio(score, placements, sound, clock, beside, learner)
        stack.callback(audio.close)
        sources = ai_sources(
            score,
            answered,
            options.seed,
            wish=options.ai.wish,
            performer=learner is not None and soloist is None,
            turns=options.ai.turns(answered),
            weights=options.ai.weights,
        )
        if options.ai.wait_for_cue:
            awaiting_cue |= frozenset(answered)
        if awaiting_cue:
            waiting = ", ".join(score.parts[part].name for part in sorted(awaiting_cue))
            console.print(f"Resting until you cue them: {waiting}", highlight=False)
        performance = Performance(
            score,
            sources,
            start_beat,
            placements,
            profile=person.conductor,
            style=style,
            tuning=options.tuning,
            soloist=soloist,
            awaiting_cue=awaiting_cue,
        )
        stack.callback(performance.close)
        page = PageOptions(options.host, options.port, options.tls, options.phone)
        keys = learner.page_keyboard if learner is not None else None
        then = "take the baton, raise it, and beat" if take is None else "and play" if keys is not None else ""
        relay = open_relay(score, placements, options.hall, page, clock, audio, console, keys, then)
        if relay is not None:
            stack.callback(relay.close)
        say_sound(audio, console)
        if learner is not None:
            learner.open(audio, clock, relay)
            heard = learner.describe(audio.status().latency_s)
            if heard:
                console.print(heard)
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
        recorder = None
        if options.record:
            author = author_of(score, sources)
            recorder = _open_recorder(score, score_path, placements, options, console, author, learner)
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
            recorder=recorder,
        )
        stack.pop_all()
        if recorder is not None:
            stack.callback(_say_recorded, recorder.path, console)
        stack.callback(lambda: console.print(notes.summary()) if notes.summary() else None)
        stack.callback(session.close)
        stack.callback(say_played, audio, console)
        if options.profile and take is None:
            stack.callback(_keep_profile, options.profile, person, performance, inputs)
        if relay is not None and session.local is not None:
            relay.hold_baton(True)
        end_s = None if replayed is None else replayed.end_s + AFTER_TAKE_S
        run = SessionRun(clock, end_s, lambda: performance.ended, lambda: house is not None and house.clapping)
        if options.window:
            run_window(session, score, inputs, options.hall, run)
        else:
            run.until_over(session.step)


def _check(options: StudioOptions) -> None:
    """Refuse what cannot be, before a score is read and processes are started. Raises the named errors."""
    Latency.parse(options.latency)
    options.hearing.check()
    check_soundfont(options.sounds)
    options.inputs.check(window=options.window, headset=options.vr, take=options.take is not None)
    if options.learner.instrument is not None:
        instrument_named(options.learner.instrument)
    if options.learner.keyboard is not None and not options.learner.plays_on_page:
        midi_backend()
    others = options.window or options.vr or options.take is not None
    others |= options.inputs.osc_port is not None or options.inputs.midi_port is not None
    if not others or options.learner.plays_on_page:
        check_address(PageOptions(options.host, options.port, options.tls, options.phone))


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


def _say_recorded(path: Path, console: Console) -> None:
    """What can be done with the session that ended."""
    session = quoted(path)
    console.print(f"Again: tutti replay {session}", soft_wrap=True)
    console.print(f"Sound, report, MIDI: tutti export {session} -o out/", soft_wrap=True)


def quoted(path: Path, windows: bool = os.name == "nt") -> str:
    """A path as a command line takes it: Windows' own knows no single quotes."""
    return subprocess.list2cmdline([str(path)]) if windows else shlex.quote(str(path))


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
    beside = None if learner is None else learner.seat
    try:
        header = SessionHeader.of(
            score, score_path, placements, options.hall, options.seed, ai, beside, options.hearing.seat
        )
        recorder = SessionRecorder(path, header)
    except (OSError, SessionError) as error:
        log.error("not recorded: %s", error)
        return None
    console.print(f"Recording to {path}")
    return recorder
