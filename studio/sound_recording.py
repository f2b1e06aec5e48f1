"""What a session sounded like, into its file."""

from dataclasses import dataclass

from ..engine.audio.output import AudioProcess
from .relay.audio_stream import OpusEncoder
from .session_file import AudioPacket, SessionRecorder


@dataclass(slots=True)
class SoundRecording:
    """The orchestra's sound on its way into the session file, as Opus packets stamped by sample index."""

    audio: AudioProcess
    recorder: SessionRecorder
    _encoder: OpusEncoder | None = None
    _next: int = 0

    def fetch(self) -> None:
        """Record what was played since the last call. A gap starts a new stream at its true place."""
        start, samples = self.audio.read_since(self._next)
        if not len(samples):
            return
        if self._encoder is None or start != self._next:
            self._encoder = OpusEncoder(self.audio.rate_hz, start)
        self._next = start + len(samples)
        for sample, data in self._encoder.encode(samples):
            self.recorder.write_audio(self.audio.time_of(sample), AudioPacket(max(0, sample), data))
