"""What works on this machine, and what to install for the rest. Every check looks; none opens a device for long."""

import importlib.metadata
import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from ..engine.errors import TuttiError
from .paths import cache_folder
from .relay.relay_types import PAGE

PROBE_TIMEOUT_S = 60.0
NEEDED_DISK_GB = 2.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; ``advice`` is empty when it works."""

    what: str
    works: bool
    detail: str
    advice: str


def examine() -> list[Finding]:
    """Look at everything Tutti can use. Probes that could take the program down run in processes of their own."""
    checks: tuple[Callable[[], Finding], ...] = (
        _python,
        _packages,
        _sound_device,
        _soundfont,
        _picture,
        _page,
        _https,
        _browser,
        _weights,
        _headset,
        _midi,
        _disk,
    )
    return [check() for check in checks]


def _python() -> Finding:
    version = platform.python_version()
    works = sys.version_info >= (3, 11)
    detail = f"{version} on {platform.system()} {platform.machine()}"
    return Finding("Python", works, detail, "" if works else "install Python 3.11 or newer")


def _packages() -> Finding:
    missing, found = [], []
    for name in ("numpy", "music21", "pyo", "panda3d", "torch", "websockets", "openvr"):
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        return Finding("Packages", False, ", ".join(found), f"pip install {' '.join(missing)}")
    return Finding("Packages", True, ", ".join(found), "")


def _probe(program: str) -> tuple[bool, str]:
    """Run a probe in a fresh interpreter: (it answered, its last line of output or of complaint)."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=PROBE_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return False, f"no answer within {PROBE_TIMEOUT_S:.0f} s"
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    return done.returncode == 0, lines[-1] if lines else ""


def _sound_device() -> Finding:
    program = (
        "import json; from tutti.engine.audio.sound_outputs import list_outputs; "
        "print(json.dumps([f'{output.name} ({output.rate_hz} Hz)' for output in list_outputs()]))"
    )
    answered, text = _probe(program)
    names = json.loads(text) if answered and text.startswith("[") else []
    if names:
        advice = "choose another with tutti play --audio NAME" if len(names) > 1 else ""
        return Finding("Sound device", True, ", ".join(names[:3]), advice)
    found = "none" if answered else text[:60]
    if shutil.which("jackd"):
        advice = "plug in a sound card, or start jackd (JACK is installed, but does not run); until then the page plays"
        return Finding("Sound device", False, found, advice)
    advice = "plug in a sound card, or install jackd2; the page plays the sound without either"
    return Finding("Sound device", False, found, advice)


def _soundfont() -> Finding:
    from .sounds import installed

    fonts = installed()
    if fonts:
        return Finding("SoundFont", True, str(fonts[0].path), "")
    advice = "apt install musescore-general-soundfont, or: tutti sounds install FILE|URL"
    return Finding("SoundFont", False, "none: the synthesised instruments play", advice)


def _picture() -> Finding:
    program = (
        "from tutti.scenes.display import open_display; "
        "base = open_display('probe', window=False, size=(64, 64)); "
        "print(base.win.get_gsg().get_driver_renderer())"
    )
    answered, text = _probe(program)
    if answered:
        return Finding("3-D picture", True, text, "")
    return Finding("3-D picture", False, text[:60], "install a graphics driver (Debian: libegl1 libgl1-mesa-dri)")


def _page() -> Finding:
    if (PAGE / "index.html").is_file():
        return Finding("Page for browsers", True, "built", "")
    return Finding("Page for browsers", False, "not built", "python -m tutti.studio.web_build")


def _https() -> Finding:
    from .relay.addresses import lan_addresses
    from .relay.certificates import ensure_certificate

    try:
        certificate = ensure_certificate()
    except TuttiError as error:
        return Finding("HTTPS for phones", False, "no certificate", str(error))
    if not lan_addresses():
        return Finding("HTTPS for phones", False, "no network", "join the network that the phones are in")
    until = f"{certificate.expires:%d %B %Y}"
    return Finding("HTTPS for phones", True, f"{lan_addresses()[0]}, certified until {until}", "")


def _browser() -> Finding:
    names = ("chromium", "chromium-browser", "google-chrome", "firefox", "msedge", "safari")
    found = next((name for name in names if shutil.which(name)), None)
    if platform.system() in ("Windows", "Darwin"):
        found = found or "the system's own"
    advice = "" if found else "install Chromium or Firefox, or open the page on another device"
    return Finding("Browser", found is not None, found or "none", advice)


def _weights() -> Finding:
    try:
        from ..models.weights import read_part_weights

        _, manifest = read_part_weights()
    except TuttiError as error:
        return Finding("AI player", False, "no weights", str(error))
    return Finding("AI player", True, f"{manifest.name}, {manifest.shape['parameters'] / 1e6:.1f} M parameters", "")


def _headset() -> Finding:
    answered, text = _probe("import openvr; print(bool(openvr.isRuntimeInstalled()), bool(openvr.isHmdPresent()))")
    if answered and text == "True True":
        return Finding("Headset (OpenVR)", True, "runtime and headset", "")
    if answered and text.startswith("True"):
        return Finding("Headset (OpenVR)", False, "runtime, no headset", "connect a headset and start SteamVR")
    return Finding("Headset (OpenVR)", False, "no runtime", "install SteamVR to use a PC headset; mouse and page work")


def _midi() -> Finding:
    program = "import json; from tutti.studio.inputs.midi import midi_ports; print(json.dumps(midi_ports()))"
    answered, text = _probe(program)
    ports = json.loads(text) if answered and text.startswith("[") else []
    if ports:
        return Finding("MIDI", True, ", ".join(ports), "")
    if answered:
        return Finding("MIDI", False, "no port", "plug in a keyboard, pads or a pedal to tap the beats")
    return Finding("MIDI", False, "not usable", text.rpartition("InputError: ")[2])


def _disk() -> Finding:
    folder = next(place for place in (cache_folder(), *cache_folder().parents) if place.is_dir())
    free_gb = shutil.disk_usage(folder).free / 1e9
    works = free_gb >= NEEDED_DISK_GB
    detail = f"{free_gb:.0f} GB free for {cache_folder()}"
    return Finding("Disk", works, detail, "" if works else f"free some space: {NEEDED_DISK_GB:.0f} GB are wanted")
