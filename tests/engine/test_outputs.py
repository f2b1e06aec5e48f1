"""Places where results go are tried before the work; what is no file needs no folder that can be written to."""

import os
from pathlib import Path

import pytest

from tutti.engine import outputs
from tutti.engine.errors import OutputError


def test_what_is_written_to_need_not_be_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(folder: Path) -> None:
        raise OutputError(f"{folder}: cannot be written to")

    monkeypatch.setattr(outputs, "check_folder", full)
    outputs.check_file(Path(os.devnull))
    with pytest.raises(OutputError):
        outputs.check_file(Path("not-there.mid"))


def test_trying_a_place_leaves_nothing_there(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    for folder in (tmp_path / "new", tmp_path / "new" / "inner", tmp_path / "there" / "new", tmp_path / "there"):
        outputs.check_file(folder / "x.mid")
        outputs.check_folder(folder)
    assert sorted(tmp_path.rglob("*")) == [tmp_path / "there"]
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="a file is where the folder should be"):
        outputs.check_folder(tmp_path / "file" / "x" / "y")
    outputs.make_folder(tmp_path / "new" / "inner")
    assert (tmp_path / "new" / "inner").is_dir()


def test_trying_a_place_changes_no_file(tmp_path: Path) -> None:
    (tmp_path / "kept.mid").write_bytes(b"MThd")
    outputs.check_file(tmp_path / "kept.mid")
    assert (tmp_path / "kept.mid").read_bytes() == b"MThd"
