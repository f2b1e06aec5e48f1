"""Which preset of a SoundFont plays what (``assets/sounds.toml``)."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, Literal, get_args

from ...assets import asset_path
from ..types import Articulation
from .soundfont import Preset

_DRUM_BANK = 128


@dataclass(frozen=True, slots=True)
class PresetChoice:
    """One entry of ``assets/sounds.toml``; the fields are described at its top."""

    names: tuple[str, ...]
    program: int | None = None
    bank: int = 0
    layer: Literal["main", "attack"] = "main"
    partials: int = 8
    level_db: float = 0.0
    balance: Literal["zone", "patch"] = "zone"
    keys: tuple[int, int] = (0, 127)
    loop_s: float = 3.0

    def find(self, presets: Sequence[Preset]) -> Preset | None:
        """The preset to take, by name first and then by General MIDI number; None where there is none."""
        for pattern in self.names:
            for preset in presets:
                if fnmatchcase(preset.name.lower(), pattern.lower()) and (preset.bank == _DRUM_BANK) == self._is_kit:
                    return preset
        if self.program is None:
            return None
        numbered = [preset for preset in presets if (preset.bank, preset.program) == (self.bank, self.program)]
        if not numbered and self._is_kit:
            numbered = [preset for preset in presets if preset.bank == _DRUM_BANK]
        return numbered[0] if numbered else None

    @property
    def _is_kit(self) -> bool:
        return self.bank == _DRUM_BANK


@cache
def preset_map() -> Mapping[tuple[str, Articulation], tuple[PresetChoice, ...]]:
    """All entries by patch name (an instrument's key, with or without ``.section``) and articulation.

    Several choices for one patch share its range of pitches out among them.
    """
    with asset_path("sounds.toml").open("rb") as file:
        tables = tomllib.load(file)
    result: dict[tuple[str, Articulation], tuple[PresetChoice, ...]] = {}
    for name, entries in tables.items():
        for articulation in get_args(Articulation):
            if articulation in entries:
                found = entries[articulation]
                result[name, articulation] = tuple(map(_choice, found if isinstance(found, list) else [found]))
        assert not entries.keys() - set(get_args(Articulation)), name
    return result


def _choice(entry: Mapping[str, Any]) -> PresetChoice:
    tuples = {name: tuple(entry[name]) for name in ("names", "keys") if name in entry}
    return PresetChoice(**(dict(entry) | tuples))
