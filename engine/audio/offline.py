"""Rendering a performance to a file, as fast as the machine can."""

import math
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..sounds.sound_set import SoundSet
from ..types import Frame, NoteEvent, NoteRelease, PlayerPlacement, Pose
from ..units import db_to_gain, gain_to_db
from .audio_messages import Enter, Sit
from .hrtf import LEAD
from .loudness import LoudnessMeter
from .master import TruePeakLimiter
from .playing import CELL
from .pyo_block import FloatArray
from .renderer import AudioSettings, OrchestraRenderer
from .room import Room
from .side_outputs import output_maker
from .wav import WavWriter

INAUDIBLE_DB, RUNG_OUT_S = -90.0, 1.0
"""A hall that has been so far below the loudest peak for so long, with nothing to come, has rung out: a file ends there
though a release of some instrument goes on for seconds yet."""
MOST_LIMITING_DB = 6.0
"""A loudness that would have the limiter take away more than this is not reached."""
_PIECE = 4096
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
    sit: Sit | None = None
    enter: Enter | None = None


@dataclass(frozen=True, slots=True)
class RenderReport:
    """What a render came to.

    ``peak_db`` is the sample peak, ``limiting_db`` the most the limiter did (≤ 0), ``loudness_lufs`` the integrated
    loudness (ITU-R BS.1770) and ``gain_db`` what was added to reach the loudness that was asked for. ``left_out``
    counts notes that found no voice.
    """

    duration_s: float
    peak_db: float
    limiting_db: float
    most_voices: int
    broken_voices: int
    loudness_lufs: float
    gain_db: float = 0.0
    left_out: int = 0


def cue_from_frame(frame: Frame) -> AudioCue:
    """A performance's frame as a cue; the newest pose of the head goes along."""
    return AudioCue(frame.time_s, frame.notes, frame.releases, frame.pose_of("head"))


def render_wav(
    path: Path,
    placements: Sequence[PlayerPlacement],
    sounds: SoundSet,
    room: Room,
    cues: Iterable[AudioCue],
    duration_s: float | None = None,
    settings: AudioSettings | None = None,
    progress: Progress | None = None,
    loudness_lufs: float | None = None,
    formats: Mapping[str, Path] | None = None,
    stems: Path | None = None,
) -> RenderReport:
    """Write the binaural sound of ``cues`` (in order of time, from 0 s) to a WAV file.

    The file begins at session time 0 and is as long as asked, or until the hall is silent after the last cue. It is
    readable at any moment (``WavWriter``). With ``loudness_lufs`` the whole is measured first and then brought to this
    integrated loudness by one gain, as far as peaks allow (``MOST_LIMITING_DB``). ``formats`` are files of other
    formats (``surround.FORMATS``), ``stems`` a folder for the sections one by one: both as long, before the limiter,
    and with the same gain or less, where they would pass the ceiling. Raises ``SoundError`` where a file cannot be
    written.
    """
    settings = settings or AudioSettings()
    settings = replace(settings, block=min(settings.block, CELL))  # it sounds the same, and cues come in time
    if stems is not None:
        settings = replace(settings, by_section=True)
    make_outputs = output_maker(formats or {}, stems)
    with WavWriter(path, settings.rate_hz) as file:  # first, as it may be refused
        renderer = OrchestraRenderer(placements, sounds, room, settings)
        run = _Run(renderer, duration_s, progress)
        beside = renderer.add_outputs(make_outputs)
        try:
            if loudness_lufs is None:
                sink = _Sink(file)
                for audio in run.pieces(cues, renderer.render, renderer.latency):
                    sink.write(audio)
                    sink.limiting_db = min(sink.limiting_db, renderer.limiting_db)
                gain_db = 0.0
            else:
                sink, gain_db = _levelled(run, cues, file, loudness_lufs)
            for output in beside:
                output.finish(file.frames, gain_db, settings.ceiling_db)
        finally:
            for output in beside:
                output.close()
            renderer.close()
    return RenderReport(
        file.frames / settings.rate_hz,
        gain_to_db(sink.peak),
        sink.limiting_db,
        run.most_voices,
        renderer.broken_voices,
        sink.meter.integrated_lufs,
        gain_db,
        renderer.left_out,
    )


class _Sink:
    """A file, and what is measured on the way into it."""

    def __init__(self, file: WavWriter) -> None:
        self._file = file
        self.meter = LoudnessMeter(file.rate_hz)
        self.peak, self.limiting_db = 0.0, 0.0

    def write(self, audio: FloatArray) -> None:
        self._file.write(audio)
        self.meter.add(audio)
        self.peak = max(self.peak, float(np.abs(audio).max(initial=0.0)))


class _Run:
    """One pass of a renderer over cues."""

    def __init__(self, renderer: OrchestraRenderer, duration_s: float | None, progress: Progress | None) -> None:
        self.renderer = renderer
        self.most_voices = 0
        self._duration_s, self._progress = duration_s, progress

    def pieces(self, cues: Iterable[AudioCue], step: Callable[[], FloatArray], skip: int) -> Iterator[FloatArray]:
        """What ``step`` gives, block by block, less the first ``skip`` samples."""
        renderer, rate_hz = self.renderer, self.renderer.settings.rate_hz
        upcoming = iter(cues)
        cue = next(upcoming, None)
        written, reported_s = 0, 0.0
        frames = None if self._duration_s is None else round(self._duration_s * rate_hz)
        silent_at: float | None = None
        loudest, rung_out_at = 0.0, math.inf
        while frames is None or written < frames:
            now_s = renderer.position / rate_hz
            while renderer.position % CELL == 0 and cue is not None and cue.time_s < now_s + CELL / rate_hz:
                _apply(renderer, cue)
                cue = next(upcoming, None)
            block = step()
            audio = block[skip:]
            skip = max(0, skip - len(block))
            if frames is not None:
                audio = audio[: frames - written]
            written += len(audio)
            yield audio
            self.most_voices = max(self.most_voices, renderer.sounding)
            if self._progress is not None and now_s >= reported_s + 1.0:
                self._progress(now_s)
                reported_s = now_s
            peak = float(np.abs(audio).max(initial=0.0))
            loudest = max(loudest, peak)
            if cue is not None or renderer.awaits or peak > loudest * db_to_gain(INAUDIBLE_DB):
                rung_out_at = now_s + RUNG_OUT_S
            if frames is None and now_s >= rung_out_at:
                break
            if frames is None and cue is None and renderer.idle:
                silent_at = silent_at or now_s + renderer.tail_s
                if now_s >= silent_at:
                    break
            else:
                silent_at = None
        if self._progress is not None:
            self._progress(written / rate_hz)


def _levelled(run: _Run, cues: Iterable[AudioCue], file: WavWriter, loudness_lufs: float) -> tuple[_Sink, float]:
    """Render without the limiter into a temporary file, measure, and write that with the right gain."""
    settings = run.renderer.settings
    meter, peak = LoudnessMeter(settings.rate_hz), 0.0
    with tempfile.TemporaryFile(prefix="tutti-") as raw:
        for audio in run.pieces(cues, run.renderer.mix, LEAD):
            meter.add(audio)
            peak = max(peak, float(np.abs(audio).max(initial=0.0)))
            raw.write(np.ascontiguousarray(audio, np.float32).tobytes())
        frames = raw.tell() // 8
        wanted_db = loudness_lufs - meter.integrated_lufs
        allowed_db = settings.ceiling_db + MOST_LIMITING_DB - gain_to_db(peak)
        gain_db = min(wanted_db, allowed_db) if math.isfinite(wanted_db) and peak > 0.0 else 0.0
        raw.seek(0)
        limiter, sink = TruePeakLimiter(settings.rate_hz, _PIECE, settings.ceiling_db), _Sink(file)
        for start in range(0, frames + limiter.latency, _PIECE):
            piece = np.zeros((_PIECE, 2), np.float32)
            read = np.frombuffer(raw.read(piece.nbytes), np.float32).reshape(-1, 2)
            piece[: len(read)] = read * np.float32(db_to_gain(gain_db))
            limited = limiter.process(np.ascontiguousarray(piece.T)).T
            first, last = limiter.latency - start, frames + limiter.latency - start
            sink.write(limited[max(0, first) : max(0, last)])
            sink.limiting_db = min(sink.limiting_db, gain_to_db(limiter.smallest_gain))
    return sink, gain_db


def _apply(renderer: OrchestraRenderer, cue: AudioCue) -> None:
    if cue.placements is not None:
        renderer.place(cue.placements)
    if cue.enter is not None:
        renderer.enter(cue.enter.room, cue.enter.listener)
    if cue.sit is not None:
        renderer.sit(cue.sit.listener)
    if cue.silence:
        renderer.silence()
    if cue.head is not None:
        renderer.listen(cue.head)
    if cue.notes or cue.releases:
        renderer.submit(cue.notes, cue.releases)
