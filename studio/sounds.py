"""SoundFonts on this machine: which there are, which to play, and installing one from a file or an address."""

import contextlib
import errno
import hashlib
import http.client
import json
import os
import shutil
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from ..engine.errors import SoundError
from ..engine.sounds.soundfont import SoundFont
from .paths import data_folder

BytesProgress = Callable[[int, int], None]
"""Called with bytes so far and bytes in all (0 = not known)."""

SYNTHESISED = "synthesised"
"""The name of the sounds that Tutti makes itself."""
SUFFIXES = (".sf2", ".sf3")
MAX_BYTES = 1 << 32
"""A RIFF file cannot be larger."""

_PREFERRED = ("musescore_general", "musescore general", "ms basic", "fluidr3", "generaluser", "sgm", "arachno")
"""Parts of names, best first; what is not named here comes after, the larger the better."""
_AVOIDED = ("timgm6mb",)
"""Never chosen by itself: the embedded sounds are better."""

_CHUNK_BYTES = 1 << 18
_TIMEOUT_S = 30.0
_ATTEMPTS = 6
_PAUSE_S = 0.5


@dataclass(frozen=True, slots=True)
class InstalledFont:
    """A SoundFont file. ``origin`` is ``user`` for those in Tutti's own folder."""

    name: str
    path: Path
    size_bytes: int
    origin: Literal["user", "system"]


def user_folder() -> Path:
    """Where ``install`` puts SoundFonts."""
    return data_folder() / "soundfonts"


def system_folders() -> list[Path]:
    """Where SoundFonts usually are on this kind of machine; folders that are not there included."""
    home = Path.home()
    documents = [home / "Documents" / version / "SoundFonts" for version in ("MuseScore4", "MuseScore3")]
    if sys.platform == "darwin":
        banks = [root / "Library/Audio/Sounds/Banks" for root in (home, Path("/"))]
        applications = [Path(f"/Applications/MuseScore {n}.app/Contents/Resources/sound") for n in (4, 3)]
        return [*banks, *applications, *documents]
    if sys.platform == "win32":
        programs = Path(os.environ.get("PROGRAMFILES", "C:/Program Files"))
        return [Path("C:/soundfonts"), *(programs / f"MuseScore {n}" / "sound" for n in (4, 3)), *documents]
    roots = [Path(os.environ.get("XDG_DATA_HOME") or home / ".local/share")]
    roots += [Path(root) for root in (os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share").split(":")]
    kinds = ("sounds/sf3", "sounds/sf2", "soundfonts")
    return [root / kind for root in roots for kind in kinds] + documents


def installed(user: Path | None = None, system: Sequence[Path] | None = None) -> list[InstalledFont]:
    """The SoundFonts found, best first. Links to the same file count once."""
    found: dict[Path, InstalledFont] = {}
    places: list[tuple[Path, Literal["user", "system"]]] = [(user or user_folder(), "user")]
    places += [(folder, "system") for folder in (system_folders() if system is None else system)]
    for folder, origin in places:
        for path in _fonts_in(folder):
            real = path.resolve()
            if real not in found:
                found[real] = InstalledFont(real.stem, real, real.stat().st_size, origin)
    return sorted(found.values(), key=_preference)


def soundfont_named(
    name: str | None = None, user: Path | None = None, system: Sequence[Path] | None = None
) -> Path | None:
    """The SoundFont to play; None where the synthesised sounds are to.

    With a ``name``: ``SYNTHESISED``, a file, or what an installed SoundFont is called, wholly or in part;
    ``SoundError`` where nothing is. Without: the one that was chosen (``choose``), or else the best one installed.
    """
    if name == SYNTHESISED:
        return None
    fonts = installed(user, system)
    if name is not None:
        return Path(name) if _is_font_file(Path(name)) else _named(name, fonts).path
    chosen = _read_choice(user or user_folder())
    if chosen == SYNTHESISED:
        return None
    for font in fonts:
        if str(font.path) == chosen:
            return font.path
    return next((font.path for font in fonts if not _is_avoided(font)), None)


def check_soundfont(name: str | None) -> None:
    """Refuse sounds that are not there or broken, before anybody waits for them. Raises ``SoundError``."""
    font = soundfont_named(name)
    if font is not None:
        SoundFont(font)


def choose(name: str | None, user: Path | None = None, system: Sequence[Path] | None = None) -> Path | None:
    """Makes a SoundFont the one to play from now on; returns its file.

    ``name`` is as in ``soundfont_named``; ``SYNTHESISED`` chooses the synthesised sounds (None is returned), and None
    goes back to the best one installed.
    """
    folder = user or user_folder()
    if name is None:
        _choice_file(folder).unlink(missing_ok=True)
        return soundfont_named(None, user, system)
    font = soundfont_named(name, user, system)
    if font is not None:
        SoundFont(font)  # refuses a broken one
    folder.mkdir(parents=True, exist_ok=True)
    chosen = SYNTHESISED if font is None else str(font.resolve())
    _choice_file(folder).write_text(json.dumps({"soundfont": chosen}), "utf-8")
    return font


def install(
    source: str | Path,
    sha256: str | None = None,
    progress: BytesProgress | None = None,
    folder: Path | None = None,
) -> Path:
    """Puts a SoundFont from a file or an ``http``, ``https`` or ``file`` address into the user's folder.

    A download that breaks off is taken up again where it stopped, in this call (several times) and in later ones. The
    file is checked against ``sha256`` (hexadecimal), if given, and read through before it is accepted under its own
    name. Raises ``SoundError``, with what is installed left as it was.
    """
    folder = folder or user_folder()
    address = urllib.parse.urlsplit(str(source))
    remote = address.scheme in ("http", "https")
    local = Path(urllib.request.url2pathname(address.path)) if address.scheme == "file" else Path(source)
    name = Path(urllib.parse.unquote(address.path)).name if remote else local.name
    if Path(name).suffix.lower() not in SUFFIXES:
        raise SoundError(f"{source}: not the name of a SoundFont; it should end in .sf2 or .sf3")
    part = folder / f".{hashlib.sha256(str(source).encode()).hexdigest()[:16]}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if remote:
            _download(str(source), part, progress)
        else:
            _copy(local, part, progress)
        _check(part, sha256, str(source))
        part.replace(folder / name)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise SoundError(f"{folder}: the disk is full; make room and try again") from error
        raise SoundError(f"{error.filename or folder}: {error.strerror or error}") from error
    _tag_file(part).unlink(missing_ok=True)
    return folder / name


def _is_font_file(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.is_file()


def _named(name: str, fonts: Sequence[InstalledFont]) -> InstalledFont:
    wanted = name.lower()
    exact = [font for font in fonts if font.name.lower() == wanted]
    for font in exact or [font for font in fonts if wanted in font.name.lower()]:
        return font
    names = ", ".join(font.name for font in fonts) or "none"
    raise SoundError(f"no SoundFont {name!r} is installed (there are: {names}); install it from a file or address")


def _choice_file(folder: Path) -> Path:
    return folder / "chosen.json"


def _read_choice(folder: Path) -> str:
    try:
        return str(json.loads(_choice_file(folder).read_text("utf-8"))["soundfont"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _fonts_in(folder: Path) -> Iterator[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    yield from (path for path in entries if _is_font_file(path))


def _is_avoided(font: InstalledFont) -> bool:
    return any(part in font.name.lower() for part in _AVOIDED)


def _preference(font: InstalledFont) -> tuple[bool, int, int]:
    name = font.name.lower()
    rank = next((number for number, part in enumerate(_PREFERRED) if part in name), len(_PREFERRED))
    return _is_avoided(font), rank, -font.size_bytes


def _copy(source: Path, part: Path, progress: BytesProgress | None) -> None:
    if not source.is_file():
        raise SoundError(f"{source}: no such file")
    total = source.stat().st_size
    _check_room(part.parent, total, str(source))
    with source.open("rb") as reader, part.open("wb") as writer:
        _pump(reader, writer, 0, total, progress)


def _pump(reader: BinaryIO, writer: BinaryIO, done: int, total: int, progress: BytesProgress | None) -> int:
    """Copies to the end, telling ``progress``; returns bytes in all."""
    while chunk := reader.read(_CHUNK_BYTES):
        writer.write(chunk)
        done += len(chunk)
        if done > MAX_BYTES:
            raise SoundError("the file is larger than a SoundFont can be (4 GB)")
        if progress is not None:
            progress(done, total)
    writer.flush()
    os.fsync(writer.fileno())
    return done


def _check_room(folder: Path, needed: int, source: str) -> None:
    if needed > MAX_BYTES:
        raise SoundError(f"{source}: larger than a SoundFont can be (4 GB)")
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise SoundError(f"{folder}: the disk is full, {needed >> 20} MB are needed and {free >> 20} MB free")


def _download(url: str, part: Path, progress: BytesProgress | None) -> None:
    """Fetches into ``part``, taking up what is there already, until it is whole."""
    problem = ""
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(_PAUSE_S * attempt)
        before = part.stat().st_size if part.exists() else 0
        try:
            if _fetch(url, part, progress):
                return
            problem = "the connection broke off"
        except urllib.error.HTTPError as error:
            if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and before:
                _forget(part)
                problem = "the server has another file now"
            elif error.code < 500:
                raise SoundError(f"{url}: {error.reason or 'refused'} (HTTP {error.code})") from error
            else:
                problem = f"HTTP {error.code}"
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
            reason = getattr(error, "reason", None) or error
            if isinstance(reason, OSError) and reason.errno in (errno.ENOSPC, errno.EDQUOT):
                raise reason from error
            problem = str(reason) or type(reason).__name__
        except ValueError as error:
            raise SoundError(f"{url}: not an address ({error})") from error
    raise SoundError(f"{url}: cannot be fetched ({problem}); run the command again to go on where it stopped")


def _fetch(url: str, part: Path, progress: BytesProgress | None) -> bool:
    """One connection. True when the file is whole."""
    done = part.stat().st_size if part.exists() else 0
    tag = _read_tag(part) if done else ""
    request = urllib.request.Request(url, headers={"User-Agent": "Tutti"})
    if done and tag:
        request.add_header("Range", f"bytes={done}-")
        request.add_header("If-Range", tag)
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
        resumed = response.status == http.client.PARTIAL_CONTENT
        if not resumed:
            done = 0
        length = response.headers.get("Content-Length")
        total = done + int(length) if length else 0
        _check_room(part.parent, total - done, url)
        _write_tag(part, response.headers.get("ETag") or response.headers.get("Last-Modified") or "")
        with part.open("ab" if resumed else "wb") as writer, contextlib.suppress(http.client.IncompleteRead):
            done = _pump(response, writer, done, total, progress)
    return part.stat().st_size == total if total else True


def _tag_file(part: Path) -> Path:
    return part.with_suffix(".json")


def _read_tag(part: Path) -> str:
    """What the server called the version of the file that ``part`` is the start of; empty if that is not known."""
    try:
        return str(json.loads(_tag_file(part).read_text("utf-8"))["tag"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _write_tag(part: Path, tag: str) -> None:
    _tag_file(part).write_text(json.dumps({"tag": tag}), "utf-8")


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _tag_file(part).unlink(missing_ok=True)


def _check(part: Path, sha256: str | None, source: str) -> None:
    """Refuses, and removes, a file that is not what was wanted."""
    try:
        if sha256 is not None:
            with part.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            if digest != sha256.strip().lower():
                raise SoundError(f"{source}: its checksum is {digest}, not the one given; do not trust this file")
        try:
            _read_through(part)
        except SoundError as error:
            raise SoundError(str(error).replace(str(part), source)) from error
    except SoundError:
        _forget(part)
        raise


def _read_through(path: Path) -> None:
    """Raises ``SoundError`` for a SoundFont whose presets or samples cannot be read."""
    font = SoundFont(path)
    if not font.presets:
        raise SoundError(f"{path}: a SoundFont without presets; choose another")
    samples = {zone.sample for preset in font.presets for zone in font.zones(preset)}
    if not samples:
        raise SoundError(f"{path}: a SoundFont without sounds; choose another")
    ordered = sorted(samples)
    for sample in ordered[:: max(1, len(ordered) // 16)] + ordered[-1:]:
        font.decode(sample)
