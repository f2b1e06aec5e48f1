"""Where a session's listener sits: chosen by its number among the hall's seats, recorded, and heard again."""

import math

from ..engine.audio.listener_seats import listener_at, seat_choices
from ..engine.audio.source_field import Listener
from ..engine.hall import Hall, read_hall
from .session_file import Session

ACTION = "seat"
"""The control of a session by which it is chosen; its value begins with the number."""


def seat_asked_for(hall: Hall, number: float) -> tuple[str, Listener | None]:
    """The hall's seat of this number (``seat_choices``): its name and the listener there; the podium has none, for the
    conductor's own head hears there."""
    seats = seat_choices(hall)
    name = seats[min(len(seats) - 1, max(0, int(number)))]
    return name, None if name == "podium" else listener_at(name, hall, ())


def seat_changes(session: Session) -> tuple[tuple[float, Listener | None], ...]:
    """When the listener of a session sat down, from the beginning on, in order of time; None: at the podium."""
    header = session.header
    asked = [control for control in session.controls if control.action == ACTION]
    if not asked and header.seat == "podium":
        return ()
    hall = read_hall(header.hall)
    changes = [(control.time_s, seat_asked_for(hall, float(control.value.split()[0]))[1]) for control in asked]
    if header.seat != "podium":
        changes.insert(0, (-math.inf, listener_at(header.seat, hall, header.placements)))
    return tuple(changes)
