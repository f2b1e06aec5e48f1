"""What viewers send as the engine takes it: whatever a page claims, a pose is one that can be drawn."""

import pytest

from tutti.engine.types import Pose
from tutti.studio.relay import protocol as p
from tutti.studio.relay.protocol_hands import PoseSample
from tutti.studio.relay.relay_clients import ClockMap
from tutti.studio.relay.viewer_inputs import inputs_of


def posed(position_m=(0.1, 1.2, -0.4), orientation_wxyz=(1.0, 0.0, 0.0, 0.0)) -> Pose:
    sample = PoseSample(1.0, "baton", position_m, orientation_wxyz, True)
    (pose,) = inputs_of(p.Poses(0.0, (sample,)), ClockMap(), 1.0)
    assert isinstance(pose, Pose)
    return pose


def test_an_orientation_is_a_unit_quaternion_or_none() -> None:
    assert posed().orientation_wxyz == (1.0, 0.0, 0.0, 0.0)
    assert posed(orientation_wxyz=(0.0, 0.5, 0.5, 0.0)).orientation_wxyz == pytest.approx(
        (0.0, 0.5**0.5, 0.5**0.5, 0.0)
    )
    assert posed(orientation_wxyz=(0.0, 0.0, 0.0, 0.0)).orientation_wxyz is None
    assert posed(orientation_wxyz=None).orientation_wxyz is None


@pytest.mark.parametrize("far", [(1e30, 0.0, 0.0), (0.0, -500.0, 0.0)])
def test_a_device_that_is_nowhere_near_is_not_tracked(far) -> None:
    assert posed().valid
    pose = posed(position_m=far)
    assert not pose.valid and pose.position_m == (0.0, 0.0, 0.0)
