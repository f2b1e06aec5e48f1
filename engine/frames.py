"""Frames merged: for whoever is shown fewer of them than a performance has."""

from collections.abc import Sequence
from dataclasses import replace

from .types import Frame


def with_events_of(newest: Frame, frames: Sequence[Frame]) -> Frame:
    """``newest`` with all that happened in ``frames`` (those not shown yet, itself among them), and nothing else."""
    return replace(
        newest,
        beats=tuple(beat for frame in frames for beat in frame.beats),
        crossings=tuple(crossing for frame in frames for crossing in frame.crossings),
        notes=tuple(note for frame in frames for note in frame.notes),
        releases=tuple(release for frame in frames for release in frame.releases),
        signs=tuple(sign for frame in frames for sign in frame.signs),
        applause=next((frame.applause for frame in reversed(frames) if frame.applause is not None), None),
    )
