"""Answers for any number of parts: columns of parts in, the same columns decided out, four voices at a time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from .grid import ABSENT, REST, Grid
from .voice_groups import VoiceGroup
from .wish import Wish
from .writing import Arrival, Decoder, Sheet, SheetWriter


@dataclass(frozen=True, slots=True)
class EnsembleSheet:
    """``columns`` has a column of tokens (steps,) for each part, as ``writing.Sheet`` has for voices; ``wishes`` says
    what is wished from which step on (first step, wish), from step 0. ``written`` are parts that were known to the end
    from the beginning: they are looked at ahead."""

    grid: Grid
    columns: Mapping[int, np.ndarray]
    wishes: tuple[tuple[int, Wish], ...] = ((0, Wish()),)
    written: frozenset[int] = frozenset()
    coming: Mapping[int, np.ndarray] = field(default_factory=dict)
    """What written parts play after the sheet, (steps,), all of one length."""
    arrivals: tuple[Arrival, ...] = ()
    """Where the answered parts meet on chords."""
    leads: frozenset[int] = frozenset()
    """Answered parts that the others accompany as they do given ones."""


class EnsembleWriter:
    """Writes the groups one after another, each hearing those before. Not thread-safe."""

    def __init__(self, groups: Sequence[VoiceGroup], decoder: Decoder) -> None:
        self._groups = tuple(groups)
        self._writers = [SheetWriter(decoder) for _ in self._groups]

    def write(self, sheet: EnsembleSheet, progress: Callable[[float], None] | None = None) -> dict[int, np.ndarray]:
        """Every column decided. ``progress`` is told the share done."""
        columns = dict(sheet.columns)
        absent = np.full(len(sheet.grid), ABSENT, np.int64)
        for index, (group, writer) in enumerate(zip(self._groups, self._writers, strict=True)):
            tokens = np.stack([absent if part is None else columns[part] for part in group.parts], axis=1)
            controls = tuple((first, wish.controls(group)) for first, wish in sheet.wishes)

            def show(done: int, total: int, index: int = index) -> None:
                if progress is not None:
                    progress((index + done / total) / len(self._groups))

            answered = frozenset(voice for voice, part in enumerate(group.parts) if part in group.answered)
            ahead = frozenset(voice for voice, part in enumerate(group.parts) if part in sheet.written)
            coming = self._coming(group, sheet)
            arrivals = tuple(_for_voices(arrival, group) for arrival in sheet.arrivals)
            leads = frozenset(voice for voice, part in enumerate(group.parts) if part in sheet.leads)
            filled = writer.write(
                Sheet(sheet.grid, tokens, group.ranges, answered, controls, ahead, coming, arrivals, leads), show
            )
            for voice, part in enumerate(group.parts):
                if part is not None:
                    columns[part] = filled[:, voice]
        return columns

    @staticmethod
    def _coming(group: VoiceGroup, sheet: EnsembleSheet) -> np.ndarray | None:
        if not sheet.coming:
            return None
        steps = len(next(iter(sheet.coming.values())))
        nothing = np.full(steps, REST, np.int64)
        return np.stack([nothing if part is None else sheet.coming.get(part, nothing) for part in group.parts], axis=1)


def _for_voices(arrival: Arrival, group: VoiceGroup) -> Arrival:
    """An arrival of parts as that of a group's answered voices."""
    voices = {voice: part for voice, part in enumerate(group.parts) if part in group.answered and part is not None}
    return replace(
        arrival,
        classes={voice: arrival.classes[part] for voice, part in voices.items() if part in arrival.classes},
        present=frozenset(voice for voice, part in voices.items() if part in arrival.present),
    )
