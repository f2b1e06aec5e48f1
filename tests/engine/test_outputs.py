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


def test_trying_a_place_leaves_its_folder_and_nothing_in_it(tmp_path: Path) -> None:
    outputs.check_file(tmp_path / "made" / "x.mid")
    assert list((tmp_path / "made").iterdir()) == []
    (tmp_path / "kept.mid").write_bytes(b"MThd")
    outputs.check_file(tmp_path / "kept.mid")
    assert (tmp_path / "kept.mid").read_bytes() == b"MThd"
