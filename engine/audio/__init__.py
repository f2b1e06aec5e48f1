"""From performed notes to two ears: players, voices, directions, hall, limiter; live and offline."""

import os
import sys
from pathlib import Path

os.environ.setdefault("PYO_GUI_WX", "0")  # else pyo looks for a window toolkit and prints advice on import
_ALSA_PLUGINS = next(iter(Path("/usr/lib").glob("*-linux-gnu/alsa-lib")), None) if sys.platform == "linux" else None
if _ALSA_PLUGINS is not None:
    # The libasound that comes with pyo seeks the plugins of PulseAudio and PipeWire where Debian does not keep them.
    os.environ.setdefault("ALSA_PLUGIN_DIR", str(_ALSA_PLUGINS))
