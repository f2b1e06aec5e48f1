"""Processes of ours that a terminal's Ctrl-C does not reach: it is for the one that started them to end them."""

import atexit
import signal
import weakref
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
    if not hasattr(signal, "pthread_sigmask"):
        process.start()
        return
    resource_tracker.ensure_running()  # it unblocks them where a process's start has to start it first
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(reference: weakref.ref[BaseProcess]) -> None:
    process = reference()
    if process is not None and process.is_alive():
        process.kill()
