"""Named exceptions. Every message is one line that says what is wrong, where, and what to do."""


class TuttiError(Exception):
    """Base of every error that Tutti raises on purpose; the command line prints it as one line."""


class ScoreError(TuttiError):
    """A score cannot be read: broken, truncated, too large, or hostile."""


class TakeError(TuttiError):
    """A recording of gesture cannot be read."""


class ProfileError(TuttiError):
    """A conductor's profile, or how the orchestra shall follow, cannot be used."""


class SoundError(TuttiError):
    """A SoundFont, HRTF or impulse response cannot be read."""


class AudioDeviceError(TuttiError):
    """The audio device is missing or was lost."""


class SceneError(TuttiError):
    """The picture cannot be drawn on this machine."""


class InputError(TuttiError):
    """A device to conduct with (OSC, MIDI, gamepad) cannot be opened, or was lost."""


class HeadsetError(TuttiError):
    """The headset cannot be used: no runtime, no headset, or a runtime that fails."""


class SeatingError(TuttiError):
    """A seating plan is wrong or does not fit the score."""


class SessionError(TuttiError):
    """A recorded session cannot be read or written."""


class ProtocolError(TuttiError):
    """A message on the wire is malformed, too large, or of another version."""


class OutputError(TuttiError):
    """Results cannot be written where they should go."""


class RelayError(TuttiError):
    """The relay cannot serve: its port is taken, or its process ended."""


class CertificateError(TuttiError):
    """The studio's certificate cannot be made, kept or read."""


class ModelError(TuttiError):
    """An AI model is missing, broken, or does not fit its manifest."""
