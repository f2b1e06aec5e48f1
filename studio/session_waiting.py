"""A recorded session without what was waited before and after its music, as it is exported: who listens to the sound,
or lays it beside the notes in a sequencer, wants it to begin where the music does."""

import itertools
from collections.abc import Iterator
from dataclasses import replace

from ..engine.types import Frame
from .session_file import Session
from .session_player import shifted

LONGEST_BEFORE_S, KEPT_BEFORE_S = 6.0, 3.0
"""Waiting of more than so many seconds before the first sound is cut to so many: the preparatory beat is in them. It is
counted from the session's 0, where exported sound begins; live, frames come some seconds later."""
LONGEST_AFTER_S, KEPT_AFTER_S = 15.0, 5.0
"""The same after the last one, and after the applause; ``KEPT_AFTER_S`` is more than halls ring."""


def without_waiting(session: Session) -> Session:
    """The session from shortly before its first sound until shortly after its last. Where waiting is cut off before it,
    all its times move and it begins at 0; else they are as they were. The sound that was recorded (``audio``) is left
    out of a session that is cut: it has a clock of its own."""
    sounds = sorted(_sounds(session))
    if not sounds:
        return session
    first_s, last_s = sounds[0], sounds[-1]
    begin_s, end_s = session.frames[0].time_s, session.frames[-1].time_s
    by_s = KEPT_BEFORE_S - first_s if first_s - min(begin_s, 0.0) > LONGEST_BEFORE_S else 0.0
    if by_s:
        begin_s = first_s - KEPT_BEFORE_S
    elif end_s - last_s <= LONGEST_AFTER_S:
        return session
    if end_s - last_s > LONGEST_AFTER_S:
        end_s = last_s + KEPT_AFTER_S
    kept = [frame for frame in session.frames if begin_s <= frame.time_s <= end_s]
    poses = (pose for pose in session.poses if begin_s <= pose.time_s <= end_s)
    return replace(
        session,
        frames=tuple(shifted(frame, by_s) for frame in kept) if by_s else tuple(kept),
        poses=tuple(replace(pose, time_s=pose.time_s + by_s) for pose in poses),
        controls=tuple(replace(control, time_s=control.time_s + by_s) for control in session.controls),
        heard=tuple(replace(note, onset_s=note.onset_s + by_s) for note in session.heard),
        reseatings=tuple(replace(change, time_s=change.time_s + by_s) for change in session.reseatings),
        audio=(),
    )


def _sounds(session: Session) -> Iterator[float]:
    """When something sounded, began or ended, and when the playhead moved; not in order."""
    for note in session.heard:
        yield from (note.onset_s, note.onset_s + (note.duration_s or 0.0))
    yield from itertools.chain.from_iterable(map(_sounds_of, session.frames))


def _sounds_of(frame: Frame) -> Iterator[float]:
    for note in frame.notes:
        yield note.onset_s
    for release in frame.releases:
        yield release.time_s
    for crossing in frame.crossings:
        yield crossing.time_s
    if frame.applause is not None:
        yield frame.applause.end_s
