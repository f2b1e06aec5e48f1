"""Scales, tunings and metres of many cultures as values, read from ``assets/traditions`` (fields as told in its first
file). Each file names whose music it is and where the facts come from."""

import itertools
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from ...assets import asset_path
from ...engine.errors import ModelError
from ...engine.intonation import LARGEST_CENTS, Intonation
from ...engine.notation.meter import PlayedMeasure, conductor_beats
from ...engine.types import ScoreNote
from .scales import Scale

_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ACCIDENTALS = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}


@dataclass(frozen=True, slots=True)
class Metre:
    """A metre: ``numerator`` units of a ``denominator``-th, beaten in ``groups`` of units.

    ``timeline`` tells for each pulse of the bar whether the bell, the drum or the hand strikes; empty where there is no
    pattern. The pulses divide the bar evenly.
    """

    numerator: int
    denominator: int
    groups: tuple[int, ...]
    timeline: tuple[bool, ...] = ()

    @property
    def bar_quarters(self) -> float:
        """Length of a bar."""
        return 4.0 * self.numerator / self.denominator

    def measures(self, bars: int, quarter_bpm: float) -> list[PlayedMeasure]:
        """Bars of it, for ``engine.notation.meter``."""
        length = self.bar_quarters
        return [
            PlayedMeasure(
                bar * length, length, self.numerator, self.denominator, self.groups, quarter_bpm, 0.0, pickup=False
            )
            for bar in range(bars)
        ]

    def conductor_beats(self, bars: int, quarter_bpm: float) -> np.ndarray:
        """What a conductor beats (``score.BEAT_DTYPE``): uneven beats where the groups are."""
        return conductor_beats(self.measures(bars, quarter_bpm))


@dataclass(frozen=True, slots=True)
class Tradition:
    """A scale, a metre, or both.

    ``ascending`` and ``descending`` are written semitones above the tonic (empty for a metre alone), ``cents`` where
    such a semitone truly lies above the written tonic, and ``notes`` the important degrees by their own names.
    ``tonic`` is the pitch class where it is usually written.
    """

    key: str
    name: str
    culture: str
    about: str
    sources: tuple[str, ...]
    tonic: int
    ascending: tuple[int, ...]
    descending: tuple[int, ...]
    cents: Mapping[int, float]
    notes: Mapping[str, int]
    metre: Metre | None

    @property
    def has_scale(self) -> bool:
        return bool(self.ascending)

    @property
    def is_microtonal(self) -> bool:
        """It has notes more than 15 cents off the twelve of the piano: more than pure fifths make."""
        return any(abs(place - 100.0 * semitone) > 15.0 for semitone, place in self.cents.items())

    def scale(self, tonic: int | None = None) -> Scale:
        """The scale on this pitch class. Raises ``ModelError`` where the tradition is a metre alone."""
        if not self.has_scale:
            raise ModelError(f"tradition {self.key}: it is a metre and has no scale")
        return Scale.of(self.tonic if tonic is None else tonic, self.ascending, self.descending)

    def tuning(self, tonic: int | None = None, parts: Iterable[int] | None = None) -> Intonation:
        """How an orchestra, or some of its parts, is tuned for it on this tonic.

        Raises ``ModelError`` where the tradition is a metre alone.
        """
        root = self.scale(tonic).tonic
        cents = [0.0] * 12
        for semitone, place in self.cents.items():
            cents[(root + semitone) % 12] = place - 100.0 * semitone
        return Intonation(tuple(cents), None if parts is None else frozenset(parts))


def out_of_scale(notes: Sequence[ScoreNote], scale: Scale) -> list[ScoreNote]:
    """The notes that do not belong to a scale, given in whatever order.

    In each part a note is judged by how it is reached: from below by the ascending scale, from above by the descending
    one, after a chord from the chord's nearest note; repeated and first ones may be of either.
    """
    strangers: list[ScoreNote] = []
    before: dict[int, list[int]] = {}
    by_place = sorted(notes, key=lambda note: (note.part, note.onset_quarter, note.pitch))
    for (part, _), chord in itertools.groupby(by_place, key=lambda note: (note.part, note.onset_quarter)):
        together = list(chord)
        for note in together:
            nearest = min(before.get(part, []), key=lambda pitch: abs(pitch - note.pitch), default=None)
            if note.pitch % 12 not in _reachable(scale, nearest, note.pitch):
                strangers.append(note)
        before[part] = [note.pitch for note in together]
    return strangers


def _reachable(scale: Scale, before: int | None, pitch: int) -> frozenset[int]:
    if before is None or before == pitch:
        return scale.pitch_classes
    return scale.ascending if pitch > before else scale.descending


@cache
def traditions() -> Mapping[str, Tradition]:
    """All traditions by key, in the order of the files. Raises ``ModelError`` where a file is wrong."""
    found: dict[str, Tradition] = {}
    for path in sorted(asset_path("traditions").glob("*.toml")):
        for tradition in read_traditions(path):
            if tradition.key in found:
                raise ModelError(f"{path}: tradition {tradition.key} is there twice; rename one")
            found[tradition.key] = tradition
    return MappingProxyType(found)


def tradition(name: str) -> Tradition:
    """A tradition by its key, on its usual tonic or another: ``maqam-rast`` or ``maqam-rast:D``.

    The first one of a file of one's own is named by the file: ``my_scale.toml``, ``my_scale.toml:D``. Raises
    ``ModelError`` for an unknown key or note, and for a file that is wrong.
    """
    key, _, tonic = name.rpartition(":") if re.search(r":[A-Ga-g][#♯b♭]?$", name) else (name, "", "")
    known = traditions()
    before, _, note = name.rpartition(":")
    if not tonic and (before in known or before.endswith(".toml")):
        raise ModelError(
            f"tradition {name!r}: no note {note!r} to begin on; say A to G, like {before}:D or {before}:Bb"
        )
    if key.endswith(".toml"):
        own = read_traditions(Path(key))
        if not own:
            raise ModelError(f"{key}: there is no [[tradition]] in it; see assets/traditions/china.toml")
        return replace(own[0], tonic=pitch_class(tonic)) if tonic else own[0]
    if key not in known:
        raise ModelError(f"tradition {key!r} is not known; tutti part traditions lists {len(known)} of them")
    return replace(known[key], tonic=pitch_class(tonic)) if tonic else known[key]


def pitch_class(name: str) -> int:
    """0–11 of a note name such as ``F#`` or ``Bb``. Raises ``ModelError``."""
    match = re.fullmatch(r"([A-Ga-g])([#♯b♭]?)", name.strip())
    if match is None:
        raise ModelError(f"{name!r} is not the name of a note, such as D, F# or Bb")
    return (_LETTERS[match[1].upper()] + _ACCIDENTALS[match[2]]) % 12


def read_traditions(path: Path) -> list[Tradition]:
    """The traditions of one file. Raises ``ModelError`` that says which entry is wrong."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ModelError(f"{path}: cannot be read as traditions ({error})") from error
    result = []
    tables = data.get("tradition", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ModelError(f"{path}: each tradition begins with [[tradition]]; see assets/traditions/china.toml")
    for index, table in enumerate(tables):
        where = f"{path}: tradition {table.get('key', index + 1)}"
        try:
            result.append(_tradition(table, str(data["culture"]), tuple(data["sources"]), where))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{where}: wrong or missing field ({error}); see assets/traditions/china.toml") from error
    return result


def _tradition(table: Mapping[str, Any], culture: str, sources: tuple[str, ...], where: str) -> Tradition:
    up = tuple(int(step) for step in table.get("up", ()))
    down = tuple(int(step) for step in table.get("down", up))
    cents = {int(step): float(place) for step, place in table.get("cents", {}).items()}
    if not up and "metre" not in table:
        raise ModelError(f"{where}: it has neither a scale (up) nor a metre")
    if any(not 0 <= step < 12 for step in (*up, *down)) or (up and 0 not in up):
        raise ModelError(f"{where}: semitones are from 0 (the tonic, which must be there) to 11")
    if not set(cents) <= {*up, *down} or any(abs(place - 100 * step) > LARGEST_CENTS for step, place in cents.items()):
        raise ModelError(f"{where}: cents are of semitones of the scale, and within a semitone of them")
    return Tradition(
        key=str(table["key"]),
        name=str(table["name"]),
        culture=culture,
        about=str(table["about"]),
        sources=sources,
        tonic=pitch_class(table.get("tonic", "C")),
        ascending=up,
        descending=down,
        cents=MappingProxyType(cents),
        notes=MappingProxyType({str(name): int(step) for name, step in table.get("notes", {}).items()}),
        metre=_metre(table["metre"], where) if "metre" in table else None,
    )


def _metre(table: Mapping[str, Any], where: str) -> Metre:
    numerator, denominator = (int(number) for number in table["signature"].split("/"))
    groups = tuple(int(group) for group in table["groups"])
    timeline = tuple(stroke == "x" for stroke in table.get("timeline", ""))
    if sum(groups) != numerator or len(timeline) % numerator:
        raise ModelError(f"{where}: groups must add up to {numerator}, and the timeline divide the bar's units evenly")
    return Metre(numerator, denominator, groups, timeline)
