"""On which port and channel of a MIDI file each part plays, and how its notes are tuned."""

import mido

from ..engine.score import Part

DRUM_CHANNEL = 9
"""Of General MIDI, counted from 0."""
BEND_RANGE_CENTS = 200.0
"""What a full pitch bend is, unless a receiver is told otherwise (General MIDI 1)."""
_MELODIC = tuple(channel for channel in range(16) if channel != DRUM_CHANNEL)


def channel_of(part: Part, index: int) -> tuple[int, int]:
    """Port and channel of the part with this number: each that is not drums has a channel of its own, on as many
    ports as that takes."""
    port, place = divmod(index, len(_MELODIC))
    return port, DRUM_CHANNEL if part.instrument == "percussion" else _MELODIC[place]


def port_message(port: int) -> list[mido.MetaMessage]:
    """What a track on that port begins with (meta event 0x21, as sequencers write it); nothing on the first."""
    return [mido.MetaMessage("midi_port", port=port)] if port else []


def bend_message(channel: int, cents: float) -> mido.Message:
    """Tunes the channel: of notes that begin together in a part, the last one's tuning holds for all."""
    bend = round(8192 * cents / BEND_RANGE_CENTS)
    return mido.Message("pitchwheel", channel=channel, pitch=max(-8192, min(8191, bend)))
