"""On which port and channel of a MIDI file each part plays."""

import mido

from ..engine.score import Part

DRUM_CHANNEL = 9
"""Of General MIDI, counted from 0."""
_MELODIC = tuple(channel for channel in range(16) if channel != DRUM_CHANNEL)


def channel_of(part: Part, index: int) -> tuple[int, int]:
    """Port and channel of the part with this number: each that is not drums has a channel of its own, on as many
    ports as that takes."""
    port, place = divmod(index, len(_MELODIC))
    return port, DRUM_CHANNEL if part.instrument == "percussion" else _MELODIC[place]


def port_message(port: int) -> list[mido.MetaMessage]:
    """What a track on that port begins with (meta event 0x21, as sequencers write it); nothing on the first."""
    return [mido.MetaMessage("midi_port", port=port)] if port else []
