"""On which port and channel of a MIDI file each part plays, and how its notes are tuned."""

import mido

from ..engine.instruments import catalogue
from ..engine.score import Part

DRUM_CHANNEL = 9
"""Of General MIDI, counted from 0."""
BEND_RANGE_CENTS = 200.0
"""What a full pitch bend is, unless a receiver is told otherwise (General MIDI 1)."""
_MELODIC = tuple(channel for channel in range(16) if channel != DRUM_CHANNEL)


def channel_of(instrument: str, index: int) -> tuple[int, int]:
    """Port and channel of an instrument in the part with this number: drums share theirs, and each part has another
    for all else, on as many ports as that takes."""
    port, place = divmod(index, len(_MELODIC))
    return port, DRUM_CHANNEL if instrument == "percussion" else _MELODIC[place]


def port_message(port: int) -> list[mido.MetaMessage]:
    """What a track on that port begins with (meta event 0x21, as sequencers write it); nothing on the first."""
    return [mido.MetaMessage("midi_port", port=port)] if port else []


def bend_message(channel: int, cents: float) -> mido.Message:
    """Tunes the channel: of notes that begin together in a part, the last one's tuning holds for all."""
    bend = round(8192 * cents / BEND_RANGE_CENTS)
    return mido.Message("pitchwheel", channel=channel, pitch=max(-8192, min(8191, bend)))


class PartChannels:
    """What the players of one part play on, note by note: a channel, and what it has to be told before the note."""

    def __init__(self, part: Part, index: int) -> None:
        self._part = part
        self._index = index
        self._instruments: dict[int, str] = {}
        self._bent: dict[int, float] = {}

    def opening(self) -> list[mido.Message | mido.MetaMessage]:
        """What the part's track begins with: its port, the program of its own instrument."""
        port, _channel = channel_of(self._part.instrument, self._index)
        return [*port_message(port), *self.take_up("", 0.0)[1]]

    def take_up(self, instrument: str, cents: float) -> tuple[int, list[mido.Message]]:
        """The channel of the next note, and what comes before it where that changes: program and tuning.

        ``instrument`` is what it is played on, empty for the part's own. Notes that sound already keep their program,
        not their tuning.
        """
        key = instrument or self._part.instrument
        _port, channel = channel_of(key, self._index)
        before: list[mido.Message] = []
        if self._instruments.get(channel) != key:
            before.append(mido.Message("program_change", channel=channel, program=catalogue()[key].midi_program))
            self._instruments[channel] = key
        if cents != self._bent.get(channel, 0.0):
            before.append(bend_message(channel, cents))
            self._bent[channel] = cents
        return channel, before
