"""What cannot be is refused in one line, before anything is read, performed or opened."""

import io
import logging
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console

from tutti.engine import processes
from tutti.engine.errors import InputError
from tutti.studio import cli
from tutti.studio.commands import options
from tutti.studio.profiles import list_profiles, read_profile
from tutti.studio.sounds import InstalledFont

PIECE = "bach/bwv66.6"
HARMONISE = ("part", "harmonise", PIECE, "-o", "{out}/x.mid", "--parts", "soprano")
RENDER = ("render", PIECE, "--take", "{take}", "-o", "{out}/results")
PLAY = ("play", PIECE, "--audio", "none", "--no-record")
TRAIN = ("train", "{folder}")

Refused = Callable[..., str]


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Refused:
    """Runs a command line that shall fail; the only line on its stderr."""
    take = tmp_path / "take.csv"
    rows = "".join(f"{0.02 * n},baton,0,{1 + 0.01 * (n % 9)},0,,,,,1\n" for n in range(50))
    take.write_text("time_s,device,x_m,y_m,z_m,qw,qx,qy,qz,valid\n" + rows)
    (tmp_path / "folder").mkdir()
    for name in ("file", "junk.sf2", "junk.sofa", "junk.safetensors"):
        (tmp_path / name).write_bytes(bytes(range(256)) * 20)
    (tmp_path / "score.mid").write_bytes(b"MThd")
    places = {"take": take, "out": tmp_path, "folder": tmp_path / "folder", "file": tmp_path / "file"}

    def run(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["tutti", *(word.format(**places) for word in words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 1
        said = capsys.readouterr().err.splitlines()
        assert len(said) == 1 and said[0].startswith("tutti: "), said
        return said[0]

    return run


@pytest.fixture
def taken_port() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield str(server.getsockname()[1])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((*RENDER, "--sounds", "nosuch"), "no SoundFont 'nosuch'"),
        ((*RENDER, "--style", "strict"), "how the orchestra follows is --follow"),
        ((*RENDER, "--follow", "2"), "--follow '2': say strict, balanced, forgiving"),
        ((*RENDER, "--sounds", "{out}/junk.sf2"), "not a whole SoundFont"),
        ((*RENDER, "--hrtf", "nosuch"), "no such file; name a SOFA file"),
        ((*RENDER, "--hrtf", "{folder}"), "is a folder; name a SOFA file"),
        ((*RENDER, "--hrtf", "{out}/junk.sofa"), "not a SOFA file"),
        ((*RENDER, "--head-radius-cm", "nan"), "nan cm"),
        ((*RENDER, "--format", "nosuch"), "no format named nosuch"),
        ((*RENDER, "--tuning", "nosuch:H"), "tradition 'nosuch:H' is not known"),
        ((*RENDER, "--tuning", "maqam-rast:H"), "no note 'H' to begin on"),
        (("render", PIECE, "--take", "{take}", "-o", "{file}"), "a file is where the folder should be"),
        (("render", PIECE, "--take", "{take}", "-o", "{file}/x"), "a file is where the folder should be"),
        (("concert", "-o", "{out}/o", "--sounds", "nosuch"), "no SoundFont 'nosuch'"),
        (("export", "{file}", "-o", "{out}/o"), "not a session of Tutti"),
        (("take", PIECE, "--timings", "{file}", "-o", "{folder}"), "is a folder; name a file in it"),
        (("seats", PIECE, "-o", "{out}/x.xml"), "a saved seating is a .json file"),
        (("seats", PIECE, "-o", "{file}/x.json"), "a file is where the folder should be"),
        ((*RENDER, "--solo", "soprano", "--lead", "3"), "--lead '3': say conductor, shared, soloist"),
        ((*HARMONISE, "--weights", "{file}"), "its manifest file.json is not beside it"),
        ((*HARMONISE, "--density", "nan"), "density: nan"),
        ((*HARMONISE, "--density", "-1"), "density: -1"),
        ((*HARMONISE, "--register", "5"), "register: 5"),
        ((*HARMONISE, "--style", "nosuch"), "no style named 'nosuch'"),
        ((*HARMONISE, "--report", "{file}"), "a file is where the folder should be"),
        ((*HARMONISE, "--wav", "{file}/x"), "a file is where the folder should be"),
        (("part", "compare", PIECE, "-o", "{file}"), "a file is where the folder should be"),
        (("part", "compare", PIECE, "-o", "{out}/o", "--weights", "lstm=nosuch"), "nosuch: no such file"),
        (("part", "explain", PIECE, "--report", "{file}"), "a file is where the folder should be"),
        (("part", "by-rules", PIECE, "-o", "{file}/x.mid"), "a file is where the folder should be"),
        ((*TRAIN, "-o", "{folder}"), "is a folder; name a file in it"),
        ((*TRAIN, "--device", "nosuch"), "no device 'nosuch'"),
        ((*TRAIN, "--width", "33"), "a multiple of 8, like 32"),
        (("train", "{out}/score.mid"), "is a score; name the folder"),
        (("train", "{folder}", "{file}"), "is no JSON file; name the folder"),
        (("train-gesture", "-o", "{folder}", "--lessons", "1"), "is a folder; name a file in it"),
        ((*PLAY, "--sounds", "{out}/junk.sf2"), "not a whole SoundFont"),
        ((*PLAY, "--input", "osc"), "input 'osc' is not open"),
        ((*PLAY, "--instrument", "kazoo"), "no instrument is called 'kazoo'"),
        ((*PLAY, "--host", "203.0.113.7"), "cannot serve at 203.0.113.7"),
        ((*PLAY, "--ai-turns", "2"), "name some with --ai-parts"),
        ((*PLAY, "--seated"), "say --vr, too"),
        ((*PLAY, "--style", "baroque"), "--style is the musical style of AI parts"),
        ((*PLAY, "--port", "0", "--ai-parts", "nosuch"), "its parts are: Soprano"),
        ((*PLAY, "--port", "0", "--on-cue", "nosuch"), "the sections are sopranos, altos"),
        (("jam", "--audio", "none", "--mood", "nosuch"), "no mood named 'nosuch'"),
        (("replay", "nosuch.mcap"), "cannot be read"),
        (("learner", "show", "nosuch"), "no feedback by 'nosuch'"),
        ((*RENDER, "--learner", "anna"), "--learner is for AI parts: name some with --ai-parts"),
        ((*PLAY, "--learner", "anna"), "--learner is for AI parts: name some with --ai-parts"),
    ],
)
def test_it_is_refused_at_once(refused: Refused, words: tuple[str, ...], says: str) -> None:
    assert says in refused(*words)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("render", "nosuch.mid", "--take", "{take}", "-o", "{out}/o"), "nosuch.mid"),
        (("export", "{file}", "-o", "{out}/o"), "not a session of Tutti"),
        (("concert", "-o", "{out}/o", "--sounds", "nosuch"), "no SoundFont 'nosuch'"),
        (("part", "harmonise", "nosuch.mid", "-o", "{out}/x.mid"), "nosuch.mid"),
        (("part", "harmonise", PIECE, "--parts", "nosuch", "-o", "{out}/x.mid"), "nosuch"),
        (("part", "compare", "nosuch.mid", "-o", "{out}/o"), "nosuch.mid"),
        (("sounds", "install", "{out}/nosuch.sf2"), "nosuch.sf2"),
        (("train", "--from-feedback", "nosuch"), "liked nothing yet"),
    ],
)
def test_no_bar_of_what_never_began_is_shown(refused: Refused, words: tuple[str, ...], says: str) -> None:
    """A bar at 0 % stood over the reason why nothing would be written."""
    assert says in refused(*words)


@pytest.mark.parametrize(
    "words",
    [
        ("take", "{out}/own.musicxml", "-o", "{out}/own.musicxml"),
        ("take", PIECE, "--timings", "{out}/own.csv", "-o", "{folder}/../own.csv"),
        ("seats", "{out}/own.json", "-o", "{out}/own.json"),
        ("render", "{folder}/performance.musicxml", "--take", "{take}", "-o", "{folder}"),
        ("render", PIECE, "--take", "{folder}/beats.csv", "-o", "{out}/./folder"),
        (*RENDER[:-1], "{folder}", "--solo", "soprano", "--performer", "{folder}/session.mcap"),
    ],
)
def test_nothing_is_written_over_what_is_read(refused: Refused, words: tuple[str, ...], tmp_path: Path) -> None:
    """``tutti take SCORE -o SCORE`` left a take where the score had been."""
    own = [tmp_path / name for name in ("own.musicxml", "own.csv", "own.json")]
    own += [tmp_path / "folder" / name for name in ("performance.musicxml", "beats.csv", "session.mcap")]
    for path in own:
        path.write_text("mine")
    assert "is read here, and would be written over" in refused(*words)
    assert {path.read_text() for path in own} == {"mine"}


def test_one_is_one() -> None:
    assert [options.counted(number, "player") for number in (0, 1, 2)] == ["0 players", "1 player", "2 players"]
    assert options.told({"pairs": 1.0, "nats_before": 0.45333, "rules": {"notes": 3}}) == "pairs 1, nats before 0.4533"


def test_bars_of_what_was_done_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(options, "Console", lambda **_kind: Console(file=shown, width=100))
    with pytest.raises(InputError), options.progress_bars() as bars:
        bars.update(bars.add_task("Performing", total=1), completed=1)
        bars.add_task("Rendering the sound", total=1)
        raise InputError("the disk is full")
    assert "Performing" in shown.getvalue() and "Rendering" not in shown.getvalue()


def test_ctrl_c_is_told_in_a_line_from_the_beginning() -> None:
    """While the program was still being loaded it ended in a traceback."""
    for module in ("tutti.studio.cli", "tutti.engine.processes", "rich.console", "tutti.models.craft.rules"):
        code = (
            "import os, signal, sys\n"
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "class Finder:\n"
            "    def find_spec(self, name, path=None, target=None):\n"
            f"        if name == {module!r}:\n"
            "            os.kill(os.getpid(), signal.SIGINT)\n"
            "sys.meta_path.insert(0, Finder())\n"
            "sys.argv = ['tutti', 'part', 'rules']\n"
            "from tutti.studio.__main__ import main\n"
            "main()\n"
        )
        ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
        assert ended.stderr.splitlines() == ["tutti: stopped"], module
        assert ended.returncode and not ended.stdout


def test_a_session_that_is_nothing_without_its_page_needs_its_port(refused: Refused, taken_port: str) -> None:
    assert "something else does; choose another --port" in refused(*PLAY, "--port", taken_port)


def test_a_name_with_several_addresses_needs_its_port_at_each(
    refused: Refused, taken_port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def both(_host: str, port: int, **_kind: int) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in ("127.0.0.2", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    assert "something else does" in refused(*PLAY, "--host", "localhost", "--port", taken_port)


def test_a_port_for_osc_that_is_taken_is_told_before_the_studio_opens(refused: Refused) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        assert "choose another with --osc" in refused(*PLAY, "--port", "0", "--osc", str(taken.getsockname()[1]))


def test_ctrl_c_is_told_in_a_line(refused: Refused, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupted(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    for name in ("XDG_DATA_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setattr("tutti.studio.inputs.calibrating.learn_osc_space", interrupted)
    assert refused("calibrate", "--profile", "anna", "--osc", "9000") == "tutti: stopped"
    assert list_profiles() == []
    assert refused("calibrate", "--profile", "anna", "--osc", "9000", "--hand", "left") == "tutti: stopped"
    assert read_profile("anna").hand == "left", "what needs no device is kept"


def test_help_is_in_groups(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for words, groups in (
        (("--help",), ("Play", "Perform and keep", "This house", "For developers", "AI parts")),
        (("play", "--help"), ("Who conducts", "The page", "Hall and sound", "AI parts", "Playing along")),
    ):
        monkeypatch.setattr(sys, "argv", ["tutti", *words])
        with pytest.raises(SystemExit):
            cli.main()
        text = capsys.readouterr().out
        assert all(f"─ {group} ─" in text for group in groups)


@pytest.mark.parametrize(
    ("name", "level", "told"),
    [
        ("tutti.studio.app", logging.WARNING, True),
        ("matplotlib.font_manager", logging.WARNING, False),
        ("root", logging.ERROR, False),
        ("asyncio", logging.ERROR, True),
    ],
)
def test_people_are_told_what_we_say_and_what_breaks(name: str, level: int, told: bool) -> None:
    record = logging.LogRecord(name, level, __file__, 1, "findfont: Font family not found", (), None)
    assert processes._is_for_people(record) is told


def test_why_no_soundfont_plays_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    font = InstalledFont("a", tmp_path / "a.sf2", 1000, "user")
    for fonts, told in (([font], "(chosen; tutti sounds choose"), ([], "(no SoundFont is installed)")):
        monkeypatch.setattr("tutti.studio.sounds.installed", lambda fonts=fonts: fonts)
        monkeypatch.setattr("tutti.studio.sounds.soundfont_named", lambda: None)
        monkeypatch.setattr(sys, "argv", ["tutti", "sounds", "list"])
        with pytest.raises(SystemExit):
            cli.main()
        assert told in capsys.readouterr().out
