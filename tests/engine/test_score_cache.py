"""Compiled scores on disk."""

import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
from score_samples import attributes, dynamic, metronome, note, score, words, write

from tutti.engine.errors import ScoreError
from tutti.engine.notation import score_cache
from tutti.engine.notation.score_cache import open_score, pack_score, unpack_score
from tutti.engine.notation.score_reader import read_score
from tutti.engine.score import Score


@pytest.fixture
def sample(tmp_path):
    held = note("C4", 48, notations="<fermata/>")
    opening = attributes() + metronome("quarter", 90) + words("Andante") + dynamic("p") + note("C4", 48)
    return write(tmp_path, score(("Violin", [opening, held])))


def same(first: Score, second: Score) -> bool:
    arrays = ("notes", "measures", "beats", "tempos", "fermatas")
    plain = ("title", "composer", "sha256", "parts", "rehearsal", "markings")
    return all(np.array_equal(getattr(first, name), getattr(second, name)) for name in arrays) and all(
        getattr(first, name) == getattr(second, name) for name in plain
    )


def test_what_is_kept_is_what_was_read(sample, tmp_path):
    compiled = read_score(sample)
    assert same(unpack_score(pack_score(compiled)), compiled)
    assert compiled.title == ""
    compiled = replace(compiled, title=sample.stem)  # a score without a title is called as its file is
    assert same(open_score(sample, tmp_path / "cache"), compiled)
    assert same(open_score(sample, tmp_path / "cache"), compiled)


def test_reopening_does_not_read_the_score_again(sample, tmp_path, monkeypatch):
    open_score(sample, tmp_path / "cache")
    monkeypatch.setitem(sys.modules, "tutti.engine.notation.score_reader", None)  # importing it would fail
    reopened = open_score(sample, tmp_path / "cache")
    with pytest.raises(ValueError, match="read-only"):
        reopened.notes["pitch"] = 0


def test_reopening_imports_neither_music21_nor_scipy(sample, tmp_path):
    open_score(sample, tmp_path / "cache")
    code = (
        "import sys; from pathlib import Path; from tutti.engine.notation.score_cache import open_score;"
        f"open_score({str(sample)!r}, Path({str(tmp_path / 'cache')!r}));"
        "print([name for name in ('music21', 'scipy', 'numba', 'mido') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "garbage"])
def test_a_damaged_entry_is_rebuilt_with_a_line(sample, tmp_path, caplog, damage):
    folder = tmp_path / "cache"
    compiled = open_score(sample, folder)
    (entry,) = folder.glob("*.score")
    data = entry.read_bytes()
    middle = len(data) // 3
    entry.write_bytes(
        {
            "empty": b"",
            "cut": data[: len(data) // 2],
            "flipped": data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :],
            "garbage": b"not an archive" * 50,
        }[damage]
    )
    assert same(open_score(sample, folder), compiled)
    assert "read anew" in caplog.text
    caplog.clear()
    assert same(open_score(sample, folder), compiled)
    assert not caplog.text


def test_a_changed_file_is_read_again(sample, tmp_path):
    folder = tmp_path / "cache"
    assert open_score(sample, folder).notes["pitch"].tolist() == [60, 60]
    sample.write_text(sample.read_text().replace("<step>C", "<step>D"))
    assert open_score(sample, folder).notes["pitch"].tolist() == [62, 62]
    assert len(list(folder.glob("*.score"))) == 2


def test_a_newer_compiler_does_not_meet_old_entries(sample, tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    open_score(sample, folder)
    monkeypatch.setattr(score_cache, "COMPILER_VERSION", 10_000)
    open_score(sample, folder)
    assert len(list(folder.glob("*.score"))) == 2


def test_a_full_disk_is_done_without(sample, tmp_path, monkeypatch, caplog):
    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(score_cache.tempfile, "mkstemp", full)
    assert len(open_score(sample, tmp_path / "cache").notes) == 2
    assert "No space left" in caplog.text


def test_nothing_half_written_stays(sample, tmp_path, monkeypatch, caplog):
    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(score_cache.Path, "replace", full)
    open_score(sample, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_cache_folder_that_is_a_file_is_done_without(sample, tmp_path, caplog):
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert len(open_score(sample, blocked).notes) == 2
    assert "read again next time" in caplog.text


def test_many_openers_at_once(sample, tmp_path):
    results: list[Score] = []
    threads = [threading.Thread(target=lambda: results.append(open_score(sample, tmp_path / "c"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4 and all(same(result, results[0]) for result in results)


def test_unpacking_nonsense_is_a_score_error():
    with pytest.raises(ScoreError, match="damaged"):
        unpack_score(b"nonsense")


def test_every_flipped_byte_is_noticed(sample):
    data = pack_score(read_score(sample))
    for place in range(0, len(data), 97):
        with pytest.raises(ScoreError, match="damaged"):
            unpack_score(data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :])


def test_old_entries_are_pruned(sample, tmp_path, monkeypatch):
    monkeypatch.setattr(score_cache, "_MAX_ENTRIES", 2)
    folder = tmp_path / "cache"
    folder.mkdir()
    for index in range(5):
        (folder / f"{index}.score").write_bytes(b"")
    open_score(sample, folder)
    assert len(list(folder.glob("*.score"))) == 2
