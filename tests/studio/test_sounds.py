import errno
import hashlib
import http.server
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from soundfont_writer import orchestra_font

from tutti.engine.errors import SoundError
from tutti.engine.sounds.soundfont import SoundFont
from tutti.studio import sounds
from tutti.studio.sounds import SYNTHESISED, choose, install, installed, soundfont_named


class Server(http.server.ThreadingHTTPServer):
    """Serves one file; breaks off after ``drop_after`` bytes as often as ``drops`` says."""

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        self.tag = '"one"'
        self.drops = 0
        self.drop_after = 20_000
        self.ranges = True
        self.requests: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/fonts/Small%20Font.sf2"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.requests.append(wanted)
        if not self.path.endswith(".sf2"):
            self.send_error(404)
            return
        start = 0
        fresh = self.headers.get("If-Range") == self.server.tag
        match = re.fullmatch(r"bytes=(\d+)-", wanted or "")
        if match and self.server.ranges and fresh:
            start = int(match[1])
            self.send_response(206)
        else:
            self.send_response(200)
        body = self.server.content[start:]
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", self.server.tag)
        self.end_headers()
        if self.server.drops:
            self.server.drops -= 1
            body = body[: self.server.drop_after]
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(sounds, "_PAUSE_S", 0.0)
    with Server(orchestra_font().content()) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_file_is_copied_and_readable(tmp_path: Path) -> None:
    source = orchestra_font().write(tmp_path / "my font.sf2")
    seen: list[tuple[int, int]] = []
    path = install(source, progress=lambda done, total: seen.append((done, total)), folder=tmp_path / "user")
    assert path == tmp_path / "user" / "my font.sf2"
    assert len(SoundFont(path).presets) == 2
    assert seen[-1] == (source.stat().st_size, source.stat().st_size)
    assert names(tmp_path / "user") == ["my font.sf2"]


def test_file_address(tmp_path: Path) -> None:
    source = orchestra_font().write(tmp_path / "my font.sf2")
    assert install(source.as_uri(), folder=tmp_path / "user").name == "my font.sf2"


def test_download(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    checksum = hashlib.sha256(server.content).hexdigest().upper()
    path = install(server.url, checksum, lambda done, total: seen.append((done, total)), tmp_path)
    assert path.name == "Small Font.sf2"
    assert path.read_bytes() == server.content
    assert seen[-1] == (len(server.content), len(server.content))
    assert names(tmp_path) == ["Small Font.sf2"]


def test_broken_connections_are_taken_up_where_they_stopped(server: Server, tmp_path: Path) -> None:
    server.drops = 3
    path = install(server.url, folder=tmp_path)
    assert path.read_bytes() == server.content
    assert server.requests == [None, "bytes=20000-", "bytes=40000-", "bytes=60000-"]


def test_later_call_goes_on_where_an_earlier_one_gave_up(server: Server, tmp_path: Path) -> None:
    server.drops, server.drop_after = 6, 5_000
    with pytest.raises(SoundError, match=r"connection broke off.*go on where it stopped"):
        install(server.url, folder=tmp_path)
    server.requests.clear()
    assert install(server.url, folder=tmp_path).read_bytes() == server.content
    assert server.requests == ["bytes=30000-"]


def test_server_without_ranges_starts_over(server: Server, tmp_path: Path) -> None:
    server.drops, server.ranges = 1, False
    assert install(server.url, folder=tmp_path).read_bytes() == server.content


def test_file_that_changed_on_the_server_is_not_spliced(server: Server, tmp_path: Path) -> None:
    server.drops, server.drop_after = 6, 5_000
    with pytest.raises(SoundError):
        install(server.url, folder=tmp_path)
    changed = orchestra_font()
    changed.samples[0].data = changed.samples[0].data * 0.5
    server.content, server.tag = changed.content(), '"two"'
    assert install(server.url, folder=tmp_path).read_bytes() == server.content


def test_missing_page(server: Server, tmp_path: Path) -> None:
    with pytest.raises(SoundError, match=r"Not Found \(HTTP 404\)"):
        install(server.url.replace(".sf2", "x.sf3"), folder=tmp_path)


def test_nobody_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sounds, "_PAUSE_S", 0.0)
    with pytest.raises(SoundError, match="cannot be fetched"):
        install("http://127.0.0.1:9/a.sf2", folder=tmp_path)


def test_wrong_checksum_leaves_nothing(server: Server, tmp_path: Path) -> None:
    with pytest.raises(SoundError, match="checksum"):
        install(server.url, "0" * 64, folder=tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize("keep", [0, 100, 60_000])
def test_broken_file_is_refused_and_the_installed_one_stays(tmp_path: Path, keep: int) -> None:
    source = orchestra_font().write(tmp_path / "a.sf2")
    folder = tmp_path / "user"
    before = install(source, folder=folder).read_bytes()
    source.write_bytes(source.read_bytes()[:keep])
    with pytest.raises(SoundError) as caught:
        install(source, folder=folder)
    assert str(source) in str(caught.value)
    assert ".part" not in str(caught.value)
    assert (folder / "a.sf2").read_bytes() == before
    assert names(folder) == ["a.sf2"]


def test_other_kinds_of_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SoundError, match=r"should end in \.sf2 or \.sf3"):
        install("https://example.org/font.zip", folder=tmp_path)
    with pytest.raises(SoundError, match="no such file"):
        install(tmp_path / "none.sf2", folder=tmp_path)


def test_disk_that_would_be_too_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = orchestra_font().write(tmp_path / "a.sf2")
    usage = sounds.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(sounds.shutil, "disk_usage", lambda folder: usage._replace(free=1000))
    with pytest.raises(SoundError, match="disk is full"):
        install(source, folder=tmp_path / "user")


def test_disk_that_fills_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = orchestra_font().write(tmp_path / "a.sf2")

    def full(*args: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sounds, "_pump", full)
    with pytest.raises(SoundError, match="the disk is full; make room"):
        install(source, folder=tmp_path / "user")


@pytest.fixture
def shelves(tmp_path: Path) -> tuple[Path, Path]:
    """A user's and a system folder of SoundFonts."""
    user, system = tmp_path / "user", tmp_path / "system"
    user.mkdir()
    system.mkdir()
    for folder, name in (
        (system, "TimGM6mb"),
        (system, "MuseScore_General_Full"),
        (user, "Mine"),
        (system, "FluidR3_GM"),
    ):
        orchestra_font().write(folder / f"{name}.sf2")
    (system / "default-GM.sf2").symlink_to(system / "FluidR3_GM.sf2")
    (system / "readme.txt").write_text("no font")
    return user, system


def test_installed_best_first_and_each_once(shelves: tuple[Path, Path]) -> None:
    user, system = shelves
    found = installed(user, [system, system / "missing"])
    assert [font.name for font in found] == ["MuseScore_General_Full", "FluidR3_GM", "Mine", "TimGM6mb"]
    assert [font.origin for font in found] == ["system", "system", "user", "system"]


def test_best_one_plays_unless_another_is_named(shelves: tuple[Path, Path], tmp_path: Path) -> None:
    user, system = shelves
    assert soundfont_named(None, user, [system]) == system / "MuseScore_General_Full.sf2"
    assert soundfont_named("mine", user, [system]) == user / "Mine.sf2"
    assert soundfont_named("fluid", user, [system]) == system / "FluidR3_GM.sf2"
    assert soundfont_named(str(user / "Mine.sf2"), user, []) == user / "Mine.sf2"
    with pytest.raises(SoundError, match="no SoundFont 'steinway' is installed"):
        soundfont_named("steinway", user, [system])
    assert soundfont_named(None, tmp_path, []) is None


def test_timgm6mb_plays_only_when_asked_for(tmp_path: Path) -> None:
    orchestra_font().write(tmp_path / "TimGM6mb.sf2")
    assert soundfont_named(None, tmp_path / "user", [tmp_path]) is None
    assert soundfont_named("TimGM6mb", tmp_path / "user", [tmp_path]) is not None


def test_choice_lasts(shelves: tuple[Path, Path]) -> None:
    user, system = shelves
    choose("mine", user, [system])
    assert soundfont_named(None, user, [system]) == user / "Mine.sf2"
    assert choose(SYNTHESISED, user, [system]) is None
    assert soundfont_named(None, user, [system]) is None
    assert choose(None, user, [system]) == system / "MuseScore_General_Full.sf2"
    choose("mine", user, [system])
    (user / "Mine.sf2").unlink()
    assert soundfont_named(None, user, [system]) == system / "MuseScore_General_Full.sf2"


def test_broken_font_cannot_be_chosen(shelves: tuple[Path, Path]) -> None:
    user, system = shelves
    (user / "Mine.sf2").write_bytes(b"RIFF")
    with pytest.raises(SoundError, match="not a whole SoundFont"):
        choose("mine", user, [system])
    assert soundfont_named(None, user, [system]) == system / "MuseScore_General_Full.sf2"
