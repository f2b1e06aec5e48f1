import logging
from pathlib import Path

import numpy as np
import pytest
from soundfont_writer import INSTRUMENT, KEY_RANGE, SAMPLE, SAMPLE_MODES, Font, looped_tone, orchestra_font, span, tone

from tutti.engine.instruments import catalogue
from tutti.engine.sounds.conditioning import sustained_level_db
from tutti.engine.sounds.preset_map import preset_map
from tutti.engine.sounds.sound_set import REFERENCE_LEVEL_DB, SECTION, load_sound_set
from tutti.engine.sounds.soundfont import SoundFont

REAL_FONT = Path("/usr/share/sounds/sf3/MuseScore_General.sf3")
needs_real_font = pytest.mark.skipif(not REAL_FONT.exists(), reason="musescore-general-soundfont is not installed")


@pytest.fixture
def font(tmp_path: Path) -> Path:
    return orchestra_font().write(tmp_path / "small.sf2")


def test_notes_are_levelled_and_tuned(tmp_path: Path) -> None:
    written = orchestra_font([("Violin", 0, 40), ("Trumpet", 0, 56)])
    written.samples[0] = looped_tone(60.0 - 0.19)
    written.samples[0].data *= 0.1
    sounds = load_sound_set(["violin", "trumpet"], written.write(tmp_path / "a.sf2"), tmp_path / "cache")
    for instrument in ("violin", "trumpet"):
        for pitch in (60, 72):
            (zone,) = sounds.zones_for(instrument, "sustain", pitch, 90)
            sample = sounds.samples[zone.sample]
            loop = sample.data[sample.loop_start : sample.loop_end] * 10 ** (zone.gain_db / 20)
            wanted = REFERENCE_LEVEL_DB + catalogue()[instrument].level_db
            assert sustained_level_db(np.tile(loop, 3), sample.rate_hz) == pytest.approx(wanted, abs=0.3)
    (low,) = sounds.zones_for("violin", "sustain", 60, 90)
    assert sounds.samples[low.sample].root_pitch == pytest.approx(59.81, abs=0.03)


def test_second_load_decodes_nothing(font: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_sound_set(["violin", "flute"], font, tmp_path / "cache")

    def decode(self: SoundFont, sample: int) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr(SoundFont, "decode", decode)
    second = load_sound_set(["violin", "flute"], font, tmp_path / "cache")
    assert second.patches == first.patches
    assert all(np.array_equal(a.data, b.data) for a, b in zip(first.samples, second.samples, strict=True))


def test_damaged_cache_is_made_again(font: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first = load_sound_set(["flute"], font, tmp_path / "cache").samples[0].data.copy()
    for path in (tmp_path / "cache").rglob("*.sample"):
        path.write_bytes(path.read_bytes()[:-500])
    again = load_sound_set(["flute"], font, tmp_path / "cache")
    assert np.array_equal(again.samples[0].data, first)
    assert "damaged sound cache" in caplog.text


def test_other_content_under_the_same_name_is_another_font(font: Path, tmp_path: Path) -> None:
    before = load_sound_set(["flute"], font, tmp_path / "cache").samples[0]
    changed = orchestra_font()
    changed.samples[0].data = changed.samples[0].data * 0.5
    changed.write(font)
    after = load_sound_set(["flute"], font, tmp_path / "cache").samples[0]
    assert after.level_db == pytest.approx(before.level_db - 6.0, abs=0.1)


def test_progress_counts_up_to_the_total(font: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    sounds = load_sound_set(
        ["violin", "flute"], font, tmp_path / "cache", lambda done, total: seen.append((done, total))
    )
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == seen[-1][1] == len(sounds.samples)
    seen.clear()
    load_sound_set(["violin", "flute"], font, tmp_path / "cache", lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1]


def test_what_the_font_lacks_is_synthesised(font: Path, tmp_path: Path) -> None:
    sounds = load_sound_set(["flute", "timpani"], font, tmp_path / "cache")
    assert sounds.zones_for("timpani", "sustain", 45, 90)
    assert sounds.name == "small"


def test_any_general_midi_font_plays_the_strings(tmp_path: Path) -> None:
    font = orchestra_font([("Geige", 0, 40), ("Ensemble", 0, 48), ("Zupf", 0, 45)]).write(tmp_path / "gm.sf2")
    sounds = load_sound_set(["violin"], font, tmp_path / "cache")
    assert {art for name, art in sounds.patches if name == "violin"} == {"sustain", "fast"}
    assert {art for name, art in sounds.patches if name == "violin.section"} == {"fast", "pizzicato"}


def test_unwritable_cache_costs_only_time(font: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with caplog.at_level(logging.WARNING):
        sounds = load_sound_set(["flute"], font, blocked)
    assert sounds.zones_for("flute", "sustain", 60, 90)
    assert "sounds cannot be kept" in caplog.text


def test_stereo_channels_are_one_sound_for_a_soloist_and_two_for_a_section(tmp_path: Path) -> None:
    left, right = looped_tone(60.0), looped_tone(60.0)
    left.kind, right.kind = 4, 2
    right.data = right.data * 0.8
    zones = [[(SAMPLE_MODES, 1), (SAMPLE, index)] for index in (0, 1)]
    names = [("Violin", 0, 40), ("Violins Slow", 0, 49)]
    presets = [(name, bank, program, [[(INSTRUMENT, 0)]]) for name, bank, program in names]
    path = Font([left, right], [("stereo", zones)], presets).write(tmp_path / "a.sf2")
    sounds = load_sound_set(["violin"], path, tmp_path / "cache")
    assert len(sounds.zones_for("violin", "sustain", 60, 90)) == 1
    assert len(sounds.zones_for("violin", "sustain", 60, 90, section=True)) == 2
    (solo,) = sounds.zones_for("violin", "sustain", 60, 90)
    mixed = sounds.samples[solo.sample].data[1000:9000]
    assert np.std(mixed) == pytest.approx(0.9 * np.std(left.data[1000:9000]), rel=0.02)


def test_copies_for_velocities_become_one_zone(tmp_path: Path) -> None:
    zones = [
        [(44, span(low, high)), (SAMPLE_MODES, 1), (SAMPLE, 0)]
        for low, high in ((0, 64), (65, 88), (89, 96), (97, 127))
    ]
    presets = [("Flute", 0, 73, [[(INSTRUMENT, 0)]])]
    path = Font([looped_tone(72.0)], [("flute", zones)], presets).write(tmp_path / "a.sf2")
    (zone,) = load_sound_set(["flute"], path, tmp_path / "cache").patches["flute", "sustain"].zones
    assert (zone.low_velocity, zone.high_velocity) == (0, 127)


def test_strokes_over_a_sustained_sound_are_a_layer_of_their_own(tmp_path: Path) -> None:
    stroke = looped_tone(60.0)
    stroke.data = tone(60.0, 0.3)
    zones = [[(SAMPLE_MODES, 1), (SAMPLE, 0)], [(KEY_RANGE, span(0, 127)), (SAMPLE, 1)]]
    presets = [("Violins Fast", 0, 48, [[(INSTRUMENT, 0)]])]
    path = Font([looped_tone(60.0), stroke], [("fast", zones)], presets).write(tmp_path / "a.sf2")
    sounds = load_sound_set(["violin"], path, tmp_path / "cache")
    for articulation, sustains in (("fast", True), ("staccato", False)):
        (zone,) = sounds.zones_for("violin", articulation, 60, 90, section=True)  # type: ignore[arg-type]
        assert sounds.samples[zone.sample].sustains is sustains


def test_every_instrument_has_an_entry_and_no_entry_is_of_nothing() -> None:
    names = {name.removesuffix(SECTION) for name, _ in preset_map()}
    assert names == catalogue().keys() - {"applause"}, "the audience is always synthesised"


@needs_real_font
def test_every_entry_is_found_by_name_in_musescore_general() -> None:
    presets = SoundFont(REAL_FONT).presets
    for entry, choices in preset_map().items():
        for choice in choices:
            preset = choice.find(presets)
            assert preset is not None, entry
            assert "expr" not in preset.name.lower(), entry


@needs_real_font
@pytest.mark.parametrize("instrument", ["violin", "flute", "oboe", "bassoon"])
def test_corrected_notes_of_musescore_general_are_in_tune(instrument: str, tmp_path: Path) -> None:
    """Every harmonic of a loop that closes makes a whole number of turns in it. Where the first three agree on the
    number, that is the pitch; in some loops one of them slips a turn."""
    sounds = load_sound_set([instrument], REAL_FONT, tmp_path)
    errors_cents = []
    for zone in sounds.patches[instrument, "sustain"].zones:
        sample = sounds.samples[zone.sample]
        loop = sample.data[sample.loop_start : sample.loop_end].astype(np.float64)
        periods = loop.size / sample.rate_hz * 440.0 * 2.0 ** ((sample.root_pitch - 69.0) / 12.0)
        turns = [turns_of(loop, k * periods) / k for k in (1, 2, 3)]
        if max(turns) - min(turns) < 0.01:
            errors_cents.append(abs(1200.0 * np.log2(periods / turns[0])))
    assert len(errors_cents) >= 4
    assert max(errors_cents) < 3.0
    assert np.median(errors_cents) < 0.5


def turns_of(loop: np.ndarray, near: float) -> float:
    """How often a partial turns in a loop, given about how often."""
    spectrum = np.fft.fft(loop)
    kept = np.zeros_like(spectrum)
    low, high = int(near * 0.94), int(near * 1.06) + 1
    kept[low:high] = spectrum[low:high]
    partial = np.fft.ifft(kept)
    phase = np.unwrap(np.angle(np.append(partial, partial[0])))
    return float((phase[-1] - phase[0]) / (2.0 * np.pi))
