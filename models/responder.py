"""The AI player's thinking: asks in, answers out; here, or in a process of its own.

An answer depends on nothing but the ask, the weights and the settings, so the same music, heard the same way, is
answered the same, whatever was asked in between and however often.
"""

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from threadpoolctl import threadpool_limits

from ..engine.errors import ModelError
from .craft.scales import Scale
from .decoding import DecodingSettings
from .ensemble_writing import EnsembleWriter
from .live_music import Answer, Ask
from .part.decoder import load_decoder
from .voice_groups import VoiceGroup


@dataclass(frozen=True, slots=True)
class ResponderSettings:
    """What an answering player is made of. ``weights`` None: those that ship with Tutti."""

    groups: tuple[VoiceGroup, ...]
    weights: Path | None = None
    seed: int = 0
    decoding: DecodingSettings | None = None
    scale: Scale | None = None

    @property
    def answered(self) -> frozenset[int]:
        """The parts that are the AI's."""
        return frozenset().union(*(group.answered for group in self.groups))


class Responder:
    """Answers asks in this process. Not thread-safe."""

    def __init__(self, settings: ResponderSettings) -> None:
        """Raises ``ModelError`` when the weights cannot be loaded."""
        decoder = load_decoder(settings.weights, settings.seed, settings.decoding, settings.scale)
        self.author = decoder.author
        self._own = settings.answered
        self._writer = EnsembleWriter(settings.groups, decoder)

    def answer(self, ask: Ask) -> Answer:
        """The own parts from the window's first step to the sheet's end."""
        columns = self._writer.write(ask.sheet)
        return Answer(ask.number, ask.start, {part: columns[part][ask.offset :] for part in sorted(self._own)})


def serve(connection: Connection, settings: ResponderSettings) -> None:
    """The AI process: sends its ``Author`` when it is ready, or what is wrong; then answers, the newest ask first.

    Asks that were overtaken while it thought are left out. None ends it.
    """
    for name in (signal.SIGINT, signal.SIGTERM):  # sent to the whole group, they are the studio's to handle
        signal.signal(name, signal.SIG_IGN)
    threadpool_limits(1)  # a step's products are small: more threads only wait for each other
    try:
        responder = Responder(settings)
    except ModelError as error:
        connection.send(str(error))
        return
    connection.send(responder.author)
    try:
        while True:
            asks: list[Ask | None] = [connection.recv()]
            while connection.poll():
                asks.append(connection.recv())
            if None in asks:
                return
            for ask in newest_of_each_window(asks):
                connection.send(responder.answer(ask))
    except (EOFError, OSError):
        return


def newest_of_each_window(asks: Sequence[Ask | None]) -> list[Ask]:
    """The last ask for each window, in order of windows as they were first asked for."""
    newest = {ask.start: ask for ask in asks if ask is not None}
    return list(newest.values())
