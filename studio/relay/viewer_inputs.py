"""What viewers send, as the engine takes it: checked, and stamped on the session's clock.

Every function raises ``ProtocolError`` for what no honest page sends.
"""

from collections.abc import Iterator

from ...engine.errors import ProtocolError
from ...engine.transforms import unit_quaternion
from ...engine.types import Pose
from . import protocol as wire
from .protocol_hands import PointerSample, TapSample
from .relay_clients import MAX_AHEAD_S, ClockMap
from .relay_types import Control, Input, KeyInput, PointerInput, TapInput
from .session_info import SessionInfo

FARTHEST_M, NOWHERE_M = 100.0, (0.0, 0.0, 0.0)
"""A device that claims to be farther from the podium is not tracked."""
GAIN_RANGE_DB = (-60.0, 12.0)


def check_count(message: wire.ClientMessage) -> None:
    """One message holds at most ``MAX_SAMPLES``."""
    if isinstance(message, wire.Pointer | wire.Poses | wire.Tap | wire.Keys | wire.Pointing):
        count = len(message.samples)
        if count > wire.MAX_SAMPLES:
            raise ProtocolError(f"{count} samples where {wire.MAX_SAMPLES} are allowed")


def inputs_of(message: wire.Pointer | wire.Poses | wire.Tap, clock: ClockMap, arrival_s: float) -> Iterator[Input]:
    """The poses, pointer positions or taps of a baton. A headset's poses may be predicted, ``MAX_AHEAD_S`` at most."""
    if not message.samples:
        return
    ahead_s = MAX_AHEAD_S if isinstance(message, wire.Poses) else 0.0
    stamps = [sample.client_s for sample in message.samples]
    times = clock.to_session(stamps, message.clock_offset_s, arrival_s, ahead_s)
    points = message.samples
    for index, time_s in enumerate(times):
        point = points[index]
        if isinstance(point, PointerSample):
            yield PointerInput(time_s, point.x, point.y, point.pressed)
        elif isinstance(point, TapSample):
            yield TapInput(time_s, point.strength)
        else:
            here = max(map(abs, point.position_m)) <= FARTHEST_M
            turn = None if point.orientation_wxyz is None else unit_quaternion(point.orientation_wxyz)
            yield Pose(time_s, point.device, point.position_m if here else NOWHERE_M, turn, point.valid and here)


def keys_of(
    message: wire.Keys, clock: ClockMap, arrival_s: float, held: set[int], may_begin: bool
) -> Iterator[KeyInput]:
    """Keys pressed (where the viewer ``may_begin`` one) and let go; ``held`` (what is down) is brought up to date."""
    if not message.samples:
        return
    times = clock.to_session([sample.client_s for sample in message.samples], message.clock_offset_s, arrival_s)
    for sample, time_s in zip(message.samples, times, strict=True):
        if sample.pitch > 127 or sample.velocity > 127:
            raise ProtocolError(f"no key {sample.pitch} at velocity {sample.velocity}: both are 0 to 127")
        if sample.velocity and may_begin:
            held.add(sample.pitch)
            yield KeyInput(time_s, sample.pitch, sample.velocity)
        elif not sample.velocity and sample.pitch in held:
            held.discard(sample.pitch)
            yield KeyInput(time_s, sample.pitch, 0)


def command_of(message: wire.Command, info: SessionInfo, viewer: int, name: str) -> Control:
    """A command whose target the session has, its value within bounds."""
    if message.action == "seek" and message.target >= len(info.measures):
        raise ProtocolError(f"measure index {message.target} of {len(info.measures)}")
    if message.action in ("gain", "mute", "solo") and message.target >= len(info.parts):
        raise ProtocolError(f"part {message.target} of {len(info.parts)}")
    value = min(max(message.value, GAIN_RANGE_DB[0]), GAIN_RANGE_DB[1])
    return Control(viewer, name, message.action, message.target, value)
