"""The orchestra follows a phone about as well as a mouse: the benchmark's quick cases, by the page's own code."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support import make_score

from tutti.engine.conducting.virtual_conductor import conduct
from tutti.engine.conducting.virtual_phone import GRAVITY, PhoneHandling, sense
from tutti.studio import web_build

ROOT = Path(web_build.__file__).resolve().parent.parent


@pytest.mark.timeout(240)
def test_icti_keep_their_time_sizes_their_order_and_the_orchestra_follows() -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "phone.py"), "--quick", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=220)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert len(results) == 4
    for result in results:
        assert result["found"] == result["icti"], result
        assert abs(result["median_ms"]) <= 15.0 and result["high_ms"] - result["low_ms"] <= 30.0, result
        assert result["size_correlation"] >= 0.9, result
        assert result["count_error"] == 0 and result["f"] >= result["f_mouse"] - 0.08, result


def test_a_virtual_phone_at_rest_feels_gravity_and_says_how_it_lies() -> None:
    score = make_score([(0.0, 1.0, 60, 0, 0.5, 0)], measures=2)
    quarters = np.append(score.beats["quarter"], 8.0).astype(float)
    take = conduct(score, (quarters, 3.0 + 0.6 * np.arange(len(quarters))), noise_m=0.0, rate_hz=400)
    perfect = PhoneHandling(
        bias=0.0, noise=0.0, tilt_error_deg=0.0, angle_noise_deg=0.0, heading_drift_deg_s=0.0, tremor_m=0.0
    )
    readings = sense(take, perfect)
    assert readings.angles_deg is not None
    resting = readings.time_s < readings.time_s[0] + 1.5
    assert np.linalg.norm(readings.acceleration[resting], axis=1) == pytest.approx(GRAVITY, abs=0.01)
    alpha, beta, _ = readings.angles_deg[resting].T
    assert alpha == pytest.approx(70.0, abs=0.5) and beta == pytest.approx(15.0, abs=0.5)
    flipped = sense(take, PhoneHandling(flipped=True, oriented=False))
    assert flipped.angles_deg is None
    assert np.dot(flipped.acceleration[0], readings.acceleration[0]) < 0
    moving = np.ptp(readings.acceleration[~resting], axis=0)
    assert moving.max() > 5.0
