"""Rendering a performance to a file, as fast as the machine can."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..sounds.sound_set import SoundSet
from ..types import Frame, NoteEvent, NoteRelease, PlayerPlacement, Pose
from ..units import gain_to_db
from .playing import CELL
from .renderer import AudioSettings, OrchestraRenderer
from .room import Room
from .wav import WavWriter

Progress = Callable[[float], None]
"""Called with the seconds of audio written so far, about once a second of audio."""


@dataclass(frozen=True, slots=True)
class AudioCue:
    """What becomes known to the audio engine at ``time_s``; notes and releases may lie ahead of it."""

    time_s: float
    notes: Sequence[NoteEvent] = ()
    releases: Sequence[NoteRelease] = ()
    head: Pose | None = None
    placements: Sequence[PlayerPlacement] | None = None
    silence: bool = False


@dataclass(frozen=True, slots=True)
class RenderReport:
    """What a render came to. ``peak_db`` is the sample peak, ``limiting_db`` the most the limiter did (≤ 0)."""

    duration_s: float
    peak_db: float
    limiting_db: float
    most_voices: int
    broken_voices: int


def cue_from_frame(frame: Frame) -> AudioCue:
    """A performance's frame as a cue; the newest pose of the head goes along."""
    head = next((pose for pose in reversed(frame.poses) if pose.device == "head"), None)
    return AudioCue(frame.time_s, frame.notes, frame.releases, head)


def render_wav(
    path: Path,
    placements: Sequence[PlayerPlacement],
    sounds: SoundSet,
    room: Room,
    cues: Iterable[AudioCue],
    duration_s: float | None = None,
    settings: AudioSettings | None = None,
    progress: Progress | None = None,
) -> RenderReport:
    """Write the binaural sound of ``cues`` (in order of time, from 0 s) to a WAV file.

    The file begins at session time 0 and is as long as asked, or until the hall is silent after the last cue. It is
    readable at any moment (``WavWriter``). Raises ``SoundError`` where it cannot be written.
    """
    settings = settings or AudioSettings()
    settings = replace(settings, block=min(settings.block, CELL))  # it sounds the same, and cues come in time
    renderer = OrchestraRenderer(placements, sounds, room, settings)
    try:
        with WavWriter(path, settings.rate_hz) as file:
            return _render(renderer, file, cues, duration_s, progress)
    finally:
        renderer.close()


def _render(
    renderer: OrchestraRenderer,
    file: WavWriter,
    cues: Iterable[AudioCue],
    duration_s: float | None,
    progress: Progress | None,
) -> RenderReport:
    rate_hz, block = renderer.settings.rate_hz, renderer.settings.block
    upcoming = iter(cues)
    cue = next(upcoming, None)
    skip = renderer.latency  # the look-ahead's delay is cut off the start
    frames_left = None if duration_s is None else round(duration_s * rate_hz)
    peak, limiting_db, most_voices, reported_s = 0.0, 0.0, 0, 0.0
    silent_at: float | None = None
    while frames_left is None or frames_left > 0:
        now_s = renderer.position / rate_hz
        while renderer.position % CELL == 0 and cue is not None and cue.time_s < now_s + CELL / rate_hz:
            _apply(renderer, cue)
            cue = next(upcoming, None)
        audio = renderer.render()[skip:]
        skip = max(0, skip - block)
        if frames_left is not None:
            audio = audio[:frames_left]
            frames_left -= len(audio)
        file.write(audio)
        peak = max(peak, float(np.abs(audio).max(initial=0.0)))
        limiting_db = min(limiting_db, renderer.limiting_db)
        most_voices = max(most_voices, renderer.sounding)
        if progress is not None and now_s >= reported_s + 1.0:
            progress(now_s)
            reported_s = now_s
        if frames_left is None and cue is None and renderer.idle:
            silent_at = silent_at or now_s + renderer.tail_s
            if now_s >= silent_at:
                break
        else:
            silent_at = None
    if progress is not None:
        progress(file.frames / rate_hz)
    return RenderReport(file.frames / rate_hz, gain_to_db(peak), limiting_db, most_voices, renderer.broken_voices)


def _apply(renderer: OrchestraRenderer, cue: AudioCue) -> None:
    if cue.placements is not None:
        renderer.place(cue.placements)
    if cue.silence:
        renderer.silence()
    if cue.head is not None:
        renderer.listen(cue.head)
    if cue.notes or cue.releases:
        renderer.submit(cue.notes, cue.releases)
