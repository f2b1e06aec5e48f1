import logging
from pathlib import Path

import numpy as np
import pytest

from tutti.engine.sounds.sample_cache import read_sample, write_sample
from tutti.engine.sounds.sound_set import Sample


def some_sample() -> Sample:
    data = np.random.default_rng(0).standard_normal(200_000).astype(np.float32)
    return Sample(data, 44100.0, 68.81, 50_000, 150_000, -17.5, 3.5)


def test_sample_comes_back_mapped(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.sample"
    sample = some_sample()
    write_sample(path, sample)
    read = read_sample(path)
    assert read is not None
    assert np.array_equal(read.data, sample.data)
    assert not read.data.flags.writeable
    assert read.data.flags.c_contiguous
    for name in ("rate_hz", "root_pitch", "loop_start", "loop_end", "level_db", "vibrato_cents"):
        assert getattr(read, name) == getattr(sample, name)
    assert [entry.name for entry in path.parent.iterdir()] == ["a.sample"]


def test_missing_file_is_no_news(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert read_sample(tmp_path / "none.sample") is None
    assert not caplog.records


@pytest.mark.parametrize("keep", [0, 7, 16, 40, 200, 4096, 400_000, -4, -1])
def test_cut_file_is_taken_for_missing(tmp_path: Path, keep: int, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "a.sample"
    write_sample(path, some_sample())
    path.write_bytes(path.read_bytes()[:keep])
    with caplog.at_level(logging.WARNING):
        assert read_sample(path) is None
    assert "damaged sound cache" in caplog.text


@pytest.mark.parametrize(("place", "length"), [(4, 1), (20, 3), (200, 100_000), (795_000, 5_000)])
def test_zeroed_stretch_is_noticed(tmp_path: Path, place: int, length: int) -> None:
    path = tmp_path / "a.sample"
    write_sample(path, some_sample())
    content = bytearray(path.read_bytes())
    content[place : place + length] = bytes(length)
    path.write_bytes(content)
    assert read_sample(path) is None


def test_failed_write_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_sample(tmp_path / "a.sample", some_sample())
    assert not list(tmp_path.iterdir())
