"""Processes of ours: a terminal's Ctrl-C does not reach them, since their parent is to end them.

What they log is for people to read."""

import atexit
import logging
import signal
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess


def start_shielded(process: BaseProcess) -> None:
    """Start a process with SIGINT and SIGTERM blocked from its first instruction on. Any thread; does not wait.

    Both are sent to the whole group, and what ignores them in its main function was still importing for a second or
    two, which ended in a traceback. Windows has no masks; there a process looks after itself. Who is interrupted before
    it can end the process leaves that to Python's exit, which would wait for ever for one that hears no SIGTERM: it is
    killed there.
    """
    atexit.register(_end, weakref.ref(process))
    if hasattr(signal, "pthread_sigmask"):
        resource_tracker.ensure_running()  # it unblocks them where a process's start has to start it first
    with signals_held():
        process.start()


@contextmanager
def signals_held() -> Iterator[None]:
    """SIGINT and SIGTERM for this thread come after what is done here, not within: Panda3D crashes where its import is
    interrupted. Windows has no masks."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def log_for_people(
    level: int = logging.WARNING, form: str = "%(message)s", handler: logging.Handler | None = None
) -> None:
    """Log to standard error, or to ``handler``, what people can do something about: what Tutti says, and what breaks in
    libraries. What libraries remark (sf2utils of odd samples in a SoundFont, fonts, files) is told by us where it
    matters. Once a process, in its main function."""
    handler = handler or logging.StreamHandler()
    handler.addFilter(_is_for_people)
    logging.basicConfig(level=level, format=form, handlers=[handler])


def _is_for_people(record: logging.LogRecord) -> bool:
    return record.name.startswith("tutti") or (record.levelno >= logging.ERROR and record.name != "root")


def _end(reference: weakref.ref[BaseProcess]) -> None:
    process = reference()
    if process is not None and process.is_alive():
        process.kill()
