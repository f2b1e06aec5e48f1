"""What a patch will be once its samples are made: the step between a source of sounds and a ``SoundSet``."""

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from .sound_set import REFERENCE_LEVEL_DB, Patch, Sample, Zone

_STRUCK_NOTE_TOLERANCE_DB = 4.0
"""How far notes that die away are levelled: their loudness varies by nature with how long they ring."""


@dataclass(frozen=True, slots=True)
class PlannedZone:
    """A zone whose sample is known by its cache key. ``relative_db`` is its source's own balance within the patch."""

    key: str
    low_pitch: int
    high_pitch: int
    low_velocity: int
    high_velocity: int
    attack_s: float
    release_s: float
    relative_db: float = 0.0
    pitch_tracking: float = 1.0


@dataclass(frozen=True, slots=True)
class PatchPlan:
    """Zones, and how to make the samples they name (by key). ``level_db`` is relative to ``REFERENCE_LEVEL_DB``;
    ``balance`` as in ``assets/sounds.toml``."""

    zones: tuple[PlannedZone, ...]
    makers: Mapping[str, Callable[[], Sample]]
    level_db: float
    balance: Literal["zone", "patch"] = "zone"

    def patch(self, samples: Mapping[str, Sample], index: Mapping[str, int]) -> Patch:
        """The patch, its zones' gains from the samples' measured levels; ``index`` numbers the samples."""
        target_db = REFERENCE_LEVEL_DB + self.level_db
        levels_db = [samples[zone.key].level_db for zone in self.zones]
        whole_db = [level + zone.relative_db for level, zone in zip(levels_db, self.zones, strict=True)]
        common_db = target_db - statistics.median(levels_db)
        kit_db = target_db - (statistics.quantiles(whole_db, n=4)[2] if len(whole_db) > 1 else whole_db[0])
        gains_db = []
        for zone, level_db in zip(self.zones, levels_db, strict=True):
            if self.balance == "patch":
                gain_db = kit_db + zone.relative_db
            elif samples[zone.key].sustains:
                gain_db = target_db - level_db
            else:
                own_db = target_db - level_db - common_db
                gain_db = common_db + max(-_STRUCK_NOTE_TOLERANCE_DB, min(_STRUCK_NOTE_TOLERANCE_DB, own_db))
            gains_db.append(gain_db)
        return Patch(
            tuple(
                Zone(
                    low_pitch=zone.low_pitch,
                    high_pitch=zone.high_pitch,
                    low_velocity=zone.low_velocity,
                    high_velocity=zone.high_velocity,
                    sample=index[zone.key],
                    gain_db=gain_db,
                    attack_s=zone.attack_s,
                    release_s=zone.release_s,
                    pitch_tracking=zone.pitch_tracking,
                )
                for zone, gain_db in zip(self.zones, gains_db, strict=True)
            )
        )
