"""The hall's late response as pyo plays it: partitioned convolutions from a mono send to two ears."""

import hashlib
import tempfile
from pathlib import Path

import numpy as np
import pyo
import soundfile

from .array_cache import cache_folder, read_array, write_array
from .pyo_block import BlockFeed, BlockServer, FloatArray
from .room import Room, late_response

PARTITIONS = (1024, 4096)
"""Sizes of the partitions, each a multiple of the one before. Long ones cost less for each sample and come as much
later: the response's own silence at its start (``room.LATE_START_S``, 20 ms) hides the first, the first hides the
second."""

_VERSION = 1
"""Counts changes of ``late_response``; what was kept before is not read."""
_KEPT = 24
"""Responses on disk: one is a megabyte or so."""


def load_late_response(room: Room, rate_hz: int, seed: int, cache_dir: Path | None = None) -> FloatArray:
    """``late_response``, kept in the user's cache (or ``cache_dir``): its decays take half a second to get right."""
    if room.measured is not None:
        return late_response(room, rate_hz, seed)
    key = hashlib.sha256(repr((room, rate_hz, seed, _VERSION)).encode()).hexdigest()[:24]
    path = (cache_dir or cache_folder("halls")) / f"{key}.npy"
    kept = read_array(path)
    if kept is not None and kept.ndim == 2 and kept.shape[1] == 2 and np.isfinite(kept).all():
        return kept
    response = late_response(room, rate_hz, seed)
    write_array(path, response, _KEPT)
    return response


class LateReverb:
    """Convolves with ``late_response``, or with another ``response`` (samples, channels). Not thread-safe."""

    def __init__(self, room: Room, rate_hz: int, block: int, seed: int, response: FloatArray | None = None) -> None:
        if PARTITIONS[0] % block:
            raise ValueError(f"blocks of {block} do not fill partitions of {PARTITIONS[0]}")
        if response is None:
            response = load_late_response(room, rate_hz, seed)
        self._channels = response.shape[1]
        self._server = BlockServer(self._channels, rate_hz, block)
        self._feed = BlockFeed(1, rate_hz, block)
        self.tail = (-(-len(response) // PARTITIONS[-1]) + 2) * PARTITIONS[-1]
        """Samples after which the hall is silent again: whole partitions, which ring with rounding errors."""
        ends = (*PARTITIONS[1:], len(response))
        with tempfile.TemporaryDirectory(prefix="tutti-") as folder:
            self._verbs = []
            for size, end in zip(PARTITIONS, ends, strict=True):
                if size >= len(response):
                    break
                path = Path(folder) / f"late-{size}.wav"
                soundfile.write(path, _for_pyo(response[size:end], size), rate_hz, subtype="FLOAT")
                # CvlVerb multiplies a response with 50 / size (measured).
                verb = pyo.CvlVerb(self._feed.streams[0], str(path), bal=1, size=size, mul=size / 50.0)
                self._verbs.append(verb.out())
        self._server.start()
        self._quiet = self.tail

    def process(self, send: FloatArray) -> FloatArray:
        """The hall's answer to a block (block,): (channels, block). Costs nothing once the hall is silent."""
        if send.any():
            self._quiet = 0
        elif self._quiet >= self.tail:
            return np.zeros((self._channels, send.size), np.float32)
        self._quiet += send.size
        self._feed.blocks[0] = send
        self._server.process()
        return self._server.output.T

    def close(self) -> None:
        """Free the server; nothing of this may be used any more."""
        self._feed.close()
        self._server.close()


def _for_pyo(response: FloatArray, size: int) -> FloatArray:
    """A response (samples, channels) in whole partitions that ``CvlVerb`` convolves with exactly.

    It leaves out the highest frequency of each partition's spectrum, which makes an error of −40 dB that depends on
    where in a partition a sound begins. A partition that has nothing there loses nothing.
    """
    count = -(-len(response) // size)
    parts = np.zeros((count, size, response.shape[1]))
    parts.reshape(-1, response.shape[1])[: len(response)] = response
    alternating = np.where(np.arange(size) % 2, -1.0, 1.0)[:, None]
    parts -= alternating * (parts * alternating).mean(axis=1, keepdims=True)
    return np.ascontiguousarray(parts.reshape(-1, response.shape[1]), np.float32)
