"""What sounds when a recording breaks off: it is ended then, for nobody let it go."""

from collections.abc import Sequence

from ..engine.types import NoteEvent, NoteRelease


class StillSounding:
    """Follows notes and releases. One thread."""

    def __init__(self) -> None:
        self._notes: set[int] = set()

    def follow(self, notes: Sequence[NoteEvent], releases: Sequence[NoteRelease]) -> None:
        self._notes.update(note.note_id for note in notes)
        self._notes.difference_update(release.note_id for release in releases)

    def end(self, time_s: float) -> tuple[NoteRelease, ...]:
        """The releases of all that was not let go, at a time; nothing sounds after them."""
        releases = tuple(NoteRelease(note_id, time_s) for note_id in sorted(self._notes))
        self._notes.clear()
        return releases
