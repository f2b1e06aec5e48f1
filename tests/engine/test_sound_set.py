from pathlib import Path

import numpy as np
import pytest

from tutti.engine.errors import SoundError
from tutti.engine.sounds.sound_set import Patch, Sample, SoundSet, Zone, load_sound_set


def zone(low: int, high: int, sample: int = 0, low_velocity: int = 0, high_velocity: int = 127, **more: float) -> Zone:
    return Zone(low, high, low_velocity, high_velocity, sample, 0.0, 0.01, 0.1, **more)


def sound_set(**patches: Patch) -> SoundSet:
    samples = tuple(Sample(np.zeros(10, np.float32), 44100.0, root, 0, 0, -20.0) for root in (59.81, 72.0))
    named = {tuple(name.replace("__", ".").split("_", 1)): patch for name, patch in patches.items()}
    return SoundSet("test", samples, named)  # type: ignore[arg-type]


def test_nearest_zone_answers_any_pitch() -> None:
    patch = Patch((zone(50, 60), zone(61, 70, 1)))
    assert [z.sample for pitch in (0, 50, 60, 61, 99) for z in patch.zones_for(pitch, 64)] == [0, 0, 0, 1, 1]


def test_velocity_layers_and_what_lies_between_them() -> None:
    patch = Patch((zone(0, 127, 0, 0, 60), zone(0, 127, 1, 90, 127)))
    assert [patch.zones_for(60, velocity)[0].sample for velocity in (1, 60, 70, 80, 90, 127)] == [0, 0, 0, 1, 1, 1]


def test_equal_zones_are_alternatives() -> None:
    assert len(Patch((zone(0, 127, 0), zone(0, 127, 1))).zones_for(60, 90)) == 2


def test_articulations_fall_back_on_the_nearest() -> None:
    patches = sound_set(violin_sustain=Patch((zone(0, 1),)), violin_pizzicato=Patch((zone(2, 3),)))
    for articulation in ("sustain", "fast", "tremolo"):
        assert patches.patch_for("violin", articulation).zones[0].low_pitch == 0  # type: ignore[arg-type]
    assert patches.patch_for("violin", "pizzicato").zones[0].low_pitch == 2
    only_short = sound_set(harp_pizzicato=Patch((zone(5, 6),)))
    assert only_short.zones_for("harp", "tremolo", 60, 90)[0].low_pitch == 5


def test_section_prefers_its_own_recordings_and_a_soloist_his() -> None:
    patches = sound_set(
        violin_sustain=Patch((zone(0, 0),)),
        violin__section_sustain=Patch((zone(1, 1),)),
        violin__section_tremolo=Patch((zone(2, 2),)),
    )
    assert patches.patch_for("violin", "sustain").zones[0].low_pitch == 0
    assert patches.patch_for("violin", "sustain", section=True).zones[0].low_pitch == 1
    assert patches.patch_for("violin", "tremolo").zones[0].low_pitch == 2


def test_instrument_that_was_not_loaded() -> None:
    with pytest.raises(SoundError, match="no sounds of 'tuba' are loaded"):
        sound_set(violin_sustain=Patch((zone(0, 1),))).zones_for("tuba", "sustain", 60, 90)


def test_playback_ratio_is_from_the_true_pitch() -> None:
    patches = sound_set(violin_sustain=Patch((zone(0, 127),)))
    assert patches.playback_ratio(zone(0, 127), 59.81) == pytest.approx(1.0)
    assert patches.playback_ratio(zone(0, 127), 71.81) == pytest.approx(2.0)
    assert patches.playback_ratio(zone(0, 127, pitch_tracking=0.0), 90) == pytest.approx(1.0)


def test_unknown_instrument(tmp_path: Path) -> None:
    with pytest.raises(SoundError, match="no instrument is called 'kazoo'"):
        load_sound_set(["violin", "kazoo"], None, tmp_path)
