"""Where a session's listener sits: chosen by its number among the hall's seats."""

from ..engine.audio.listener_seats import listener_at, seat_choices
from ..engine.audio.source_field import Listener
from ..engine.hall import Hall

ACTION = "seat"
"""The control of a session by which it is chosen; its value begins with the number."""


def seat_asked_for(hall: Hall, number: float) -> tuple[str, Listener | None]:
    """The hall's seat of this number (``seat_choices``): its name and the listener there; the podium has none, for the
    conductor's own head hears there."""
    seats = seat_choices(hall)
    name = seats[min(len(seats) - 1, max(0, int(number)))]
    return name, None if name == "podium" else listener_at(name, hall, ())
