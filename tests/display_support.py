"""An X server of a test's own, without a screen: real windows, a real mouse, GLX."""

import os
import subprocess
from collections.abc import Iterator

import pytest


@pytest.fixture
def display() -> Iterator[dict[str, str]]:
    """Xvfb, and the environment in which programs use it."""
    read_end, write_end = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write_end), "-screen", "0", "800x600x24", "-nolisten", "tcp"],
        pass_fds=(write_end,),
        stderr=subprocess.DEVNULL,
    )
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        number = pipe.readline().strip()
    yield {**os.environ, "DISPLAY": f":{number}"}
    server.terminate()
    server.wait(10)


def xdotool(display: dict[str, str], *words: object) -> None:
    """Move the mouse of that server, click, or press a key."""
    subprocess.run(["xdotool", *map(str, words)], env=display, check=True, timeout=30)
