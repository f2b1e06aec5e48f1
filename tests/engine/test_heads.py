"""Other heads: SOFA files of all kinds, one's own size, and how near interpolation comes to measurement."""

import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from tutti.engine.audio.hrtf import HrtfGrid, load_grid
from tutti.engine.audio.hrtf_filters import filters_and_delays
from tutti.engine.audio.hrtf_sets import HrirSet, kemar_hrirs, read_sofa
from tutti.engine.errors import SoundError

RATE_HZ, SIZE = 48000, 512


@pytest.fixture(autouse=True)
def _benchmarks_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(Path(__file__).resolve().parents[2] / "benchmarks"), *sys.path])


def itd_s(grid: HrtfGrid, azimuth_deg: float) -> float:
    from _space_measures import interaural

    head = grid.spectra[grid.index(np.radians([azimuth_deg]), np.zeros(1))[0]]
    return interaural(np.fft.irfft(head[:, 0] + 1j * head[:, 1], axis=-1))[0]


def thinned() -> HrirSet:
    """KEMAR without what ``every_other_azimuth`` chooses: half as dense, and a quarter of the work."""
    from _space_measures import every_other_azimuth, without

    measured = kemar_hrirs()
    return without(measured, every_other_azimuth(measured))


def lead_s(hrirs: HrirSet, azimuth_deg: float, head_radius_m: float | None = None) -> float:
    """By how much the left ear leads in a direction of the horizon."""
    from _space_measures import interaural

    filters, delays = filters_and_delays(hrirs, np.array([[azimuth_deg, 0.0]]), RATE_HZ, head_radius_m)
    turn = np.exp(-2j * np.pi * np.arange(SIZE // 2 + 1) / SIZE * (delays[0] - delays.min() + 24.0)[:, None])
    return interaural(np.fft.irfft(np.fft.rfft(filters[0], SIZE) * turn))[0]


def test_the_model_of_localisation_is_no_yes_man() -> None:
    """It hears each measured direction within a few degrees, and a head with its ears swapped on the other side."""
    from _space_measures import EarTemplates, turned_deg

    hrirs = kemar_hrirs()
    templates = EarTemplates.ahead(hrirs)
    horizon = np.flatnonzero((hrirs.directions_deg[:, 1] == 0.0) & (np.abs(hrirs.directions_deg[:, 0]) < 90.0))
    grid = load_grid(RATE_HZ, SIZE)
    for number in horizon[::3]:
        azimuth_deg = hrirs.directions_deg[number, 0]
        head = grid.spectra[grid.index(np.radians([azimuth_deg]), np.zeros(1))[0]]
        ears = np.fft.irfft(head[:, 0] + 1j * head[:, 1], axis=-1)
        assert turned_deg(templates.azimuth_deg(ears), azimuth_deg) <= 10.0
        assert turned_deg(templates.azimuth_deg(ears[::-1]), -azimuth_deg) <= 10.0


def test_a_larger_head_hears_larger_differences_of_time(tmp_path: Path) -> None:
    hrirs = thinned()
    assert lead_s(hrirs, 60.0, 0.0963) / lead_s(hrirs, 60.0) == pytest.approx(1.1, abs=0.02)
    ahead = np.array([[0.0, 0.0], [40.0, 20.0]])
    assert np.array_equal(
        filters_and_delays(hrirs, ahead, RATE_HZ)[0], filters_and_delays(hrirs, ahead, RATE_HZ, 0.1)[0]
    )
    for radius_m in (0.02, 0.3, float("nan")):
        with pytest.raises(SoundError, match="is usual"):
            load_grid(RATE_HZ, SIZE, cache_dir=tmp_path, head_radius_m=radius_m)


def write_sofa(path: Path, attributes: dict[str, str] | None = None, **changes: np.ndarray) -> Path:
    hrirs = kemar_hrirs()
    content = {
        "Data.IR": hrirs.responses,
        "SourcePosition": np.column_stack([hrirs.directions_deg, np.full(len(hrirs.responses), 1.4)]),
        "Data.SamplingRate": np.array([44100.0]),
    } | changes
    with h5py.File(path, "w") as file:
        for name, values in content.items():
            if values is not None:
                file[name] = values
        for name, text in (attributes or {}).items():
            file["SourcePosition"].attrs[name] = text
    return path


def test_delays_of_a_sofa_file_count(tmp_path: Path) -> None:
    """Responses that begin at once, and when they do beside them."""
    hrirs = kemar_hrirs()
    shifted = np.array(hrirs.delays)
    shifted[:, 1] += 20.0  # samples of 44.1 kHz: the right ear later by 0.45 ms
    read = read_sofa(write_sofa(tmp_path / "d.sofa", **{"Data.Delay": shifted}))
    assert lead_s(read, 0.0) - lead_s(hrirs, 0.0) == pytest.approx(20.0 / 44100.0, abs=5e-6)
    same = read_sofa(write_sofa(tmp_path / "z.sofa", **{"Data.Delay": np.zeros((1, 2))}))
    assert same.delays is None


def test_directions_may_be_cartesian_in_radians_or_repeated(tmp_path: Path) -> None:
    degrees = np.column_stack([kemar_hrirs().directions_deg, np.full(710, 1.4)])
    azimuth, elevation = np.radians(degrees[:, :2]).T
    flat = np.cos(elevation)
    points = 1.4 * np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)], axis=1)
    radians = np.column_stack([azimuth, elevation, degrees[:, 2]])
    twice = np.concatenate([degrees, degrees[:5]])
    responses = kemar_hrirs().responses
    files = [
        write_sofa(tmp_path / "points.sofa", {"Type": "cartesian"}, SourcePosition=points),
        write_sofa(tmp_path / "radians.sofa", {"Units": "radian, radian, metre"}, SourcePosition=radians),
        write_sofa(
            tmp_path / "twice.sofa", SourcePosition=twice, **{"Data.IR": np.concatenate([responses, responses[:5]])}
        ),
    ]
    for path in files:
        read = read_sofa(path)
        assert len(read.directions_deg) == 710
        wanted = np.radians(kemar_hrirs().directions_deg)
        found = np.radians(read.directions_deg)
        assert np.cos(found[:, 0] - wanted[:, 0])[np.abs(wanted[:, 1]) < 1.5] == pytest.approx(1.0, abs=1e-6)
        assert found[:, 1] == pytest.approx(wanted[:, 1], abs=1e-6)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Data.IR": None, "Data.Real": np.zeros((710, 2, 65))}, "without impulse responses"),
        ({"SourcePosition": np.full((710, 3), np.nan)}, "not finite"),
        (
            {"SourcePosition": np.linspace(0, 359, 710)[:, None] * [1.0, 0.0, 0.0]},
            "round the head",
        ),
        ({"Data.IR": np.zeros((710, 2, 128))}, "silent"),
        ({"Data.Delay": np.zeros((5, 2))}, "delays of shape"),
    ],
)
def test_heads_that_cannot_be_heard_with_are_refused(tmp_path: Path, changes: dict, reason: str) -> None:
    with pytest.raises(SoundError, match=reason) as caught:
        read_sofa(write_sofa(tmp_path / "bad.sofa", **changes))
    assert "\n" not in str(caught.value)
