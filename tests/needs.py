"""What some tests need beside Python packages. A bare machine skips them, saying why; under CI nothing is skipped:
there a missing piece is a failure of the set-up."""

import os
import shutil
from functools import cache
from pathlib import Path

import pytest

from tutti.studio import doctor


@cache
def gl_works() -> bool:
    """Whether pictures can be drawn here, with or without a graphics card."""
    return doctor._picture().works


@cache
def chromium_path() -> str | None:
    """The browser that the page is tried in."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
    "--disable-background-timer-throttling",
)
"""How it is started for tests that draw the hall."""


def _needs(there: bool, what: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not there and "CI" not in os.environ, reason=f"{what}; .ci/run installs what is missing")


needs_gl = _needs(gl_works(), "no OpenGL here (Debian: libegl1 libgl1-mesa-dri)")
needs_chromium = _needs(chromium_path() is not None, "no Chromium here")
needs_gcc = _needs(shutil.which("gcc") is not None, "no gcc here to build the scripted VR runtime")
needs_x = _needs(all(map(shutil.which, ("Xvfb", "xdotool"))), "no Xvfb or xdotool here (Debian: xvfb xdotool)")
needs_openssl = _needs(shutil.which("openssl") is not None, "no openssl command here")
needs_jack = _needs(shutil.which("jackd") is not None, "no jackd here (Debian: jackd2)")
needs_alsa_jack = _needs(
    any(Path("/usr/lib").glob("*-linux-gnu/alsa-lib/libasound_module_pcm_jack.so")),
    "no ALSA plugin for JACK here (Debian: libasound2-plugins)",
)
