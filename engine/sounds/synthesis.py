"""The embedded sounds: an orchestra synthesised by Tutti itself, for machines without a SoundFont.

Tones of strings, winds, brass and voices are additive (``synthesis_sustained``), plucked and struck ones modal
(``synthesis_struck``), the kit noise and modes (``synthesis_percussion``); levels of harmonics and noise come from
measurements of real instruments (``synthesis_tables``). Several roots per instrument, and several individuals of those
that play in sections, so that players differ.
"""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import numpy as np

from ..instruments import Instrument
from ..types import Articulation
from ..units import pitch_to_hz
from .applause import plan_applause
from .conditioning import Recording, condition
from .patch_plan import PatchPlan, PlannedZone
from .sound_set import Sample
from .synthesis_percussion import KIT, drum_note
from .synthesis_struck import Strike, bar_modes, kettledrum_modes, string_modes, struck_note
from .synthesis_sustained import Voicing, sustained_note
from .synthesis_tables import NoteSpectrum, spectrum_at

EMBEDDED_NAME = "embedded"
"""Of the cache's folder."""
SET_NAME = "synthesised"
SYNTHESIS_VERSION = 3
"""Counts changes of the sounds; older caches are not read."""

_LOUD_VELOCITY = 104
"""From here brass blares."""
_TREMOLO_HZ = 12.5
_PIZZICATO_DB = -3.0


@dataclass(frozen=True, slots=True)
class _Model:
    """A sustained instrument: whose spectrum it has, how it speaks, and how notes end."""

    spectrum: str
    voicing: Voicing
    release_s: float = 0.12
    individuals: int = 1
    step: int = 4


_BOWED = Voicing((0.085, 0.12), 0.14, 3.0, 14.0, 0.05, scoop_cents=-6.0, individuality_db=2.0)
_REED = Voicing((0.035, 0.05), 0.05, 1.5, 8.0, 0.02, scoop_cents=-8.0)
_BRASS = Voicing((0.035, 0.06), 0.06, 2.0, 8.0, 0.03, scoop_cents=-18.0, flare_db=2.5)
_VOICE = Voicing((0.11, 0.14), 0.2, 6.0, 6.0, 0.08, scoop_cents=-25.0, individuality_db=2.0)

_SUSTAINED: Mapping[str, _Model] = {
    "violin": _Model("violin", _BOWED, 0.16, 3),
    "viola": _Model("viola", _BOWED, 0.16, 3),
    "cello": _Model("cello", replace(_BOWED, attack_s=(0.095, 0.13)), 0.18, 3),
    "contrabass": _Model("contrabass", replace(_BOWED, attack_s=(0.11, 0.14)), 0.2, 3),
    "piccolo": _Model("piccolo", Voicing((0.035, 0.03), 0.07, 2.5, 14.0, 0.05, scoop_cents=-10.0)),
    "flute": _Model("flute", Voicing((0.055, 0.04), 0.09, 2.5, 14.0, 0.06, scoop_cents=-10.0)),
    "oboe": _Model("oboe", _REED),
    "english-horn": _Model("english-horn", _REED),
    "clarinet": _Model("clarinet", replace(_REED, attack_s=(0.045, 0.06))),
    "bass-clarinet": _Model("clarinet", replace(_REED, attack_s=(0.05, 0.07))),
    "bassoon": _Model("bassoon", replace(_REED, attack_s=(0.04, 0.05), unsteadiness=0.07)),
    "contrabassoon": _Model("bassoon", replace(_REED, attack_s=(0.06, 0.07), unsteadiness=0.08)),
    "saxophone": _Model("saxophone", replace(_REED, onset_noise_db=12.0)),
    "horn": _Model("horn", replace(_BRASS, attack_s=(0.05, 0.08), scoop_cents=-25.0), 0.2),
    "trumpet": _Model("trumpet", replace(_BRASS, attack_s=(0.02, 0.035))),
    "trombone": _Model("trombone", replace(_BRASS, attack_s=(0.03, 0.055)), 0.15),
    "bass-trombone": _Model("trombone", replace(_BRASS, attack_s=(0.035, 0.06)), 0.15),
    "euphonium": _Model("tuba", replace(_BRASS, attack_s=(0.04, 0.065)), 0.18),
    "tuba": _Model("tuba", replace(_BRASS, attack_s=(0.05, 0.07)), 0.18),
    "organ": _Model("organ", Voicing((0.05, 0.03), 0.02, 0.5, 10.0, 0.03, individuality_db=0.5), 0.25),
    "soprano": _Model("soprano", _VOICE, 0.25, 3),
    "alto": _Model("soprano", _VOICE, 0.25, 3),
    "tenor": _Model("soprano", _VOICE, 0.25, 3),
    "bass": _Model("soprano", _VOICE, 0.25, 3),
}


def plan_synthesis(instrument: Instrument) -> dict[Articulation, PatchPlan]:
    """The patches of an instrument by articulation."""
    if instrument.key in _SUSTAINED:
        plans: dict[Articulation, PatchPlan] = {"sustain": _sustained_plan(instrument, "sustain")}
        if instrument.family == "strings":
            plans |= {art: _sustained_plan(instrument, art) for art in _STROKES}
            plans["pizzicato"] = _pitched_plan(instrument, _pizzicato, _PIZZICATO_DB, 0.6, individuals=2)
        return plans
    if instrument.key == "percussion":
        return {"sustain": _kit_plan(instrument)}
    if instrument.key == "applause":
        return {"sustain": plan_applause(instrument)}
    if instrument.key == "timpani":
        return {"sustain": _pitched_plan(instrument, _timpano, 0.0, 2.5)}
    return {"sustain": _pitched_plan(instrument, _ringing, 0.0, _DAMPED_S.get(instrument.key, 1.5))}


_STROKES: tuple[Articulation, ...] = ("fast", "staccato", "tremolo")
_DAMPED_S: Mapping[str, float] = {"piano": 0.25, "harpsichord": 0.15, "guitar": 0.3, "xylophone": 0.8, "celesta": 1.0}
"""How long a key or string rings on when it is let go; 1.5 s where nothing damps it."""


def _seed(*parts: object) -> int:
    return zlib.crc32(repr(parts).encode())


def _roots(instrument: Instrument, step: int) -> list[tuple[int, int, int]]:
    """Root, lowest and highest pitch of each sample over the instrument's range, the ends left open."""
    low, high = instrument.range
    count = max(1, round((high - low) / step) + 1)
    roots = [round(value) for value in np.linspace(low, high, count)]
    edges = [0, *((a + b) // 2 + 1 for a, b in pairwise(roots)), 128]
    return [(root, edges[i], edges[i + 1] - 1) for i, root in enumerate(roots)]


def _sustained_plan(instrument: Instrument, articulation: Articulation) -> PatchPlan:
    model = _SUSTAINED[instrument.key]
    zones: list[PlannedZone] = []
    makers: dict[str, Callable[[], Sample]] = {}
    layers = ((0, _LOUD_VELOCITY - 1), (_LOUD_VELOCITY, 127)) if instrument.family == "brass" else ((0, 127),)
    for root, low, high in _roots(instrument, model.step):
        for individual in range(model.individuals):
            for low_velocity, high_velocity in layers:
                loud = low_velocity >= _LOUD_VELOCITY
                key = f"{model.spectrum}-{instrument.key}-{articulation}-{root}-{individual}{'-loud' if loud else ''}"
                makers[key] = partial(_tone, instrument.key, articulation, root, individual, loud)
                zones.append(
                    PlannedZone(key, low, high, low_velocity, high_velocity, attack_s=0.003, release_s=model.release_s)
                )
    return PatchPlan(tuple(zones), makers, instrument.level_db)


def _tone(key: str, articulation: Articulation, root: int, individual: int, loud: bool) -> Sample:
    model = _SUSTAINED[key]
    voicing = model.voicing
    if articulation in ("fast", "staccato", "tremolo"):
        quicker = 0.45 if articulation == "fast" else 0.3
        voicing = replace(voicing, attack_s=(quicker * voicing.attack_s[0], quicker * voicing.attack_s[1]))
    spectrum = spectrum_at(model.spectrum, root)
    if loud:
        spectrum = _blaring(spectrum)
    return condition(
        sustained_note(
            spectrum,
            voicing,
            _seed(key, articulation, root, individual),
            strokes_hz=_TREMOLO_HZ if articulation == "tremolo" else 0.0,
            length_s=0.16 if articulation == "staccato" else None,
        )
    )


def _blaring(spectrum: NoteSpectrum) -> NoteSpectrum:
    """The spectrum at fortissimo: steeper waves in the bore raise the high harmonics."""
    hz = pitch_to_hz(spectrum.pitch)
    frequency = hz * np.arange(1, spectrum.harmonics_db.size + 1)
    raised = np.clip(5.0 * np.log2(frequency / min(900.0, 3.0 * hz)), 0.0, 14.0)
    return replace(spectrum, harmonics_db=spectrum.harmonics_db + raised)


def _pitched_plan(
    instrument: Instrument,
    make: Callable[[str, int, int], Recording],
    level_db: float,
    release_s: float,
    individuals: int = 1,
) -> PatchPlan:
    zones: list[PlannedZone] = []
    makers: dict[str, Callable[[], Sample]] = {}
    for root, low, high in _roots(instrument, 4):
        for individual in range(individuals):
            key = f"{instrument.key}-{make.__name__.strip('_')}-{root}-{individual}"
            makers[key] = partial(_struck, make, instrument.key, root, individual)
            zones.append(PlannedZone(key, low, high, 0, 127, attack_s=0.0, release_s=release_s))
    return PatchPlan(tuple(zones), makers, instrument.level_db + level_db)


def _struck(make: Callable[[str, int, int], Recording], key: str, root: int, individual: int) -> Sample:
    return condition(make(key, root, _seed(key, make.__name__, root, individual)))


def _pizzicato(key: str, root: int, seed: int) -> Recording:
    spectrum = spectrum_at(f"{key}-pizzicato", root)
    return struck_note(root, string_modes(spectrum, 5e-5), Strike(0.012, -8.0, 1800.0, 0.002), seed, partials=3)


def _timpano(key: str, root: int, seed: int) -> Recording:
    return struck_note(root, kettledrum_modes(root), Strike(0.05, -3.0, 420.0, 0.004), seed, partials=1, detune_db=0.5)


_STRIKES: Mapping[str, tuple[float, float, Strike]] = {
    # stiffness, share of the aftersound, strike
    "harp": (8e-5, 0.0, Strike(0.008, -16.0, 1500.0, 0.0015)),
    "guitar": (8e-5, 0.0, Strike(0.01, -12.0, 1200.0, 0.001)),
    "piano": (3e-4, 0.25, Strike(0.025, -18.0, 700.0, 0.002)),
    "harpsichord": (1e-4, 0.0, Strike(0.006, -14.0, 4000.0, 0.0005)),
}


def _ringing(key: str, root: int, seed: int) -> Recording:
    if key in _STRIKES:
        stiffness, lasting_share, strike = _STRIKES[key]
        modes = string_modes(spectrum_at(key, root), stiffness, lasting_share)
        return struck_note(root, modes, strike, seed, partials=3)
    strike = Strike(0.008, -14.0, 2600.0 if key != "celesta" else 900.0, 0.0008)
    return struck_note(root, bar_modes(root, key), strike, seed, partials=1, detune_db=0.5)


def _kit_plan(instrument: Instrument) -> PatchPlan:
    keys = sorted(KIT)
    edges = [0, *keys[1:], 128]
    zones = tuple(
        PlannedZone(f"kit-{key}", low, high - 1, 0, 127, 0.0, 2.0, relative_db=KIT[key].level_db, pitch_tracking=0.0)
        for key, (low, high) in zip(keys, pairwise(edges), strict=True)
    )
    makers = {f"kit-{key}": partial(_drum, key) for key in keys}
    return PatchPlan(zones, makers, instrument.level_db, "patch")


def _drum(key: int) -> Sample:
    return condition(drum_note(KIT[key], _seed("kit", key)))
