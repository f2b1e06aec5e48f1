"""The page's own tests and types, run by its own tools, so that `make test` covers them."""

import os
import subprocess
from pathlib import Path

import pytest

from tutti.studio import web_build

WEB = web_build.WEB


@pytest.fixture(scope="module")
def tools() -> web_build.NodeTools:
    tools = web_build.find_node()
    web_build.install_packages(tools, development=True)
    return tools


def run(tools: web_build.NodeTools, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": os.pathsep.join([tools.folder, os.environ.get("PATH", "")]), "NO_COLOR": "1"}
    command = [tools.node, str(WEB / "node_modules" / Path(script)), *arguments]
    return subprocess.run(command, cwd=WEB, env=environment, capture_output=True, text=True, timeout=150)


def test_unit_tests(tools: web_build.NodeTools) -> None:
    """Protocol vectors, sample ring, clock, concert state, motion."""
    done = run(tools, "vitest/vitest.mjs", "run")
    assert done.returncode == 0, done.stdout + done.stderr


def test_types(tools: web_build.NodeTools) -> None:
    done = run(tools, "typescript/bin/tsc", "--noEmit")
    assert done.returncode == 0, done.stdout
