"""A session in the native window."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from ..engine.conducting.tracking import PointerSource
from ..engine.errors import SceneError
from ..engine.hall import Hall
from ..engine.interaction.values import InteractionFrame
from ..engine.score import Score
from ..engine.types import Frame, PlayerPlacement
from ..scenes.desktop import Desktop, DesktopActions
from ..scenes.view import StageView
from ..scenes.window_pointer import WHO, WindowPointer
from .inputs.opening import OpenInputs
from .live import LiveSession
from .session_run import SessionRun

log = logging.getLogger(__name__)


def run_window(session: LiveSession, score: Score, inputs: OpenInputs, hall: str, run: SessionRun) -> None:
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

    show_window(score, session.placements, hall, inputs, actions, run, partial(window_hands, session))


def window_hands(session: LiveSession, view: StageView) -> WindowPointer | None:
    """The window of a session shows where players are, and its mouse can point; None where nobody points."""
    session.on_place, session.on_enter = view.place, partial(enter, view)
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


def enter(view: StageView, hall: Hall) -> None:
    """Show another hall; where its picture is broken, the orchestra is heard there all the same."""
    try:
        view.enter(hall)
    except SceneError as error:
        log.error("the window shows the last hall still: %s", error)


def show_window(
    score: Score,
    placements: Sequence[PlayerPlacement],
    hall: str,
    inputs: OpenInputs,
    actions: DesktopActions,
    run: SessionRun,
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
