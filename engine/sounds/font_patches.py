"""From a preset of a SoundFont to the patch of an instrument.

Presets are made for one player of MIDI and layer their sounds: left and right channels, two takes of one note, a stroke
on top of a sustained sound, copies for ranges of velocity. An orchestra wants single notes that many players share out.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from .conditioning import Recording, Wave, condition
from .patch_plan import PatchPlan, PlannedZone
from .preset_map import PresetChoice
from .sound_set import REFERENCE_VELOCITY, Sample
from .soundfont import FontZone, Preset, SoundFont

_SUSTAINED_DB = -30.0
"""A zone whose envelope stays above this goes on as long as its key is held."""
_WEAK_LAYER_DB = 6.0
_RELEASE_TO_60_DB = 0.6
_LONGEST_SUSTAINED_RELEASE_S = 0.35
_LONGEST_STRUCK_RELEASE_S = 6.0


def plan_patch(font: SoundFont, choices: Sequence[PresetChoice], level_db: float, section: bool) -> PatchPlan | None:
    """The patch that a SoundFont's presets give; None where it has none of them, or not the wanted layer.

    In a ``section``, the channels of a stereo recording become alternatives for its players; a soloist gets one sound.
    """
    presets = font.presets
    planned: list[PlannedZone] = []
    makers: dict[str, Callable[[], Sample]] = {}
    for choice in choices:
        preset = choice.find(presets)
        zones = sounding_zones(font, preset, choice.layer) if preset is not None else []
        for zone, other in _channels([held for zone in zones if (held := _held(zone, choice.keys))], split=section):
            key = _key(zone, other, choice.partials, choice.loop_s)
            makers[key] = partial(_make_sample, font, zone, other, choice.partials, choice.loop_s)
            planned.append(_planned(zone, key))
    if not planned:
        return None
    return PatchPlan(tuple(planned), makers, level_db + choices[0].level_db, choices[0].balance)


def sounding_zones(font: SoundFont, preset: Preset, layer: str) -> list[FontZone]:
    """A preset's zones without what an orchestra's players have no use for: other layers, copies, undertones."""
    return _without_weak_layers(_without_velocity_copies(_layer(font.zones(preset), layer)))


def _held(zone: FontZone, keys: tuple[int, int]) -> FontZone | None:
    """The zone's part within a range of keys."""
    low, high = max(zone.low_key, keys[0]), min(zone.high_key, keys[1])
    return replace(zone, low_key=low, high_key=high) if low <= high else None


def _planned(zone: FontZone, key: str) -> PlannedZone:
    limit_s = _LONGEST_SUSTAINED_RELEASE_S if _sustains(zone) else _LONGEST_STRUCK_RELEASE_S
    return PlannedZone(
        key=key,
        low_pitch=zone.low_key,
        high_pitch=zone.high_key,
        low_velocity=zone.low_velocity,
        high_velocity=zone.high_velocity,
        attack_s=zone.attack_s,
        release_s=min(limit_s, zone.release_s * _RELEASE_TO_60_DB),
        relative_db=-zone.attenuation_db,
        pitch_tracking=zone.pitch_tracking,
    )


def _sustains(zone: FontZone) -> bool:
    return zone.loop_end > zone.loop_start and zone.sustain_db > _SUSTAINED_DB


def _layer(zones: Sequence[FontZone], layer: str) -> list[FontZone]:
    """The sustained zones or, for the attack layer, the strokes laid over them; all of them where there is one kind."""
    sustained = [zone for zone in zones if _sustains(zone)]
    strokes = [zone for zone in zones if not _sustains(zone)]
    if layer == "attack":
        return strokes if sustained else []
    covered = {key for zone in sustained for key in range(zone.low_key, zone.high_key + 1)}
    alone = [zone for zone in strokes if not covered & set(range(zone.low_key, zone.high_key + 1))]
    return sustained + alone


def _without_velocity_copies(zones: Sequence[FontZone]) -> list[FontZone]:
    """One zone for all those that play the same sample over the same keys in other ranges of velocity.

    What they differ in (level, filter, envelope) the player derives from the velocity itself; the copy that answers
    at the reference velocity stands for all.
    """
    groups: dict[tuple[int, ...], list[FontZone]] = defaultdict(list)
    for zone in zones:
        groups[zone.sample, zone.low_key, zone.high_key].append(zone)

    def aptness(zone: FontZone) -> tuple[float, float]:
        outside = max(zone.low_velocity - REFERENCE_VELOCITY, REFERENCE_VELOCITY - zone.high_velocity, 0)
        return outside, zone.attenuation_db

    return [
        replace(
            min(group, key=aptness),
            low_velocity=min(zone.low_velocity for zone in group),
            high_velocity=max(zone.high_velocity for zone in group),
        )
        for group in groups.values()
    ]


def _without_weak_layers(zones: Sequence[FontZone]) -> list[FontZone]:
    """The zones that are not much softer than another one which sounds together with them all over their range."""

    def drowned(zone: FontZone, other: FontZone) -> bool:
        return (
            other.attenuation_db < zone.attenuation_db - _WEAK_LAYER_DB
            and other.low_velocity <= zone.low_velocity
            and zone.high_velocity <= other.high_velocity
            and other.low_key <= zone.low_key
            and zone.high_key <= other.high_key
        )

    return [zone for zone in zones if not any(drowned(zone, other) for other in zones)]


def _channels(zones: Sequence[FontZone], split: bool) -> list[tuple[FontZone, FontZone | None]]:
    """Zones to make samples of: each alone where channels are ``split``, else left ones with their right partner."""
    if split:
        return [(zone, None) for zone in zones]

    def place(zone: FontZone) -> tuple[object, ...]:
        return (
            zone.low_key, zone.high_key, zone.low_velocity, zone.high_velocity, zone.start, zone.loop_start,
            zone.loop_end, zone.rate_hz, zone.root_pitch,
        )  # fmt: skip

    rights = defaultdict(list)
    for zone in zones:
        if zone.side == "right":
            rights[place(zone)].append(zone)
    pairs: list[tuple[FontZone, FontZone | None]] = []
    for zone in zones:
        if zone.side != "right":
            partners = rights[place(zone)] if zone.side == "left" else []
            pairs.append((zone, partners.pop(0) if partners else None))
    return pairs + [(zone, None) for partners in rights.values() for zone in partners]


def _key(zone: FontZone, other: FontZone | None, partials: int, loop_s: float) -> str:
    parts = (
        zone.sample, other.sample if other else -1, zone.start, zone.end_offset, zone.loop_start, zone.loop_end,
        zone.rate_hz, zone.root_pitch, _decay_s(zone), partials, loop_s,
    )  # fmt: skip
    return hashlib.blake2b(repr(parts).encode(), digest_size=12).hexdigest()


def _decay_s(zone: FontZone) -> float:
    """Time of a fall by 100 dB where the envelope takes the sound away while the key is held, else 0."""
    if zone.sustain_db > _SUSTAINED_DB:
        return 0.0
    return zone.decay_s if zone.decay_s > 0.05 else 0.0


def _make_sample(font: SoundFont, zone: FontZone, other: FontZone | None, partials: int, loop_s: float) -> Sample:
    data = _decoded(font, zone)
    if other is not None:
        data = _mixed(data, _decoded(font, other))
    return condition(
        Recording(
            data=data,
            rate_hz=zone.rate_hz,
            nominal_pitch=zone.root_pitch,
            loop_start=zone.loop_start - zone.start,
            loop_end=zone.loop_end - zone.start,
            decay_s=_decay_s(zone),
            partials=partials,
            longest_loop_s=loop_s,
        )
    )


def _decoded(font: SoundFont, zone: FontZone) -> Wave:
    data = font.decode(zone.sample)
    return data[min(zone.start, max(0, data.size - 64)) : max(64, data.size + zone.end_offset)]


def _mixed(left: Wave, right: Wave) -> Wave:
    """Both channels as one, or the left one alone where they would cancel each other."""
    length = min(left.size, right.size)
    energy = float(np.sqrt(np.dot(left[:length], left[:length]) * np.dot(right[:length], right[:length])))
    if energy <= 0.0 or float(np.dot(left[:length], right[:length])) < 0.2 * energy:
        return left
    return (0.5 * (left[:length] + right[:length])).astype(np.float32)
