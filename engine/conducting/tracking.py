"""Where recorded and pointed gesture comes from: takes (CSV files) and two-dimensional pointers.

A take is the recording of a conductor: one row per sample and device in the tracking frame, any rate from 15 to
1000 Hz, with uneven stamps and gaps. Lines that start with ``#`` are comments; ``# key: value`` is metadata.
"""

import csv
import io
import math
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import TakeError
from ..transforms import unit_quaternion
from ..types import DEVICES, Device, Pose

COLUMNS = ("time_s", "device", "x_m", "y_m", "z_m", "qw", "qx", "qy", "qz", "valid")
MAX_TAKE_BYTES = 1 << 30
"""Three devices at 1000 Hz for an hour are about 0.8 GB."""
_METADATA_LINES = 200
_TRUE = frozenset({"", "1", "true", "yes"})
_FALSE = frozenset({"0", "false", "no"})


@dataclass(frozen=True, slots=True)
class Take:
    """A recording of gesture. ``poses`` are in the order of the file; stamps are on the take's own clock."""

    poses: tuple[Pose, ...]
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def start_s(self) -> float:
        return min((pose.time_s for pose in self.poses), default=0.0)

    @property
    def end_s(self) -> float:
        return max((pose.time_s for pose in self.poses), default=0.0)

    def of(self, device: Device) -> list[Pose]:
        """The poses of one device."""
        return [pose for pose in self.poses if pose.device == device]


def read_take(path: Path | str) -> Take:
    """Read a take. Raises ``TakeError``, naming file and line, where it cannot be understood.

    A sample whose position is missing or not finite counts as lost tracking (``valid`` False).
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_TAKE_BYTES:
            raise TakeError(f"{path}: larger than {MAX_TAKE_BYTES >> 20} MiB; split the take or lower its rate")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise TakeError(f"{path}: cannot be read ({error.strerror}); check the file's name") from error
    except UnicodeDecodeError as error:
        raise TakeError(
            f"{path}: not a text file; a take is a CSV file in UTF-8 (tutti export makes one of a session)"
        ) from error
    return parse_take(text, str(path))


def parse_take(text: str, name: str = "take") -> Take:
    """Read a take from its text; ``name`` is what messages call it."""
    metadata: dict[str, str] = {}
    columns: dict[str, int] | None = None
    poses: list[Pose] = []
    for number, line in enumerate(io.StringIO(text), start=1):
        line = line.strip()
        if not line:
            continue
        if line.startswith("#"):
            key, separator, value = line[1:].partition(":")
            if separator and len(metadata) < _METADATA_LINES:
                metadata[key.strip()] = value.strip()
            continue
        cells = next(csv.reader([line]))
        where = f"{name}, line {number}"
        if columns is None:
            columns = _header(cells, where)
        else:
            poses.append(_pose(cells, columns, where))
    if columns is None:
        raise TakeError(f"{name}: empty; a take starts with the header {','.join(COLUMNS)}")
    if not any(pose.device == "baton" and pose.valid for pose in poses):
        raise TakeError(f"{name}: holds no valid sample of the baton; one device must be 'baton'")
    return Take(tuple(poses), metadata)


def _header(cells: list[str], where: str) -> dict[str, int]:
    columns = {cell.strip(): index for index, cell in enumerate(cells)}
    missing = [column for column in COLUMNS[:5] if column not in columns]
    if missing:
        raise TakeError(f"{where}: the header lacks {', '.join(missing)}; it must be {','.join(COLUMNS)}")
    return columns


def _pose(cells: list[str], columns: dict[str, int], where: str) -> Pose:
    def cell(column: str) -> str:
        index = columns.get(column, len(cells))
        return cells[index].strip() if index < len(cells) else ""

    def number(column: str) -> float:
        text = cell(column)
        try:
            return float(text) if text else math.nan
        except ValueError:
            raise TakeError(f"{where}: {column} is {text[:20]!r}, not a number") from None

    time_s = number("time_s")
    if not math.isfinite(time_s):
        raise TakeError(f"{where}: time_s must be a number of seconds")
    device = cell("device")
    if device not in DEVICES:
        raise TakeError(f"{where}: unknown device {device[:20]!r}; use {', '.join(DEVICES)}")
    flag = cell("valid").lower()
    if flag not in _TRUE and flag not in _FALSE:
        raise TakeError(f"{where}: valid is {flag[:20]!r}; use 1 or 0")
    position = (number("x_m"), number("y_m"), number("z_m"))
    finite = all(map(math.isfinite, position))
    orientation = unit_quaternion((number("qw"), number("qx"), number("qy"), number("qz")))
    return Pose(
        time_s=time_s,
        device=device,
        position_m=position if finite else (0.0, 0.0, 0.0),
        orientation_wxyz=orientation,
        valid=finite and flag in _TRUE,
    )


def take_lines(take: Take) -> Iterator[str]:
    """The lines of the take's file, without line ends. Metres to 0.1 mm, seconds to 0.1 ms."""
    for key, value in take.metadata.items():
        yield f"# {key}: {value}".replace("\n", " ")
    yield ",".join(COLUMNS)
    for pose in take.poses:
        x, y, z = pose.position_m
        turn = ",,," if pose.orientation_wxyz is None else ",".join(f"{part:.4f}" for part in pose.orientation_wxyz)
        yield f"{pose.time_s:.4f},{pose.device},{x:.4f},{y:.4f},{z:.4f},{turn},{int(pose.valid)}"


def write_take(path: Path | str, take: Take) -> None:
    """Write a take; ``read_take`` reads it back. Raises ``TakeError`` where the file cannot be written."""
    path = Path(path)
    try:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(line + "\n" for line in take_lines(take))
    except OSError as error:
        raise TakeError(f"{path}: cannot be written ({error.strerror})") from error


class TakeSource:
    """Replays a take. A pose stamped ``t`` in the take comes at session time ``t + start_s``.

    Samples whose stamp goes backwards are dropped, per device. Used by one thread.
    """

    def __init__(self, take: Take, start_s: float = 0.0) -> None:
        self.start_s = start_s
        latest: dict[str, float] = {}
        self._poses: list[Pose] = []
        for pose in take.poses:
            if pose.time_s > latest.get(pose.device, -math.inf):
                latest[pose.device] = pose.time_s
                self._poses.append(_moved(pose, start_s) if start_s else pose)
        self._poses.sort(key=lambda pose: pose.time_s)
        self._next = 0

    @property
    def end_s(self) -> float:
        """Session time of the last pose."""
        return self._poses[-1].time_s if self._poses else self.start_s

    @property
    def finished(self) -> bool:
        """True when every pose was polled."""
        return self._next >= len(self._poses)

    def poll(self, now_s: float) -> Sequence[Pose]:
        begin = self._next
        while self._next < len(self._poses) and self._poses[self._next].time_s <= now_s:
            self._next += 1
        return self._poses[begin : self._next]

    def close(self) -> None:
        self._next = len(self._poses)


def _moved(pose: Pose, offset_s: float) -> Pose:
    return Pose(pose.time_s + offset_s, pose.device, pose.position_m, pose.orientation_wxyz, pose.valid)


POINTER_CENTRE_M = (0.05, 1.15, -0.45)
"""The middle of the pointer's plane: in front of the chest of a standing adult."""
POINTER_REACH_M = 0.35
"""How far from the middle the pointer's ±1 is."""


class PointerSource:
    """Conducting with a mouse, trackpad or finger: pointer positions become poses of the baton.

    The pointer moves in a vertical plane before the chest. ``push`` may be called from any thread, ``poll`` from one.
    At most ``capacity`` unread positions are kept; beyond that the oldest are lost.
    """

    def __init__(self, capacity: int = 4096) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Pose] = deque(maxlen=capacity)
        self._latest_s = -math.inf

    def push(self, x: float, y: float, time_s: float) -> None:
        """A pointer position: ``x`` −1 left … 1 right, ``y`` −1 bottom … 1 top, stamped on the session clock.

        Positions that are not finite, or not later than the last, are ignored; positions outside are clipped.
        """
        if not (math.isfinite(x) and math.isfinite(y) and math.isfinite(time_s)):
            return
        x, y = max(-1.0, min(1.0, x)), max(-1.0, min(1.0, y))
        centre_x, centre_y, depth = POINTER_CENTRE_M
        position = (centre_x + POINTER_REACH_M * x, centre_y + POINTER_REACH_M * y, depth)
        with self._lock:
            if time_s > self._latest_s:
                self._latest_s = time_s
                self._waiting.append(Pose(time_s, "baton", position))

    def poll(self, now_s: float) -> Sequence[Pose]:
        ready: list[Pose] = []
        with self._lock:
            while self._waiting and self._waiting[0].time_s <= now_s:
                ready.append(self._waiting.popleft())
        return ready

    def close(self) -> None:
        with self._lock:
            self._waiting.clear()
