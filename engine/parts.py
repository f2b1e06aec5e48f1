"""Who plays which part: the written score, and any other source with the written part to fall back on."""

from collections.abc import Sequence

from .score import Score
from .types import PartSource, ResponsiveSource, ScoreNote, Situation


class WrittenPart:
    """The score as written; it is always ready. A ``PartSource``."""

    def __init__(self, score: Score, parts: frozenset[int]) -> None:
        self._score = score
        self._parts = parts

    @property
    def parts(self) -> frozenset[int]:
        return self._parts

    def prepare(self, start_quarter: float, end_quarter: float, heard: Sequence[ScoreNote]) -> None:
        """Nothing to prepare: the notes are on the page."""

    def collect(self, start_quarter: float, end_quarter: float) -> Sequence[ScoreNote]:
        notes = self._score.notes_between(start_quarter, end_quarter)
        return [note for note in notes if note.part in self._parts]

    def close(self) -> None:
        """Nothing is held."""


class PartBook:
    """All parts of a performance, each played by one source; a source that misses is covered by the written part.

    ``missed`` counts the windows in which a source was not ready in time. Parts in ``awaiting`` rest until they are
    told to ``enter``; their sources go on thinking meanwhile, so that they can enter at once.
    """

    def __init__(
        self, score: Score, sources: Sequence[PartSource] = (), awaiting: frozenset[int] = frozenset()
    ) -> None:
        """``sources`` answer their parts; everything else is written. A part may have one source only."""
        answered: set[int] = set()
        for source in sources:
            if answered & source.parts:
                raise ValueError(f"two sources play part {min(answered & source.parts)}")
            answered |= source.parts
        self._sources = tuple(sources)
        self._responsive = tuple(source for source in sources if isinstance(source, ResponsiveSource))
        self._written = WrittenPart(score, frozenset(range(len(score.parts))) - answered)
        self._stand_in = {id(source): WrittenPart(score, source.parts) for source in sources}
        self.missed = 0
        self.awaiting = awaiting

    def enter(self, parts: frozenset[int]) -> None:
        """These parts rest no longer; they are heard from the next window on."""
        self.awaiting -= parts

    @property
    def responsive(self) -> bool:
        """Whether anybody listens to what happens meanwhile (``heed``)."""
        return bool(self._responsive)

    def heed(self, situation: Situation) -> None:
        """Tell sources that respond what is heard and seen now."""
        for source in self._responsive:
            source.heed(situation)

    def prepare(self, start_quarter: float, end_quarter: float) -> None:
        """Tell every source what the written parts play in the window, so that it can answer."""
        if self._sources:
            heard = self._written.collect(start_quarter, end_quarter)
            for source in self._sources:
                source.prepare(start_quarter, end_quarter, heard)

    def collect(self, start_quarter: float, end_quarter: float) -> list[ScoreNote]:
        """What everyone plays in the window, sorted by onset."""
        notes = list(self._written.collect(start_quarter, end_quarter))
        for source in self._sources:
            answer = source.collect(start_quarter, end_quarter)
            if answer is None:
                self.missed += 1
                answer = self._stand_in[id(source)].collect(start_quarter, end_quarter)
            notes.extend(answer)
        if self.awaiting:
            notes = [note for note in notes if note.part not in self.awaiting]
        notes.sort(key=lambda note: (note.onset_quarter, note.part, note.pitch))
        return notes

    def close(self) -> None:
        for source in self._sources:
            source.close()
