"""The path of a performance, top to bottom: gesture → beat → tempo → score position → notes.

Live and offline run the same ``step()``: live from the session clock and devices, offline from a take's time stamps.
"""

from collections.abc import Sequence
from dataclasses import replace

from .conducting.dynamics import DynamicsTracker
from .conducting.follow_style import FollowStyle
from .conducting.follower import Follower
from .conducting.ictus import IctusDetector
from .conducting.profile import ConductorProfile
from .conducting.tempo import TempoTracker
from .parts import PartBook
from .scheduler import Scheduler
from .score import Score
from .types import Beat, Device, FollowState, Frame, PartSource, Pose


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
        *,
        profile: ConductorProfile | None = None,
        style: FollowStyle | None = None,
    ) -> None:
        """``sources`` play their parts instead of the written ones; ``start_beat`` indexes ``score.beats``.

        ``profile`` is what is known of the conductor, ``style`` how the orchestra follows.
        """
        self.score = score
        self._profile = profile
        self._style = style
        self.book = PartBook(score, sources)
        self._listen_from(start_beat)
        self._scheduler = Scheduler(score, self.book, score.beat_to_quarter(start_beat))
        self.level_trim = 0.0
        """Added to the level that the gesture asks for (0–1): a louder or softer orchestra by key, not by hand."""
        self._poses: dict[Device, Pose] = {}
        self._index = 0
        self._state: FollowState = "waiting"

    def _listen_from(self, start_beat: int) -> None:
        self._ictus = IctusDetector()
        self._tempo = TempoTracker(self.score, start_beat, self._profile)
        self._dynamics = DynamicsTracker()
        self._follower = Follower(self.score, start_beat, self._style)

    def jump(self, beat: int) -> None:
        """Wait for a preparatory beat to ``beat`` of the score; what sounds ends at the next step."""
        beat = max(0, min(len(self.score.beats) - 1, beat))
        self._profile = self.learned_profile()
        self._listen_from(beat)
        self._scheduler.jump(self.score.beat_to_quarter(beat))

    def step(self, now_s: float, poses: Sequence[Pose]) -> Frame:
        """Advance to ``now_s``. ``poses`` are the samples since the last step, in order, none after ``now_s``."""
        beats: list[Beat] = []
        for pose in poses:
            if pose.valid:
                self._poses[pose.device] = pose
            if pose.device != "baton":
                continue
            ictus = self._ictus.step(pose, self._tempo.estimate)
            self._tempo.step(pose, ictus)
            self._dynamics.step(pose, ictus)
            if ictus is not None:
                beats.append(ictus)
        tempo, dynamics = self._tempo.estimate, self._dynamics.level
        if self.level_trim:
            dynamics = replace(dynamics, level=min(1.0, max(0.0, dynamics.level + self.level_trim)))
        position, crossings = self._follower.step(now_s, tempo)
        self._state = position.state
        notes, releases = self._scheduler.step(now_s, position, self._follower.when, dynamics)
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
            poses=tuple(self._poses.values()),
        )
        self._index += 1
        return frame

    def learned_profile(self) -> ConductorProfile:
        """What is known of the conductor by now: the profile given, and what this performance taught."""
        return self._tempo.learned_profile()

    @property
    def ended(self) -> bool:
        """The last beat is over and nothing sounds any more."""
        return self._state == "ended" and self._scheduler.exhausted

    def close(self) -> None:
        self.book.close()
