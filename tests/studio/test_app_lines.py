"""Lines of the studio that people copy into a terminal."""

from pathlib import Path

import pytest

from tutti.studio.app import quoted


@pytest.mark.parametrize(
    ("path", "windows", "line"),
    [
        (Path("a b.mcap"), True, '"a b.mcap"'),
        (Path("a b.mcap"), False, "'a b.mcap'"),
        (Path("plain.mcap"), True, "plain.mcap"),
        (Path("plain.mcap"), False, "plain.mcap"),
    ],
)
def test_a_path_is_quoted_as_its_terminal_takes_it(path: Path, windows: bool, line: str) -> None:
    assert quoted(path, windows) == line
