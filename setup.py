"""Builds the page whenever the package is built: wheels, source archives and editable installs carry it.

Everything else is in ``pyproject.toml``.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import ClassVar

from setuptools import Command, setup
from setuptools.command.build import build
from setuptools.command.sdist import sdist
from setuptools.errors import ExecError

ROOT = Path(__file__).resolve().parent


def load_web_build() -> ModuleType:
    """``studio/web_build.py`` by its path: the package itself is not installed yet."""
    spec = importlib.util.spec_from_file_location("tutti_web_build", ROOT / "studio" / "web_build.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class BuildPage(Command):
    """Builds the page into the source tree, from where package data are taken."""

    description = "build the page (studio/web) with Node.js"
    user_options: ClassVar[list[tuple[str, str | None, str]]] = []
    editable_mode = False
    """Part of setuptools' protocol for sub-commands of ``build``."""

    def initialize_options(self) -> None: ...

    def finalize_options(self) -> None: ...

    def run(self) -> None:
        web_build = load_web_build()
        try:
            built = web_build.build_page()
        except web_build.WebBuildError as error:
            raise ExecError(str(error)) from None
        self.announce("the page was built" if built else "the page is up to date", level=2)

    def get_source_files(self) -> list[str]:
        return []

    def get_outputs(self) -> list[str]:
        return []

    def get_output_mapping(self) -> dict[str, str]:
        return {}


class Build(build):
    # Before build_py, which collects package data.
    sub_commands: ClassVar = [("build_page", None), *build.sub_commands]


class SourceArchive(sdist):
    def run(self) -> None:
        self.run_command("build_page")
        super().run()


setup(cmdclass={"build": Build, "build_page": BuildPage, "sdist": SourceArchive})
