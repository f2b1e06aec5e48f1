"""From what a person chose (score, seating, hall, sounds, AI parts) to the values that a performance needs."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..engine.accompaniment import Soloist
from ..engine.conducting.beat_grid import beaten_as
from ..engine.conducting.tracking import Take
from ..engine.entries import parts_of_sections
from ..engine.errors import ModelError, SessionError
from ..engine.hall import Hall
from ..engine.instruments import catalogue
from ..engine.notation.score_cache import open_score
from ..engine.placement import choose_plan, load_placements, place_players, read_plan
from ..engine.score import Score
from ..engine.sounds.sound_set import SoundSet, load_sound_set
from ..engine.types import PartSource, PlayerPlacement
from .session_file import Session
from .sounds import soundfont_named

if TYPE_CHECKING:
    from ..models.live_music import Turns
    from ..models.wish import Wish


log = logging.getLogger(__name__)


def seat(score: Score, seating: str | None, hall: Hall) -> tuple[PlayerPlacement, ...]:
    """Seat the orchestra: by a saved seating (JSON), by a plan, or by the plan that suits the score."""
    if seating is not None and Path(seating).suffix == ".json":
        return load_placements(Path(seating), score)
    return place_players(score, read_plan(seating or choose_plan(score)), hall)


def score_of_session(session: Session, folder: Path) -> tuple[Path, Score]:
    """The score that travelled with a session, on the beats it was conducted in, and the copy in ``folder`` that it was
    opened from. A file of its name that is there, and has changed since, is left alone.

    Raises ``ScoreError``.
    """
    copy = folder / (Path(session.header.score_name).name or "score.musicxml")
    if copy.exists() and copy.read_bytes() != session.header.score_bytes:
        copy = copy.with_stem(f"{copy.stem} as played")
    copy.write_bytes(session.header.score_bytes)
    return copy, beaten_as(open_score(copy), {"meter": str(session.header.beats_in_bar)})[0]


def check_beats(session: Session, score: Score) -> None:
    """See that the beats of a session are those of its score, so that it can be written in its bars: another version
    may have read its repeats otherwise. Raises ``SessionError``."""
    numbers, beats = score.measures["number"], score.beats
    for crossing in (crossing for frame in session.frames for crossing in frame.crossings):
        index = crossing.beat_index
        if index >= len(beats) or str(numbers[beats["measure"][index]]) != crossing.measure:
            raise SessionError(
                f"its beats are not those of {session.header.score_name} as it is read now (at measure "
                f"{crossing.measure}): it was recorded by another version of Tutti; tutti replay still plays it, "
                "and tutti render --take performs its take.csv anew"
            )


def on_beats_of(take: Take, score: Score) -> tuple[Score, int]:
    """The score on the beats that a take says it beats, and the index of its first one (``beaten_as``).

    A take that says it is of another score is followed all the same, and a line says so. Raises ``TakeError``.
    """
    named = " ".join(take.metadata.get("score", "").split())
    if named and score.title and named.casefold() != score.title.casefold():
        log.warning("the take says that it was conducted for %r: here it conducts %r", named, score.title)
    return beaten_as(score, take.metadata)


def sound_loader(score: Score, choice: str | None, also: Sequence[str] = ()) -> Callable[..., SoundSet]:
    """Loads the sounds for a score: a chosen SoundFont, else the best one installed, else the synthesised set.

    ``also`` names instruments that play beside the score's.

    A ``load_sound_set`` that can be pickled and called in another process; ``progress`` may be given to it.
    """
    instruments = sorted({*also, *(key for part in score.parts for key in (part.instrument, *part.doublings))})
    return partial(load_sound_set, instruments, soundfont_named(choice))


def parts_named(score: Score, names: Sequence[str]) -> list[int]:
    """Indices of parts by name, abbreviation, instrument or number from 1. Raises ``ModelError``, listing the parts."""
    found: list[int] = []
    for name in names:
        wanted = name.strip().casefold()
        if not wanted:
            continue
        matches = [
            index
            for index, part in enumerate(score.parts)
            if wanted
            in (
                part.name.casefold(),
                part.abbreviation.casefold(),
                part.abbreviation.casefold().rstrip("."),
                part.instrument,
                catalogue()[part.instrument].name.casefold(),
                str(index + 1),
            )
        ]
        matches = matches or [i for i, part in enumerate(score.parts) if part.name.casefold().startswith(wanted)]
        if not matches:
            listing = ", ".join(part.name for part in score.parts)
            raise ModelError(f"no part named {name!r} in this score; its parts are: {listing}")
        found += [index for index in matches if index not in found]
    return found


def parts_on_cue(score: Score, placements: Sequence[PlayerPlacement], names: Sequence[str]) -> frozenset[int]:
    """Parts that rest until they are cued: those of a section by its name, others as in ``parts_named``.

    Raises ``ModelError``, listing sections and parts.
    """
    sections = parts_of_sections(placements)
    found: set[int] = set()
    for name in names:
        section = sections.get(name.casefold().replace(" ", "-"))
        try:
            found |= section or frozenset(parts_named(score, [name]))
        except ModelError as error:
            parts = ", ".join(part.name for part in score.parts)
            raise ModelError(
                f"no section or part named {name!r}: the sections are {', '.join(sections)}; the parts are {parts}"
            ) from error
    return frozenset(found)


def soloist_named(score: Score, part: str | None, lead: float) -> Soloist | None:
    """Who plays the part of that name (or several, separated by commas); None without a name.

    Raises ``ModelError``, listing the parts.
    """
    parts = parts_named(score, (part or "").split(","))
    return Soloist(frozenset(parts), lead) if parts else None


def ai_sources(
    score: Score,
    answered: Sequence[int],
    seed: int,
    patience_s: float = 0.0,
    *,
    wish: "Wish | None" = None,
    performer: bool = False,
    turns: "Turns | None" = None,
    weights: Path | None = None,
) -> list[PartSource]:
    """The AI player for these parts; none where there are none. Live, it has no patience: a late answer is skipped.

    ``performer``: somebody plays beside the orchestra and is listened to, in ``turns`` or all the time.
    """
    if not answered:
        return []
    from ..models.ai_part import AiPart, AiPlan
    from ..models.wish import Wish

    plan = AiPlan(tuple(answered), wish or Wish(), performer, turns)
    return [AiPart(score, plan, weights=weights, seed=seed, patience_s=patience_s)]
