"""The hall's late response as pyo plays it: one partitioned convolution from a mono send to two ears."""

import tempfile
from pathlib import Path

import numpy as np
import pyo
import soundfile

from .pyo_block import BlockFeed, BlockServer, FloatArray
from .room import Room, late_response

_PARTITION = 1024
"""21 ms at 48 kHz: as long as the response is silent at its start (``room.LATE_START_S``)."""
_CVLVERB_GAIN = 50.0 / _PARTITION
"""What ``CvlVerb`` multiplies an impulse response with (measured: 0.0488 at 1024, 0.0244 at 2048)."""


class LateReverb:
    """Convolves with ``late_response``. ``CvlVerb`` is a partition late, which the response's own silence hides."""

    def __init__(self, room: Room, rate_hz: int, block: int, seed: int) -> None:
        self._server = BlockServer(2, rate_hz, block)
        self._feed = BlockFeed(1, rate_hz, block)
        response = late_response(room, rate_hz, seed)
        self.tail = len(response)
        """Samples after which the hall is silent again."""
        with tempfile.TemporaryDirectory(prefix="tutti-") as folder:
            path = Path(folder) / "late.wav"
            soundfile.write(path, response[_PARTITION:], rate_hz, subtype="FLOAT")
            self._verb = pyo.CvlVerb(self._feed.streams[0], str(path), bal=1, size=_PARTITION, mul=1.0 / _CVLVERB_GAIN)
        self._verb.out()
        self._server.start()
        self._quiet = self.tail

    def process(self, send: FloatArray) -> FloatArray:
        """The hall's answer to a block (block,): (2, block). Costs nothing once the hall is silent."""
        if send.any():
            self._quiet = 0
        elif self._quiet >= self.tail + 2 * _PARTITION:
            return np.zeros((2, send.size), np.float32)
        self._quiet += send.size
        self._feed.blocks[0] = send
        self._server.process()
        return self._server.output.T.copy()

    def close(self) -> None:
        self._feed.close()
        self._server.close()
