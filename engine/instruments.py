"""The catalogue of instruments (``assets/instruments.toml``) as values."""

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

from ..assets import asset_path

Family = Literal["strings", "woodwind", "brass", "percussion", "keyboard", "plucked", "voice"]


@dataclass(frozen=True, slots=True)
class Instrument:
    """One instrument; fields as documented at the top of ``assets/instruments.toml``."""

    key: str
    name: str
    aliases: tuple[str, ...]
    family: Family
    model: str
    stance: Literal["seated", "standing"]
    range: tuple[int, int]
    section: int
    midi_program: int
    level_db: float


@cache
def catalogue() -> dict[str, Instrument]:
    """All instruments by key, in orchestral order of the file."""
    with asset_path("instruments.toml").open("rb") as file:
        tables = tomllib.load(file)
    result = {}
    for key, table in tables.items():
        assert table["family"] in get_args(Family), key
        result[key] = Instrument(
            key=key,
            name=table["name"],
            aliases=tuple(table["aliases"]),
            family=table["family"],
            model=table["model"],
            stance=table["stance"],
            range=(table["range"][0], table["range"][1]),
            section=table["section"],
            midi_program=table["midi_program"],
            level_db=table["level_db"],
        )
    return result
