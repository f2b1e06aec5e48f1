"""Standard MIDI files from anywhere, read by mido: what is broken is told in a line."""

import io
import re

import mido

from ..errors import ScoreError

_KEY_SIGNATURE = re.compile(rb"\xff\x59\x02(..)", re.DOTALL)
_MOST_ACCIDENTALS = 7


def open_midi(data: bytes, name: str) -> mido.MidiFile:
    """A MIDI file's bytes; ``name`` is for messages. Raises ``ScoreError``.

    Key signatures that do not exist, which some programs write and mido refuses, become that of C major: notes are
    what they are without them.
    """
    start = data.find(b"MThd", 0, 68)
    if start < 0:
        raise ScoreError(f"{name}: is not a MIDI file")
    try:
        return mido.MidiFile(file=io.BytesIO(_KEY_SIGNATURE.sub(_a_key_that_exists, data[start:])), clip=True)
    except (OSError, EOFError, ValueError, KeyError, IndexError, TypeError, OverflowError) as error:
        reason = " ".join(str(error).split()) or "it ends in the middle of a track"
        raise ScoreError(f"{name}: broken MIDI file ({reason}); the file may be cut short, export it again") from error


def _a_key_that_exists(event: re.Match[bytes]) -> bytes:
    sharps, mode = event[1]
    exists = abs(sharps - 256 if sharps > 127 else sharps) <= _MOST_ACCIDENTALS and mode in (0, 1)
    return event[0] if exists else event[0][:3] + b"\x00\x00"
