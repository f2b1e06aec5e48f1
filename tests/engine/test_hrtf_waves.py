"""The process over waves: what it makes of places on a head that are known, and where it knows that it does not."""

import numpy as np
import pytest
import scipy

from tutti.engine.audio.hrtf_interpolation import Neighbours
from tutti.engine.audio.hrtf_sets import kemar_hrirs
from tutti.engine.audio.hrtf_sphere import Sphere, unit_vectors
from tutti.engine.audio.hrtf_waves import EAR_M, POWER, RIM_M, RIM_RADII_M, WaveProcess, from_ear

PER_M = 2.0 * np.pi * 8000.0 / 343.0
"""Wavenumber at 8 kHz."""


@pytest.fixture(scope="module")
def known() -> np.ndarray:
    """Every second azimuth of KEMAR's: about 10 degrees apart."""
    directions_deg = kemar_hrirs().directions_deg
    kept = np.flatnonzero(np.round(directions_deg[:, 0], 2) % 10.0 < 6.0)
    return unit_vectors(directions_deg[kept[::2]])


def told(known: np.ndarray, measured: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the process tells of a field, and the share of power that it does not know."""
    process = WaveProcess(known)
    lower, covariance = process.factor(PER_M), process.towards(wanted).at(PER_M)
    weights = scipy.linalg.cho_solve((lower, True), measured * from_ear(known, PER_M).conj())
    explained = scipy.linalg.solve_triangular(lower, covariance.conj().T, lower=True)
    doubt = 1.0 - (np.abs(explained) ** 2).sum(axis=0) / POWER
    return (covariance @ weights) * from_ear(wanted, PER_M), doubt


def two_sides(directions: np.ndarray) -> np.ndarray:
    """Waves from the ear, and on the far side from the front and the back of the rim."""
    far = 1.0 / (1.0 + np.exp((directions[:, 1] + 0.6) / 0.1))
    ahead = np.array([RIM_RADII_M[0], 0.0, 0.0])
    front, back = (np.exp(1j * PER_M * directions @ (np.array(RIM_M) + side * ahead)) for side in (1.0, -1.0))
    return (1.0 - far) * np.exp(1j * PER_M * directions @ np.array(EAR_M)) + far * (front + 0.9 * back)


def test_waves_that_cancel_behind_the_head_are_followed_where_levels_are_lost(known: np.ndarray) -> None:
    """At 8 kHz the two of them cancel every 11 degrees, hardly farther apart than directions are known."""
    wanted = unit_vectors(np.stack([np.arange(-115.0, -66.0, 1.0), np.full(49, 4.0)], axis=1))
    truth = two_sides(wanted)
    waves, _ = told(known, two_sides(known), wanted)
    levels = np.exp(Neighbours.of(known, wanted).mean(np.log(np.abs(two_sides(known)))[:, None])[:, 0])
    size = np.sqrt((np.abs(truth) ** 2).mean())
    off, levels_off = (np.sqrt((np.square(of)).mean()) / size for of in (np.abs(waves - truth), levels - np.abs(truth)))
    assert off < 0.1 and levels_off > 0.25


def test_it_doubts_where_nothing_is_near_and_not_where_it_was_measured(known: np.ndarray) -> None:
    below = unit_vectors(np.array([[0.0, -89.0], [120.0, -75.0]]))
    _, doubt = told(known, two_sides(known), below)
    assert (doubt > 0.9).all() and (doubt <= 1.001).all()
    _, doubt = told(known, two_sides(known), known[::11])
    assert (doubt < 0.05).all() and (doubt > -1e-3).all()


@pytest.mark.parametrize("frequency_hz", [100.0, 1000.0, 6000.0, 17500.0])
def test_it_is_a_process_at_every_frequency(known: np.ndarray, frequency_hz: float) -> None:
    wavenumber = 2.0 * np.pi * frequency_hz / 343.0
    lower = WaveProcess(known).factor(wavenumber)
    power = np.square(np.abs(lower)).sum(axis=1)
    assert power == pytest.approx(POWER, rel=0.005)  # alike in all directions


def test_a_smooth_function_is_known_between_the_directions_of_a_sphere() -> None:
    """That of a wave from 14 cm beside the middle of a head, at 12 kHz."""
    place = 0.14 * np.array([0.48, 0.6, 0.64]) * 2.0 * np.pi * 12000.0 / 343.0
    sphere = Sphere()
    values = np.exp(1j * sphere.directions() @ place)[:, None].astype(np.complex64)
    azimuths_deg = np.arange(-180.0, 180.0, 7.0)
    for elevation_deg in (-40.0, -13.0, 0.0, 61.0, 89.0, 90.0):
        wanted = unit_vectors(np.stack([azimuths_deg, np.full_like(azimuths_deg, elevation_deg)], axis=1))
        ring = sphere.ring(values, azimuths_deg, elevation_deg)
        assert np.abs(ring[:, 0] - np.exp(1j * wanted @ place)).max() < 0.01
