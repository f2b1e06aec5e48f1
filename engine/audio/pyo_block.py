"""Block exchange between pyo and numpy: a pyo server that computes one block when asked, and tables that feed it.

pyo's ``manual`` server computes a block per call and keeps its output in memory that numpy can look at; blocks
go in through a table that numpy writes and a phasor reads. Both are free of copies. Not thread-safe: one thread
builds and processes a server. pyo objects are created on the server that was activated last.
"""

import ctypes
import os
from typing import Any

import numpy as np
import numpy.typing as npt

os.environ.setdefault("PYO_GUI_WX", "0")  # else pyo looks for a window toolkit and prints advice on import

import pyo

from ..errors import AudioDeviceError

FloatArray = npt.NDArray[np.float32]


_FADED_IN = 1024
"""Samples after which a server's fade-in is over at any rate."""


class BlockServer:
    """A pyo server driven block by block.

    ``output`` is a float32 view ``(block, channels)`` of the server's last block; it must not be used after ``close``.
    """

    def __init__(self, channels: int, rate_hz: int, block: int) -> None:
        server = pyo.Server(sr=rate_hz, nchnls=channels, ichnls=1, buffersize=block, duplex=0, audio="manual")
        server.deactivateMidi()
        server.setVerbosity(1)  # errors only
        server.boot()
        if not server.getIsBooted():
            raise AudioDeviceError(f"pyo cannot make a server of {channels} channels, block {block}")
        self._server = server
        self.process = server._server.process  # the C method: saves a Python call per block
        address = ctypes.cast(int(server.getOutputAddr(), 16), ctypes.POINTER(ctypes.c_float))
        self.output: FloatArray = np.ctypeslib.as_array(address, shape=(block, channels))
        self.activate()

    def activate(self) -> None:
        """Make this the server on which new pyo objects are created."""
        self._server.setServer()

    def start(self) -> None:
        """Begin: ``process`` computes from now on.

        A server fades in what it first computes, over 5 ms; that is over when this returns.
        """
        self._server.start()
        for _ in range(-(-_FADED_IN // len(self.output))):
            self.process()

    def close(self) -> None:
        """Stop and free the server; its objects must not be used any more."""
        self.output = np.zeros((0, 0), np.float32)
        self._server.stop()
        self._server.shutdown()


class BlockFeed:
    """Streams whose next block numpy writes: ``blocks[i]`` (float32 view, one block) is played by ``streams[i]``.

    One table holds all streams end to end; ``Phasor`` and ``TableIndex`` keep in step with the blocks for
    ever, which ``TableRead`` was seen not to do. Call ``close`` before the table goes, as the view dangles then.
    """

    def __init__(self, streams: int, rate_hz: int, block: int) -> None:
        self._table = pyo.DataTable(size=streams * block)
        self.blocks: FloatArray = np.asarray(self._table.getBuffer()).reshape(streams, block)
        counter = pyo.Phasor(freq=rate_hz / block, mul=block)
        self._indices = [pyo.Sig(counter, add=float(i * block)) for i in range(streams)]
        self._counter = counter
        self.streams: list[Any] = [pyo.TableIndex(self._table, index) for index in self._indices]

    def close(self) -> None:
        """Let go of the table's memory."""
        self.blocks = np.zeros((0, 0), np.float32)


def table_of(samples: FloatArray) -> Any:
    """A pyo table with a copy of ``samples`` (the copy is by memory, not by pyo's slow list of floats)."""
    table = pyo.DataTable(size=samples.size)
    view = np.asarray(table.getBuffer())
    view[:] = samples
    del view  # a view that outlives its table is a use after free
    return table


def bundled_hrir_tables() -> Any:
    """pyo's copy of the KEMAR responses: two ears × 14 rings of elevation × directions × 128 samples at 44.1 kHz."""
    from pyo.lib.hrtf import ImpulseResponseTables  # 3 MB of literals, seldom needed

    return ImpulseResponseTables().getTables()
