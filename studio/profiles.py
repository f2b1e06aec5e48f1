"""What is known of each person who conducts here, kept as one JSON file a person in the user's data folder.

A file is written whole or not at all. A broken one costs what was known, never a session: it is kept aside and the
person starts anew.
"""

import json
import logging
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from ..engine.conducting.follow_style import FollowStyle
from ..engine.conducting.profile import ConductorProfile
from ..engine.errors import ProfileError
from .inputs.calibration import SpaceMap
from .paths import profiles_folder

log = logging.getLogger(__name__)

VERSION = 1
MAX_BYTES = 1 << 20
_NAME = re.compile(r"\w[\w .'-]{0,39}")

Hand = Literal["right", "left"]


@dataclass(frozen=True, slots=True)
class PersonProfile:
    """One person: ``conductor`` is what the orchestra learned of the beat, ``style`` how it shall follow (None: as
    usual), ``hand`` holds the baton, ``spaces`` are calibrations by input (``osc``)."""

    conductor: ConductorProfile = field(default_factory=ConductorProfile)
    style: FollowStyle | None = None
    hand: Hand = "right"
    spaces: Mapping[str, SpaceMap] = field(default_factory=dict)

    def with_space(self, name: str, space: SpaceMap) -> "PersonProfile":
        """The person with an input calibrated anew."""
        return replace(self, spaces={**self.spaces, name: space})

    def to_dict(self) -> dict[str, Any]:
        """Plain values, fit for JSON; ``from_dict`` reads them."""
        return {
            "version": VERSION,
            "hand": self.hand,
            "follow": None if self.style is None else self.style.forgiveness,
            "spaces": {name: space.to_dict() for name, space in sorted(self.spaces.items())},
            "conductor": self.conductor.to_dict(),
        }

    @classmethod
    def from_dict(cls, values: object) -> "PersonProfile":
        """Raises ``ProfileError`` naming what is wrong with ``values``."""
        if not isinstance(values, Mapping):
            raise ProfileError("not a table of values")
        if values.get("version") != VERSION:
            raise ProfileError(f"version {values.get('version')!r}; this program reads version {VERSION}")
        hand, spaces = values.get("hand"), values.get("spaces", {})
        style = values.get("follow", values.get("style"))  # its name in files of before
        if hand not in ("right", "left"):
            raise ProfileError(f"hand: {hand!r}; it is right or left")
        if style is not None and (isinstance(style, bool) or not isinstance(style, int | float)):
            raise ProfileError(f"follow: {style!r} is not a number")
        if not isinstance(spaces, Mapping):
            raise ProfileError("spaces: not a table of values")
        return cls(
            conductor=ConductorProfile.from_dict(values.get("conductor")),
            style=None if style is None else FollowStyle(float(style)),
            hand=hand,
            spaces={str(name): SpaceMap.from_dict(space) for name, space in spaces.items()},
        )


def profile_path(name: str) -> Path:
    """The file of a person. Raises ``ProfileError`` for a name that cannot be a file's."""
    if not _NAME.fullmatch(name) or name.endswith((" ", ".")):
        raise ProfileError(f"profile {name[:60]!r}: use letters, digits, spaces, . ' - and _, at most 40")
    return profiles_folder() / f"{name}.json"


def read_profile(source: str | Path) -> PersonProfile:
    """The profile in a file, or of a person by name. Raises ``ProfileError`` where it is missing or broken."""
    path = Path(source)
    if path.suffix != ".json":
        path = profile_path(str(source))
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ProfileError(f"{path}: too large to be a profile")
        return PersonProfile.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        known = ", ".join(list_profiles()) or "none yet"
        raise ProfileError(f"no profile {str(source)!r}; there is {known}") from None
    except OSError as error:
        raise ProfileError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise ProfileError(f"{path}: not JSON ({str(error)[:80]})") from error
    except ProfileError as error:
        raise ProfileError(f"{path}: {error}") from error


def open_profile(name: str) -> PersonProfile:
    """A person's profile for a session: a new one where there is none; a broken one is kept aside, with one warning.

    Raises ``ProfileError`` for an impossible name.
    """
    path = profile_path(name)
    if not path.exists():
        return PersonProfile()
    try:
        return read_profile(path)
    except ProfileError as error:
        aside = path.with_suffix(".broken")
        try:
            path.replace(aside)
        except OSError as failure:
            log.warning("%s; it starts anew (and could not be kept aside: %s)", error, failure.strerror)
        else:
            log.warning("%s; kept as %s, the profile starts anew", error, aside.name)
        return PersonProfile()


def save_profile(name: str, profile: PersonProfile) -> Path:
    """Keep a person's profile; the file is replaced whole. Raises ``ProfileError`` where it cannot be written."""
    path = profile_path(name)
    text = json.dumps(profile.to_dict(), indent=1) + "\n"
    part: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, prefix=".", suffix=".part", delete=False, encoding="utf-8"
        ) as file:
            part = Path(file.name)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        if part is not None:
            part.unlink(missing_ok=True)
        raise ProfileError(f"{path}: cannot be written ({error.strerror}); nothing was changed") from error
    return path


def list_profiles() -> list[str]:
    """The people whose profiles are kept here."""
    return sorted(path.stem for path in profiles_folder().glob("*.json"))


def remove_profile(name: str) -> None:
    """Forget a person. Raises ``ProfileError`` where there is none of that name."""
    try:
        profile_path(name).unlink()
    except FileNotFoundError:
        raise ProfileError(f"no profile {name!r}; there is {', '.join(list_profiles()) or 'none yet'}") from None
    except OSError as error:
        raise ProfileError(f"profile {name!r} cannot be removed ({error.strerror})") from error
