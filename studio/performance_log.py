"""What was played, gathered from frames: the source of every export."""

from collections.abc import Iterable
from dataclasses import dataclass

from ..engine.conducting.follower import match_icti
from ..engine.types import Beat, BeatCrossing, Frame, NoteEvent, NoteRelease


@dataclass(frozen=True, slots=True)
class PlayedNote:
    """A note as it really was: its release is known."""

    onset_s: float
    duration_s: float
    part: int
    pitch: int
    velocity: int
    source: str
    quarter: float
    cents: float = 0.0
    instrument: str = ""
    """What it was played on where that is not the part's own."""


class PerformanceLog:
    """Gathers notes, releases and crossings. Memory grows by about 200 bytes a note."""

    def __init__(self) -> None:
        self.notes: list[NoteEvent] = []
        self.releases: list[NoteRelease] = []
        self._crossings: list[BeatCrossing] = []
        self._beats: list[Beat] = []
        self._empty = True
        self.start_s = 0.0
        self.end_s = 0.0

    def add(self, frame: Frame) -> None:
        self.notes.extend(frame.notes)
        self.releases.extend(frame.releases)
        self._crossings.extend(frame.crossings)
        self._beats.extend(frame.beats)
        if self._empty:
            self._empty, self.start_s = False, frame.time_s
        self.end_s = frame.time_s

    def extend(self, frames: Iterable[Frame]) -> None:
        for frame in frames:
            self.add(frame)

    def crossings(self) -> list[BeatCrossing]:
        """The beats that the playhead crossed, each with the ictus that was meant for it where there was one."""
        return match_icti(self._crossings, self._beats)

    def played(self) -> list[PlayedNote]:
        """The notes in order of onset, with the durations they got; what still sounds lasts to the end, and what was
        silenced before it began was not played."""
        ends = {release.note_id: release.time_s for release in self.releases}
        notes = [
            PlayedNote(
                onset_s=note.onset_s,
                duration_s=max(0.0, ends.get(note.note_id, self.end_s) - note.onset_s),
                part=note.part,
                pitch=note.pitch,
                velocity=note.velocity,
                source=note.source,
                quarter=note.quarter,
                cents=note.cents,
                instrument=note.instrument,
            )
            for note in self.notes
            if ends.get(note.note_id, self.end_s) >= note.onset_s
        ]
        notes.sort(key=lambda note: (note.onset_s, note.part, note.pitch))
        return notes
