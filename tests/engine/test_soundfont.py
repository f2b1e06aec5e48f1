import random
from pathlib import Path

import numpy as np
import pytest
from sf2utils.sf2parse import Sf2File
from soundfont_writer import (
    ATTACK,
    ATTENUATION,
    COARSE_TUNE,
    DECAY,
    FINE_TUNE,
    INSTRUMENT,
    KEY_RANGE,
    RELEASE,
    ROOT_KEY,
    SAMPLE,
    SAMPLE_MODES,
    SUSTAIN,
    VELOCITY_RANGE,
    Font,
    FontSample,
    looped_tone,
    orchestra_font,
    span,
    tone,
)

from tutti.engine.errors import SoundError
from tutti.engine.sounds.soundfont import SoundFont


def layered_font() -> Font:
    """Generators on all four levels: global and local, instrument and preset."""
    return Font(
        [FontSample(tone(69.0), loop=(8000, 20000), correction=-7), looped_tone(60.0)],
        [
            (
                "inst",
                [
                    [(ATTACK, -1200), (ATTENUATION, 100), (SAMPLE_MODES, 1), (FINE_TUNE, 5)],
                    [(KEY_RANGE, span(40, 70)), (ATTACK, 0), (SAMPLE, 0)],
                    [(KEY_RANGE, span(71, 90)), (ROOT_KEY, 62), (RELEASE, 1200), (SAMPLE, 1)],
                ],
            )
        ],
        [
            (
                "Preset",
                3,
                9,
                [
                    [(ATTENUATION, 50), (COARSE_TUNE, 1)],
                    [(KEY_RANGE, span(50, 80)), (VELOCITY_RANGE, span(64, 127)), (DECAY, 1200), (INSTRUMENT, 0)],
                ],
            )
        ],
    )


def test_generators_of_all_levels_are_merged(tmp_path: Path) -> None:
    font = SoundFont(layered_font().write(tmp_path / "a.sf2"))
    (preset,) = font.presets
    assert (preset.name, preset.bank, preset.program) == ("Preset", 3, 9)
    low, high = font.zones(preset)
    assert (low.low_key, low.high_key, high.low_key, high.high_key) == (50, 70, 71, 80)
    assert (low.low_velocity, low.high_velocity) == (64, 127)
    assert low.attack_s == pytest.approx(1.0)  # local over global
    assert high.attack_s == pytest.approx(0.5)  # global
    assert high.release_s == pytest.approx(2.0)
    assert low.decay_s == pytest.approx(2.0**-9)  # −12000 + 1200 timecents
    assert low.attenuation_db == pytest.approx(0.04 * 150)  # preset adds to instrument
    assert low.root_pitch == pytest.approx(69 - 1 - 0.05 + 0.07)
    assert high.root_pitch == pytest.approx(62 - 1 - 0.05)
    assert (low.loop_start, low.loop_end) == (8000, 20000)


def test_zones_agree_with_sf2utils(tmp_path: Path) -> None:
    path = layered_font().write(tmp_path / "a.sf2")
    with path.open("rb") as file:
        other = Sf2File(file)
        bags = [bag for bag in other.instruments[0].bags if bag.sample is not None]
        expected = [
            (max(50, bag.key_range[0]), min(80, bag.key_range[1]), bag.cooked_loop_start, bag.cooked_loop_end)
            for bag in bags
        ]
    font = SoundFont(path)
    found = [(z.low_key, z.high_key, z.loop_start, z.loop_end) for z in font.zones(font.presets[0])]
    assert found == expected


@pytest.mark.parametrize("vorbis", [False, True])
def test_samples_come_back(tmp_path: Path, vorbis: bool) -> None:
    font = orchestra_font()
    font.vorbis = vorbis
    read = SoundFont(font.write(tmp_path / "a.sf3"))
    for index, sample in enumerate(font.samples):
        data = read.decode(index)
        assert data.dtype == np.float32
        assert data.size == sample.data.size
        error = np.sqrt(np.mean((data - sample.data) ** 2) / np.mean(sample.data**2))
        assert error < (0.05 if vorbis else 1e-4)
    zone = read.zones(read.presets[0])[0]
    assert (zone.loop_start, zone.loop_end) == font.samples[0].loop


def test_one_shot_and_nonsense_loops_do_not_loop(tmp_path: Path) -> None:
    font = orchestra_font()
    font.samples[1].loop = (30000, 20000)
    font.instruments[0][1][0] = [(KEY_RANGE, span(0, 65)), (SAMPLE, 0)]
    read = SoundFont(font.write(tmp_path / "a.sf2"))
    assert [zone.loop_end - zone.loop_start for zone in read.zones(read.presets[0])] == [0, 0]


def test_absurd_generators_are_held_to_the_standards_range(tmp_path: Path) -> None:
    font = orchestra_font()
    font.instruments[0][1][0] = [
        (ATTACK, 32767),
        (RELEASE, -32768),
        (SUSTAIN, 30000),
        (ATTENUATION, -20000),
        (COARSE_TUNE, 30000),
        (ROOT_KEY, 200),
        (SAMPLE, 0),
    ]
    read = SoundFont(font.write(tmp_path / "a.sf2"))
    zone = read.zones(read.presets[0])[0]
    assert zone.attack_s < 102.0
    assert zone.release_s > 0.0
    assert zone.sustain_db == -144.0
    assert zone.attenuation_db == 0.0
    assert zone.root_pitch == 60 - 120


def test_sample_that_is_not_there_is_refused(tmp_path: Path) -> None:
    font = orchestra_font()
    font.instruments[0][1][1] = [(SAMPLE, 9)]
    read = SoundFont(font.write(tmp_path / "a.sf2"))
    with pytest.raises(SoundError, match="sample 9 is used but not in the file"):
        read.zones(read.presets[0])


def test_absurd_rate_is_refused(tmp_path: Path) -> None:
    font = orchestra_font()
    font.samples[0].rate_hz = 7
    read = SoundFont(font.write(tmp_path / "a.sf2"))
    with pytest.raises(SoundError, match="absurd rate of 7 Hz"):
        read.zones(read.presets[0])


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.01, 0.3, 0.7, 0.99, 0.999, 0.99999])
def test_truncated_file_is_refused_in_one_line(tmp_path: Path, share: float) -> None:
    content = orchestra_font().content()
    path = tmp_path / "cut.sf2"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(SoundError) as caught:
        read_everything(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"not a font at all" * 100, b"RIFF\xff\xff\xff\xffsfbkLIST\xff\xff\xff\xffINFO"]
)
def test_what_is_no_soundfont_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "no.sf2"
    path.write_bytes(content)
    with pytest.raises(SoundError, match="not a whole SoundFont"):
        SoundFont(path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SoundError, match=r"gone\.sf2: cannot be read"):
        SoundFont(tmp_path / "gone.sf2")


@pytest.mark.parametrize("vorbis", [False, True])
def test_damaged_bytes_never_raise_anything_else(tmp_path: Path, vorbis: bool) -> None:
    font = orchestra_font()
    font.vorbis = vorbis
    content = font.content()
    tables = content.rindex(b"pdta")
    path = tmp_path / "damaged.sf2"
    chooser = random.Random(5)
    refused = 0
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(chooser.randint(1, 6)):
            place = (
                chooser.randrange(tables, len(content)) if chooser.random() < 0.8 else chooser.randrange(len(content))
            )
            damaged[place] = chooser.randrange(256)
        path.write_bytes(damaged)
        try:
            read_everything(path)
        except SoundError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 10


def read_everything(path: Path) -> None:
    font = SoundFont(path)
    for preset in font.presets:
        for zone in font.zones(preset):
            font.decode(zone.sample)
