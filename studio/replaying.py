"""A recorded session played again, live: seen and heard as it was."""

from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from ..engine.audio.latency import Latency
from ..engine.audio.sound_watch import SoundWatch
from ..engine.clock import SessionClock
from ..engine.conducting.tracking import PointerSource
from ..engine.errors import SessionError
from ..engine.hall import read_hall
from ..engine.types import Frame
from ..scenes.desktop import DesktopActions
from ..scenes.view import StageView
from .ai.commentary import comment_on
from .ensemble_setup import score_of_session
from .heard_again import HeardAgain, seats_beside
from .house import House
from .inputs.opening import OpenInputs
from .relay.relay_setup import PageOptions, open_relay
from .relay.sound_info import sound_status
from .session_file import read_session
from .session_player import SessionPlayer
from .session_run import AFTER_TAKE_S, TAKE_LEAD_S, SessionRun
from .session_sound import SessionSound, open_audio, say_sound
from .session_window import enter, show_window
from .sounds import check_soundfont


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


def run_replay(options: ReplayOptions) -> None:
    """Play a recorded session again: the same notes, picture and positions at the same distances in time."""
    console = Console(markup=False)
    Latency.parse(options.latency)
    check_soundfont(options.sounds)
    recorded = read_session(options.session)
    header = recorded.header
    if not recorded.complete:
        console.print(f"{options.session} was cut off: playing what it holds")
    if not recorded.frames:
        raise SessionError(f"{options.session}: nothing was played in it")
    with TemporaryDirectory() as folder:
        _, score = score_of_session(recorded, Path(folder))
    clapped = any(frame.applause is not None for frame in recorded.frames)
    learner = HeardAgain.of(recorded)
    beside = seats_beside(learner, ())
    house = House.of(read_hall(header.hall), (*header.placements, *beside), len(score.parts)) if clapped else None
    clock = SessionClock()
    with ExitStack() as stack:
        audio = open_audio(
            score,
            header.placements,
            SessionSound(options.sounds, header.hall, header.seed, options.audio, options.latency),
            clock,
            seats_beside(learner, house.seats if house is not None else ()),
        )
        stack.callback(audio.close)
        page = PageOptions(options.host, options.port, options.tls, recording=True)
        relay = open_relay(score, header.placements, header.hall, page, clock, audio, console)
        if relay is not None:
            stack.callback(relay.close)
            relay.hold_baton(True)
        say_sound(audio, console)
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

        run = SessionRun(clock, player.end_s + AFTER_TAKE_S, lambda: False)
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
                player.on_place, player.on_enter = view.place, partial(enter, view)

            show_window(score, header.placements, header.hall, unheard, actions, run, opened)
        else:
            run.until_over(play_again)
