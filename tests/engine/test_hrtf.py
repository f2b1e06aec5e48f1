import h5py
import numpy as np
import pytest

from tutti.engine.audio import hrtf
from tutti.engine.audio.hrtf import (
    AZIMUTH_STEP_DEG,
    ELEVATION_STEP_DEG,
    HrtfGrid,
    build_filters,
    load_grid,
)
from tutti.engine.audio.hrtf_filters import HeadFilters
from tutti.engine.audio.hrtf_sets import LOWEST_ELEVATION_DEG, kemar_hrirs, read_sofa
from tutti.engine.errors import SoundError

RATE_HZ, SIZE = 48000, 512


@pytest.fixture(scope="module")
def head() -> HeadFilters:
    """What takes seconds is made once in this file."""
    return build_filters(kemar_hrirs(), RATE_HZ)


@pytest.fixture(scope="module")
def grid(head: HeadFilters, tmp_path_factory: pytest.TempPathFactory) -> HrtfGrid:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hrtf, "build_filters", lambda *_: head)
        return load_grid(RATE_HZ, SIZE, cache_dir=tmp_path_factory.mktemp("head"))


def ears(grid: HrtfGrid, azimuth_deg: float, elevation_deg: float = 0.0) -> np.ndarray:
    index = grid.index(np.radians([azimuth_deg]), np.radians([elevation_deg]))[0]
    return grid.spectra[index, :, 0] + 1j * grid.spectra[index, :, 1]


def itd_s(grid: HrtfGrid, azimuth_deg: float) -> float:
    """Delay of the right ear against the left, by correlation below 1.5 kHz."""
    left, right = ears(grid, azimuth_deg)
    low = np.arange(SIZE // 2 + 1) * RATE_HZ / SIZE < 1500.0
    correlation = np.fft.irfft(left.conj() * right * low, SIZE * 16)
    lag = int(correlation.argmax())
    return (lag - SIZE * 16 if lag > SIZE * 8 else lag) / (16.0 * RATE_HZ)


def test_default_head_has_every_direction_of_the_measurement() -> None:
    hrirs = kemar_hrirs()
    assert len(hrirs.responses) == 710  # as Gardner and Martin list them
    assert len(np.unique(hrirs.directions_deg, axis=0)) == len(hrirs.responses)


@pytest.mark.parametrize(("azimuth_deg", "nearer"), [(90.0, 0), (45.0, 0), (-45.0, 1), (-90.0, 1)])
def test_the_nearer_ear_hears_more_treble(grid: HrtfGrid, azimuth_deg: float, nearer: int) -> None:
    treble = np.abs(ears(grid, azimuth_deg))[:, 40:120]
    level_db = 10.0 * np.log10((treble**2).mean(axis=1))
    assert 8.0 < level_db[nearer] - level_db[1 - nearer] < 30.0


def test_times_of_arrival_are_those_of_a_human_head(grid: HrtfGrid) -> None:
    # Woodworth's sphere of 8.75 cm gives 0.66 ms at 90 degrees and 0.38 ms at 45 for high, up to 0.76 for low tones.
    assert 0.6e-3 < itd_s(grid, 90.0) < 0.85e-3
    assert 0.3e-3 < itd_s(grid, 45.0) < 0.6e-3
    assert itd_s(grid, -90.0) == pytest.approx(-itd_s(grid, 90.0), abs=5e-6)
    assert itd_s(grid, 0.0) == pytest.approx(0.0, abs=5e-6)


def test_sound_from_everywhere_has_no_colour(grid: HrtfGrid) -> None:
    columns = 360 // AZIMUTH_STEP_DEG
    elevations = np.radians(np.arange(LOWEST_ELEVATION_DEG, 91, ELEVATION_STEP_DEG))
    weights = np.repeat(np.cos(elevations), columns)
    weights[:columns] *= 8.0  # what lies below the lowest ring
    power = np.einsum("d,derk->k", weights / weights.sum(), grid.spectra**2) / 2.0
    frequencies_hz = np.arange(SIZE // 2 + 1) * RATE_HZ / SIZE
    audible = (frequencies_hz > 250.0) & (frequencies_hz < 14000.0)
    assert np.abs(10.0 * np.log10(power[audible])).max() < 2.0


def test_filters_end_within_their_length(grid: HrtfGrid) -> None:
    responses = np.fft.irfft(ears(grid, 77.0, 20.0), axis=-1)
    assert np.square(responses[:, grid.taps :]).sum() < 1e-4 * np.square(responses).sum()


def test_neighbours_on_the_grid_differ_little(grid: HrtfGrid) -> None:
    one, other = np.abs(ears(grid, 30.0)), np.abs(ears(grid, 31.0))
    assert np.percentile(np.abs(20.0 * np.log10(other[:, 2:180] / one[:, 2:180])), 95) < 1.0  # notches move more


def test_cache_is_used_and_rebuilt_when_broken(tmp_path, head: HeadFilters, monkeypatch: pytest.MonkeyPatch) -> None:
    built = []
    monkeypatch.setattr(hrtf, "build_filters", lambda *_: built.append(1) or head)
    first = np.array(load_grid(RATE_HZ, SIZE, cache_dir=tmp_path).spectra)
    (path,) = tmp_path.glob(f"kemar-{RATE_HZ}-{SIZE}-*.npy")
    stamp = path.stat().st_mtime_ns
    assert np.array_equal(load_grid(RATE_HZ, SIZE, cache_dir=tmp_path).spectra, first)
    assert path.stat().st_mtime_ns == stamp
    path.write_bytes(path.read_bytes()[:1000])
    assert np.array_equal(load_grid(RATE_HZ, SIZE, cache_dir=tmp_path).spectra, first)
    assert path.stat().st_size > 1_000_000
    assert len(built) == 1  # a grid that is lost is made of the filters that are not


def test_another_size_of_transform_or_head_costs_no_interpolation(
    tmp_path, head: HeadFilters, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []
    monkeypatch.setattr(hrtf, "build_filters", lambda *_: built.append(1) or head)
    small = load_grid(RATE_HZ, SIZE, cache_dir=tmp_path)
    large = load_grid(RATE_HZ, 2 * SIZE, cache_dir=tmp_path)
    assert np.abs(large.spectra[::97, ..., ::2] - small.spectra[::97]).max() < 0.01
    load_grid(RATE_HZ, SIZE, cache_dir=tmp_path, head_radius_m=0.08)
    assert len(built) == 1
    assert len(list(tmp_path.glob(f"*-{SIZE}-*.npy"))) == 2  # each size of a head has a file of its own
    (filters,) = tmp_path.glob("*-filters-*.npy")
    filters.write_bytes(b"nothing")
    load_grid(RATE_HZ, SIZE, cache_dir=tmp_path, head_radius_m=0.09)
    assert len(built) == 2


def test_heads_of_earlier_versions_leave_the_cache(
    tmp_path, head: HeadFilters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hrtf, "build_filters", lambda *_: head)
    load_grid(RATE_HZ, SIZE, cache_dir=tmp_path)
    (tmp_path / "other.npy").write_bytes(b"")
    monkeypatch.setattr(hrtf, "_VERSION", hrtf._VERSION + 1)
    grid = load_grid(RATE_HZ, SIZE, cache_dir=tmp_path)
    names = {path.name for path in tmp_path.glob("*.npy")}
    assert names == {
        "other.npy",
        f"kemar-{RATE_HZ}-{SIZE}-v{hrtf._VERSION}-{grid.taps}.npy",
        f"kemar-{RATE_HZ}-filters-v{hrtf._VERSION}-{head.filters.shape[-1]}.npy",
    }


def write_sofa(path, **changes: np.ndarray) -> None:
    hrirs = kemar_hrirs()
    content = {
        "Data.IR": hrirs.responses,
        "SourcePosition": np.column_stack([hrirs.directions_deg, np.full(len(hrirs.responses), 1.4)]),
        "Data.SamplingRate": np.array([44100.0]),
        "Data.Delay": hrirs.delays,
    } | changes
    with h5py.File(path, "w") as file:
        for name, values in content.items():
            file[name] = values


def test_sofa_file_of_the_same_head_gives_the_same_responses(tmp_path) -> None:
    write_sofa(tmp_path / "head.sofa")
    read, ours = read_sofa(tmp_path / "head.sofa"), kemar_hrirs()
    assert read.rate_hz == ours.rate_hz and np.array_equal(read.directions_deg, ours.directions_deg)
    assert np.array_equal(read.responses, ours.responses)
    assert read.delays is not None and ours.delays is not None and np.array_equal(read.delays, ours.delays)


@pytest.mark.parametrize(
    "changes",
    [
        {"Data.IR": np.zeros((710, 1, 128))},
        {"Data.IR": np.full((710, 2, 128), np.nan)},
        {"Data.SamplingRate": np.array([5.0])},
    ],
)
def test_unusable_sofa_files_are_refused_in_one_line(tmp_path, changes) -> None:
    write_sofa(tmp_path / "bad.sofa", **changes)
    with pytest.raises(SoundError) as caught:
        read_sofa(tmp_path / "bad.sofa")
    assert "\n" not in str(caught.value)


def test_what_is_no_sofa_file_is_refused(tmp_path) -> None:
    (tmp_path / "text.sofa").write_text("hello")
    with pytest.raises(SoundError, match="not a SOFA file"):
        read_sofa(tmp_path / "text.sofa")
    with pytest.raises(SoundError, match="cannot read"):
        load_grid(RATE_HZ, SIZE, sofa=tmp_path / "missing.sofa", cache_dir=tmp_path)
