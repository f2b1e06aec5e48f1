"""Other heads: SOFA files of all kinds, one's own size, and how near interpolation comes to measurement."""

import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from tutti.engine.audio.hrtf import HrtfGrid, build_grid, kemar_hrirs, load_grid, read_sofa
from tutti.engine.errors import SoundError

RATE_HZ, SIZE = 48000, 512


@pytest.fixture(autouse=True)
def _benchmarks_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(Path(__file__).resolve().parents[2] / "benchmarks"), *sys.path])


def itd_s(grid: HrtfGrid, azimuth_deg: float) -> float:
    from _space_measures import interaural

    head = grid.spectra[grid.index(np.radians([azimuth_deg]), np.zeros(1))[0]]
    return interaural(np.fft.irfft(head[:, 0] + 1j * head[:, 1], axis=-1))[0]


def test_filters_come_near_what_was_measured_where_they_did_not_know_it() -> None:
    from _space_measures import leave_out_errors

    errors = leave_out_errors()
    assert errors.directions > 100
    assert errors.itd_95_us <= 60.0 and errors.ild_db < 0.7 and errors.spectral_db < 2.0


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
    usual = load_grid(RATE_HZ, SIZE, cache_dir=tmp_path)
    large = load_grid(RATE_HZ, SIZE, cache_dir=tmp_path, head_radius_m=0.0963)
    assert itd_s(large, 60.0) / itd_s(usual, 60.0) == pytest.approx(1.1, abs=0.02)
    assert np.allclose(
        np.abs(large.spectra[0, :, 0] + 1j * large.spectra[0, :, 1])[:, 5:150],
        np.abs(usual.spectra[0, :, 0] + 1j * usual.spectra[0, :, 1])[:, 5:150],
        rtol=0.15,
    )
    assert len(list(tmp_path.glob("*.npy"))) == 2
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
    shifted = np.zeros((len(hrirs.responses), 2))
    shifted[:, 1] = 20.0  # samples of 44.1 kHz: the right ear later by 0.45 ms
    plain = build_grid(hrirs, RATE_HZ, SIZE)
    later = build_grid(read_sofa(write_sofa(tmp_path / "d.sofa", **{"Data.Delay": shifted})), RATE_HZ, SIZE)
    assert itd_s(later, 0.0) - itd_s(plain, 0.0) == pytest.approx(20.0 / 44100.0, abs=5e-6)
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
