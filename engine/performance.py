"""The path of a performance, top to bottom: gesture → beat → tempo → score position → notes.

Live and offline run the same ``step()``: live from the session clock and devices, offline from a take's time stamps.
"""

from collections.abc import Sequence
from dataclasses import replace

from .accompaniment import Accompaniment, Guidance, Soloist, TacetPart
from .balance import SectionBalance
from .conducting.dynamics import DynamicsTracker
from .conducting.follow_style import FollowStyle
from .conducting.follower import Follower
from .conducting.ictus import IctusDetector
from .conducting.profile import ConductorProfile
from .conducting.signs import SignReader
from .conducting.tempo import TempoTracker
from .entries import Entries, parts_of_sections
from .intonation import EQUAL, Intonation
from .parts import PartBook
from .performed import PerformedNotes
from .scheduler import Scheduler
from .score import Score
from .types import (
    Beat,
    BeatCrossing,
    Device,
    Dynamics,
    Frame,
    HeardNote,
    PartSource,
    PlayerPlacement,
    Pose,
    ScorePosition,
    Sign,
    Situation,
    SoloPosition,
    TempoEstimate,
)


class Performance:
    """An orchestra that plays ``score`` as the poses given to ``step`` conduct it.

    Not thread-safe: one thread steps it, at the display's or the tracking's rate. No clock is read in here, so the
    same poses with the same step times give the same frames, to the bit.
    """

    def __init__(
        self,
        score: Score,
        sources: Sequence[PartSource] = (),
        start_beat: int = 0,
        placements: Sequence[PlayerPlacement] = (),
        *,
        awaiting_cue: frozenset[int] = frozenset(),
        profile: ConductorProfile | None = None,
        style: FollowStyle | None = None,
        tuning: Intonation = EQUAL,
        soloist: Soloist | None = None,
    ) -> None:
        """``sources`` play their parts instead of the written ones; ``start_beat`` indexes ``score.beats``.

        ``placements`` say where sections sit, so that gaze and hands can mean one; without them signs are for all.
        The parts ``awaiting_cue`` rest until their section is cued. ``profile`` is what is known of the conductor,
        ``style`` how the orchestra follows, ``tuning`` how its parts are tuned.
        A ``soloist`` is accompanied: the orchestra follows the notes that are ``heard``, and rests in their parts.
        """
        self.score = score
        self._awaiting_cue = awaiting_cue
        self._profile = profile
        self._style = style
        if soloist is not None:
            sources = (*sources, TacetPart(soloist.parts))
        self._accompaniment = Accompaniment(score, soloist, start_beat) if soloist is not None else None
        self.book = PartBook(score, sources, awaiting_cue)
        self._placements = tuple(placements)
        self._drawn = True
        self._listen_from(start_beat)
        self._scheduler = Scheduler(score, self.book, start_beat, tuning=tuning)
        self.level_trim = 0.0
        """Added to the level that the gesture asks for (0–1): a louder or softer orchestra by key, not by hand."""
        self.level_push = 0.0
        """Added as well, while it is held: a controller's trigger."""
        self._poses: dict[Device, Pose] = {}
        self._index = 0
        self._position: ScorePosition | None = None
        self._cued = False

    def _listen_from(self, start_beat: int) -> None:
        self._ictus = IctusDetector()
        self._tempo = TempoTracker(self.score, start_beat, self._profile)
        self._tempo.take_baton(self._drawn)
        self._dynamics = DynamicsTracker()
        self._follower = Follower(self.score, start_beat, self._style)
        self._signs = SignReader(self._placements, len(self.score.beats))
        self._sections = parts_of_sections(self._placements)
        self._entries = Entries(self.score, self._sections)
        self._balance = SectionBalance(self._sections, len(self.score.parts))
        self._performed = PerformedNotes()

    def jump(self, beat: int) -> None:
        """Wait for a preparatory beat to ``beat`` of the score; what sounds ends at the next step."""
        beat = max(0, min(len(self.score.beats) - 1, beat))
        self._profile = self.learned_profile()
        self._listen_from(beat)
        self.book.awaiting = self._awaiting_cue
        self._position = None
        if self._accompaniment is not None:
            self._accompaniment.restart(beat)
        self._scheduler.jump(beat)

    def take_baton(self, drawn: bool = True) -> None:
        """Another person or device conducts from now on: the music goes on, the hand is learned anew.

        ``drawn`` False: beats are tapped, not drawn.
        """
        self._drawn = drawn
        self._tempo.take_baton(drawn)
        self._dynamics.take_baton()

    @property
    def style(self) -> FollowStyle:
        """How the orchestra follows."""
        return self._style or FollowStyle()

    def follow_as(self, style: FollowStyle) -> None:
        """The orchestra listens to its conductor in another way from now on."""
        self._style = style
        self._follower.follow_as(style)

    def place(self, placements: Sequence[PlayerPlacement]) -> None:
        """The players sit there now: gaze and hands mean the sections at their new places."""
        self._placements = tuple(placements)
        self._signs.place(self._placements)

    def cue(self) -> None:
        """A cue given by a button: at the next step, to the section that the conductor looks at or points to."""
        self._cued = True

    def step(self, now_s: float, poses: Sequence[Pose], heard: Sequence[HeardNote] = ()) -> Frame:
        """Advance to ``now_s``. ``poses`` are the samples since the last step, in order, none after ``now_s``;
        ``heard`` is what performers beside the orchestra were heard to play since then."""
        beats: list[Beat] = []
        for pose in poses:
            if pose.valid:
                self._poses[pose.device] = pose
            if pose.device != "baton":
                continue
            ictus = self._ictus.step(pose, self._tempo.estimate)
            self._tempo.step(pose, ictus)
            self._dynamics.step(pose, ictus)
            if ictus is not None and ictus.beat_index < 0:
                beats.append(ictus)
            beats += self._tempo.beats
        tempo, dynamics = self._tempo.estimate, self._dynamics.level
        if self.level_trim or self.level_push:
            level = dynamics.level + self.level_trim + self.level_push
            dynamics = replace(dynamics, level=min(1.0, max(0.0, level)))
        signs = self._read_signs(now_s, poses)
        position, crossings, solo = self._move(now_s, tempo, signs, heard)
        self._position = position
        if self.book.responsive:
            self._heed(position, dynamics, heard)
        offsets = self._balance.step(position, self._beats_in_measure(position), signs)
        notes, releases = self._scheduler.step(now_s, position, self._follower.when, dynamics, offsets)
        frame = Frame(
            index=self._index,
            time_s=now_s,
            position=position,
            tempo=tempo,
            dynamics=dynamics,
            beats=tuple(beats),
            crossings=crossings,
            notes=notes,
            releases=releases,
            signs=signs,
            attention=self._signs.attention,
            poses=tuple(self._poses.values()),
            solo=solo,
        )
        self._index += 1
        return frame

    def _move(
        self, now_s: float, tempo: TempoEstimate | None, signs: Sequence[Sign], heard: Sequence[HeardNote]
    ) -> tuple[ScorePosition, tuple[BeatCrossing, ...], SoloPosition | None]:
        """The playhead, as the conductor leads it, and the soloist where there is one."""
        if self._accompaniment is None:
            return *self._follower.step(now_s, tempo, signs), None
        guidance: Guidance = self._accompaniment.step(now_s, heard, tempo, self._follower.beat)
        if guidance.jump_beat is not None:
            self._follower = Follower(self.score, guidance.jump_beat, self._style)
            self._scheduler.jump(guidance.jump_beat)
            self._performed.restart()
        position, crossings = self._follower.step(now_s, guidance.tempo, signs, guidance.ceiling)
        return position, crossings, guidance.solo

    def _heed(self, position: ScorePosition, dynamics: Dynamics, heard: Sequence[HeardNote]) -> None:
        """Who answers hears the performers and sees the gesture."""
        self._performed.step(position, heard)
        self.book.heed(
            Situation(
                position.quarter, dynamics.level, dynamics.articulation, self._performed.notes, self.book.awaiting
            )
        )

    def _read_signs(self, now_s: float, poses: Sequence[Pose]) -> tuple[Sign, ...]:
        """The signs of these poses. Who was cued rests no longer; a cut-off ends what sounds."""
        beat = self._position.beat if self._position is not None else 0.0
        moved = any(pose.device == "left" for pose in poses)
        weights = self._entries.weights(beat, self.book.awaiting) if moved else {}
        signs = self._signs.step(now_s, poses, self._position, self._tempo.estimate, weights)
        if self._cued:
            self._cued = False
            signs = (*signs, Sign(now_s, "cue", self._signs.attention))
        for sign in signs:
            if sign.kind == "cut_off":
                self._scheduler.cut()
                self._tempo.cut_off(sign.time_s)
            elif sign.kind == "cue":
                self.book.enter(self.book.awaiting if sign.section is None else self._sections[sign.section])
        return signs

    def _beats_in_measure(self, position: ScorePosition) -> int:
        index = max(0, min(len(self.score.beats) - 1, int(position.beat)))
        return int(self.score.beats["beats_in_measure"][index])

    def learned_profile(self) -> ConductorProfile:
        """What is known of the conductor by now: the profile given, and what this performance taught."""
        return self._tempo.learned_profile()

    @property
    def ended(self) -> bool:
        """The last beat is over and nothing sounds any more."""
        return self._position is not None and self._position.state == "ended" and self._scheduler.exhausted

    def close(self) -> None:
        self.book.close()
