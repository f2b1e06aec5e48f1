"""Processes of ours and the terminal's Ctrl-C."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest

from tutti.engine.processes import start_shielded


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no masks of signals")
@pytest.mark.timeout(60)
def test_a_process_that_still_starts_does_not_hear_the_terminal() -> None:
    process = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(0.1,), daemon=True)
    start_shielded(process)
    assert process.pid is not None
    for name in (signal.SIGINT, signal.SIGTERM):
        os.kill(process.pid, name)
    process.join(50.0)
    assert process.exitcode == 0
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()).isdisjoint({signal.SIGINT, signal.SIGTERM}), "we do, again"


@pytest.mark.timeout(60)
def test_who_is_interrupted_before_ending_a_process_ends_all_the_same() -> None:
    script = (
        "import multiprocessing, time; from tutti.engine.processes import start_shielded; "
        "process = multiprocessing.get_context('spawn').Process(target=time.sleep, args=(600.0,), daemon=True); "
        "start_shielded(process); raise KeyboardInterrupt"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=50.0, check=False)
    assert "KeyboardInterrupt" in ended.stderr


def test_what_libraries_remark_is_not_for_people() -> None:
    script = (
        "import logging; from tutti.engine.processes import log_for_people; log_for_people(); "
        "logging.warning('Sample Tuba has loop starting too early'); "
        "logging.getLogger('websockets.server').warning('odd'); "
        "logging.getLogger('tutti.engine.audio').warning('the microphone is gone'); "
        "logging.getLogger('asyncio').error('a task broke')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=50.0, check=True)
    assert done.stderr.splitlines() == ["the microphone is gone", "a task broke"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no masks of signals")
def test_an_interruption_comes_after_what_must_not_be_interrupted() -> None:
    """In a process of its own: there a signal has no other thread to come to."""
    code = (
        "import os, signal\n"
        "from tutti.engine.processes import signals_held\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "try:\n"
        "    with signals_held():\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        print('done')\n"
        "except KeyboardInterrupt:\n"
        "    print('stopped')\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.split() == ["done", "stopped"]
