"""Halls that a session can go over to, where its listener sits there, and how both are heard again."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from ..engine.audio.listener_seats import listener_at, seat_choices
from ..engine.audio.source_field import Listener
from ..engine.hall import Hall, hall_names, read_hall
from .listening_seat import ACTION as SEAT
from .listening_seat import seat_asked_for
from .session_file import Session

ACTION = "enter"
"""The control of a session that another hall was entered; its value is the hall's name."""


@dataclass(frozen=True, slots=True)
class Heard:
    """From ``time_s`` of a session on: in this hall, from there (None: the podium, with the head that is tracked).
    ``entered``: the hall is another than before."""

    time_s: float
    hall: Hall
    listener: Listener | None
    entered: bool


def halls_beside(hall: Hall) -> tuple[Hall, ...]:
    """This hall, and those that ship with Tutti and have a stage like its: nobody need move to play there."""
    shipped = [read_hall(name) for name in hall_names()]
    others = [other for other in shipped if other.key != hall.key and _same_stage(other, hall)]
    return tuple(sorted((hall, *others), key=lambda one: one.name))


def seat_kept(seat: str, hall: Hall) -> tuple[str, Listener | None]:
    """A listener who enters a hall keeps a seat of this name; where there is none, they stand on the podium."""
    name = seat if seat in seat_choices(hall) else "podium"
    return name, None if name == "podium" else listener_at(name, hall, ())


def heard_from(session: Session) -> tuple[Heard, ...]:
    """Every change of hall or seat in a session, from the beginning on, in order of time."""
    return tuple(_changes(session))


def _changes(session: Session) -> Iterator[Heard]:
    header = session.header
    asked = [control for control in session.controls if control.action in (SEAT, ACTION)]
    if not asked and header.seat == "podium":
        return
    own, seat = read_hall(header.hall), header.seat
    hall = own
    if seat != "podium":
        yield Heard(-math.inf, hall, listener_at(seat, hall, header.placements), False)
    for control in asked:
        if control.action == SEAT:
            seat, listener = seat_asked_for(hall, float(control.value.split()[0]))
        else:
            hall = own if control.value == own.key else read_hall(control.value)  # a user's own has a path
            seat, listener = seat_kept(seat, hall)
        yield Heard(control.time_s, hall, listener, control.action == ACTION)


def _same_stage(one: Hall, other: Hall) -> bool:
    def stage(hall: Hall) -> tuple[object, ...]:
        return hall.stage_front_y_m, hall.stage_rear_y_m, hall.stage_half_width_m, hall.podium_height_m, hall.risers

    return stage(one) == stage(other)
