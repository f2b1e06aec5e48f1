"""``tutti bench``: the repository's benchmarks by name. They live beside the packages and are not in the wheel."""

import ast
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ..engine.errors import TuttiError

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"


def available() -> dict[str, str]:
    """Names of the benchmarks and the first line of what each says of itself."""
    if not FOLDER.is_dir():
        raise TuttiError("the benchmarks are in the source repository, not in the installed package: clone it")
    found = {}
    for path in sorted(FOLDER.glob("*.py")):
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        if 'if __name__ == "__main__"' in path.read_text(encoding="utf-8"):
            found[path.stem.replace("_", "-")] = text.splitlines()[0] if text else ""
    return found


def run(name: str, arguments: Sequence[str]) -> int:
    """Run one benchmark in a process of its own; its exit status. Raises ``TuttiError`` for an unknown name."""
    key = name.replace("_", "-")
    if key not in available():
        raise TuttiError(f"no benchmark named {name}: there are {', '.join(available())}")
    path = FOLDER / f"{key.replace('-', '_')}.py"
    return subprocess.run([sys.executable, str(path), *arguments], check=False).returncode
