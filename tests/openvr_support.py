"""A scripted OpenVR runtime: built by gcc, loaded by the real ``libopenvr_api``, playing takes as tracked devices."""

import ctypes
import json
import math
import mmap
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import openvr
import pytest

from tutti.assets import asset_path
from tutti.engine.types import DEVICES, Device, Pose

MANIFEST = asset_path("openvr", "actions.json")
TURN = (math.cos(0.3), 0.0, math.sin(0.3), 0.0)
SOURCE = Path(__file__).parent / "scenes" / "openvr_runtime" / "scripted_runtime.c"
MAGIC = 0x54555456
INTERFACES = {
    "IVRSystem": "OLD_SYSTEM",
    "IVRCompositor": "LACKS_COMPOSITOR | OLD_COMPOSITOR",
    "IVRInput": "LACKS_INPUT",
    "IVRApplications": "LACKS_APPLICATIONS",
}
"""What is scripted, and what hides the newest version of it."""
OLDER = (
    ("IVRSystem", "IVRSystem_022", {"pollNextEventWithPoseAndOverlays"}, "0"),
    ("IVRCompositor", "IVRCompositor_028", {"getSubmitTexture"}, "LACKS_COMPOSITOR"),
)
"""Versions of 2.5, by Valve's ``openvr_capi.h`` of that time, the functions that they lack, and what hides them."""
STRUCTURES = (
    "TrackedDevicePose_t",
    "InputDigitalActionData_t",
    "InputAnalogActionData_t",
    "InputPoseActionData_t",
    "VRActiveActionSet_t",
    "VRBoneTransform_t",
)
KINDS = {"boolean": 1, "vector1": 2, "pose": 3, "vibration": 4, "skeleton": 5}
HANDS = ("left", "right")
(
    LACKS_APPLICATIONS,
    LACKS_INPUT,
    LACKS_COMPOSITOR,
    OLD_SYSTEM,
    OLD_COMPOSITOR,
    LACKS_PROPERTIES,
    LACKS_TIPS,
    LACKS_HAPTICS,
    LACKS_FINGERS,
    HEAD_ONLY,
    NEEDS_GLX,
    LACKS_BACKGROUND,
    POSES_OF_PICTURES,
) = (1 << bit for bit in range(13))
"""What a runtime lacks, as the C source has it."""
CRASH_IN_INIT, HANG_IN_INIT, CRASH, HANG, CRASH_DRAWING, HANG_DRAWING = 1, 2, 3, 4, 5, 6
INDEX: dict[Device, int] = {"head": 0, "left": 1, "baton": 2}
"""Which tracked device plays which device of a take: headset, left controller, right controller."""
_u32, _f32, _f64 = ctypes.c_uint32, ctypes.c_float, ctypes.c_double


class _Sample(ctypes.Structure):
    _fields_ = [("t", _f64), ("p", _f32 * 3), ("q", _f32 * 4), ("valid", _u32)]


class _Device(ctypes.Structure):
    _fields_ = [(name, _u32) for name in ("class_", "role", "connected", "tracked", "first", "count")]


class _Action(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char * 96), ("kind", _u32), ("bound", _u32 * 2), ("value", _f32 * 2)]


class _Event(ctypes.Structure):
    _fields_ = [("type", _u32), ("device", _u32)]


class State(ctypes.Structure):
    """Mirror of ``State`` in the C source; the runtime refuses a size that differs."""

    _fields_ = [
        ("magic", _u32),
        ("size", _u32),
        ("start_s", _f64),
        ("display_hz", _f64),
        ("photons_s", _f64),
        ("manual_now_s", _f64),
        ("fov", (_f32 * 4) * 2),
        ("ipd_m", _f32),
        *((name, _u32) for name in ("eye_width", "eye_height", "focus", "skeletons", "want_image", "tracking_space")),
        *((name, _u32) for name in ("device_count", "action_count", "sample_count", "fault")),
        ("hmd_present", _u32),
        ("server_running", _u32),
        *((name, ctypes.c_int32) for name in ("init_result", "submit_result")),
        *((name, _u32) for name in ("lacks", "actions_away", "hidden_triangles")),
        ("cant_rad", _f32),
        ("events_written", _u32),
        ("devices", _Device * 8),
        ("actions", _Action * 32),
        ("events", _Event * 64),
        *((name, _u32) for name in ("inits", "cleanups", "application", "order_errors", "unknown_calls")),
        *((name, _u32) for name in ("pose_calls", "updates", "quits_acknowledged", "haptics", "haptic_hand")),
        ("events_read", _u32),
        ("haptic_amplitude", _f32),
        ("haptic_duration_s", _f32),
        ("waits", _u32),
        ("submits", _u32 * 2),
        *((name, _u32) for name in ("images", "image_width", "image_height")),
        ("bounds", (_f32 * 4) * 2),
        ("waited_s", _f64),
        ("problem", ctypes.c_char * 128),
        ("manifest", ctypes.c_char * 512),
        ("application_key", ctypes.c_char * 64),
    ]


def build_runtime(folder: Path) -> Path:
    """Compile the runtime into ``folder``; its installation's root. Function tables are those of pyopenvr."""
    (folder / "tables.h").write_text(_tables())
    library = folder / "runtime" / "bin" / "linux64" / "vrclient.so"
    library.parent.mkdir(parents=True)
    flags = ["-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden", f"-I{folder}"]
    subprocess.run(["gcc", *flags, str(SOURCE), "-o", str(library), "-lm", "-ldl", "-lpthread"], check=True)
    return folder / "runtime"


def _tables() -> str:
    lines = [f"#define SIZE_{name} {ctypes.sizeof(getattr(openvr, name))}" for name in STRUCTURES]
    for interface in INTERFACES:
        names = [field[0] for field in getattr(openvr, f"{interface}_FnTable")._fields_]
        lines += [
            f'static intptr_t unknown_{interface}_{name}(void) {{ unknown_call("{interface}.{name}"); return 0; }}'
            for name in names
        ]
        lines.append("enum { " + ", ".join(f"{interface}_{name}" for name in names) + " };")
        slots = ", ".join(f"unknown_{interface}_{name}" for name in names)
        lines.append(f"static void *{interface}_slots[] = {{ {slots} }};")
    rows = [
        f'{{ "{getattr(openvr, name + "_Version")}", {name}_slots, {hidden_by} }}'
        for name, hidden_by in INTERFACES.items()
    ]
    filling = []
    for interface, version, lacks, hidden_by in OLDER:
        names = [row[0] for row in getattr(openvr, f"{interface}_FnTable")._fields_ if row[0] not in lacks]
        lines.append(f"static void *{version}_slots[{len(names)}];")
        filling += [f"{version}_slots[{i}] = {interface}_slots[{interface}_{name}];" for i, name in enumerate(names)]
        rows.append(f'{{ "{version}", {version}_slots, {hidden_by} }}')
    lines.append(f"static void fill_older_tables(void) {{ {' '.join(filling)} }}")
    lines.append("static const struct { const char *version; void **slots; uint32_t hidden_by; } TABLES[] =")
    lines.append(f"  {{ {', '.join(rows)} }};")
    lines.append("#define SCRIPT(interface, name, function) (interface##_slots[interface##_##name] = (void *)function)")
    return "\n".join(lines) + "\n"


def write_registry(path: Path, runtime: Path) -> None:
    """The file by which OpenVR's loader finds the runtime."""
    folder = str(path.parent)
    registry = {"jsonid": "vrpathreg", "version": 1, "runtime": [str(runtime)], "config": [folder], "log": [folder]}
    path.write_text(json.dumps(registry))


class ScriptedRuntime:
    """The runtime's memory: what the test sets, and what the runtime counted."""

    def __init__(self, folder: Path, runtime: Path, poses: Sequence[Pose]) -> None:
        self.registry = folder / "openvrpaths.vrpath"
        write_registry(self.registry, runtime)
        self._path = folder / "state"
        tracks = {device: [pose for pose in poses if pose.device == device] for device in DEVICES}
        count = sum(map(len, tracks.values()))
        self._path.write_bytes(bytes(ctypes.sizeof(State) + count * ctypes.sizeof(_Sample)))
        with self._path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 0)
        self.state = State.from_buffer(self._memory)
        self._samples = (_Sample * count).from_buffer(self._memory, ctypes.sizeof(State))
        state = self.state
        state.magic, state.size = MAGIC, ctypes.sizeof(State)
        state.display_hz, state.hmd_present, state.server_running, state.focus = 90.0, 1, 1, 1
        state.photons_s, state.ipd_m, state.eye_width, state.eye_height = 0.011, 0.064, 160, 180
        for eye, (left, right) in enumerate(((-1.2, 1.0), (-1.0, 1.2))):
            state.fov[eye][:] = (left, right, -1.1, 1.1)
        state.start_s = time.perf_counter()
        state.device_count, state.sample_count = len(INDEX), count
        first = 0
        for device, index in INDEX.items():
            slot = state.devices[index]
            slot.class_, slot.role = (1, 0) if device == "head" else (2, index)
            slot.connected = slot.tracked = 1
            slot.first, slot.count = first, len(tracks[device])
            for offset, pose in enumerate(tracks[device]):
                self._samples[first + offset] = _sample(pose)
            first += len(tracks[device])

    @property
    def environment(self) -> dict[str, str]:
        return {"VR_PATHREG_OVERRIDE": str(self.registry), "TUTTI_SCRIPTED_VR": str(self._path)}

    def bind(self, manifest: Path, controller_type: str) -> None:
        """Resolve the manifest's actions through its binding file for a kind of controller, as a runtime does."""
        self._bindings = read_bindings(manifest, controller_type)
        actions = json.loads(manifest.read_text())["actions"]
        self.state.action_count = len(actions)
        for slot, action in zip(self.state.actions, actions, strict=False):
            slot.name, slot.kind = action["name"].encode(), KINDS[action["type"]]
            for hand, name in enumerate(HANDS):
                paths = [path for path, outputs in self._bindings.items() if action["name"].lower() in outputs]
                slot.bound[hand] = any(path.startswith(f"/user/hand/{name}/") for path in paths)

    def set_input(self, path: str, value: float) -> None:
        """Move a part of a controller, such as ``/user/hand/left/input/trigger/pull``."""
        hand = HANDS.index(path.split("/")[3])
        for slot in self.state.actions[: self.state.action_count]:
            if slot.name.decode().lower() in self._bindings[path]:
                slot.value[hand] = value

    def event(self, kind: int, device: int = 0) -> None:
        """The runtime tells of an event."""
        slot = self.state.events[self.state.events_written % 64]
        slot.type, slot.device = kind, device
        self.state.events_written += 1

    def samples_of(self, device: Device) -> list[_Sample]:
        """The timed poses that a device goes through, to be changed."""
        slot = self.state.devices[INDEX[device]]
        return [self._samples[slot.first + index] for index in range(slot.count)]

    def connect(self, device: Device, connected: bool) -> None:
        """Switch a device on or off."""
        self.state.devices[INDEX[device]].connected = connected

    def track(self, device: Device, tracked: bool) -> None:
        """Let the cameras see a device, or not."""
        self.state.devices[INDEX[device]].tracked = tracked

    def image(self, timeout_s: float = 20.0) -> np.ndarray:
        """The next picture that both eyes were given: (height, 2 × width, 3), 0–255, the upper row first."""
        before = self.state.images
        self.state.want_image = 1
        end_s = time.monotonic() + timeout_s
        while self.state.images == before:
            assert time.monotonic() < end_s, "no picture came"
            time.sleep(0.01)
        raw = np.fromfile(f"{self._path}.rgba", "u1")
        return raw.reshape(self.state.image_height, self.state.image_width, 4)[::-1, :, :3]

    def close(self) -> None:
        del self.state, self._samples
        self._memory.close()
        self._path.unlink()


def read_bindings(manifest: Path, controller_type: str) -> dict[str, set[str]]:
    """Which actions each part of a controller drives: ``{"/user/hand/left/input/trigger/pull": {action, …}}``."""
    urls = {row["controller_type"]: row["binding_url"] for row in json.loads(manifest.read_text())["default_bindings"]}
    binding = json.loads((manifest.parent / urls[controller_type]).read_text())
    found: dict[str, set[str]] = {}
    for group in binding["bindings"].values():
        for row in [*group.get("poses", ()), *group.get("haptics", ()), *group.get("skeleton", ())]:
            found.setdefault(row["path"], set()).add(row["output"].lower())
        for source in group.get("sources", ()):
            for part, target in source["inputs"].items():
                found.setdefault(f"{source['path']}/{part}", set()).add(target["output"].lower())
    return found


def _sample(pose: Pose) -> _Sample:
    return _Sample(pose.time_s, pose.position_m, pose.orientation_wxyz or (1.0, 0.0, 0.0, 0.0), int(pose.valid))


def still_poses(turn: tuple[float, float, float, float] = TURN) -> list[Pose]:
    """Everyone at rest for an hour: baton to the right, other hand to the left, all turned."""
    places = (("baton", (0.2, 1.2, -0.4)), ("left", (-0.2, 1.1, -0.3)), ("head", (0.0, 1.7, 0.0)))
    return [Pose(t, device, place, turn) for t in (0.0, 3600.0) for device, place in places]  # type: ignore[arg-type]


Script = Callable[..., ScriptedRuntime]


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runtime, built once."""
    if sys.platform != "linux":
        pytest.skip("the scripted runtime is built for Linux")
    return build_runtime(tmp_path_factory.mktemp("openvr"))


@pytest.fixture
def script(installation: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    """Start the runtime with poses and a kind of controller; afterwards it must have seen no misuse."""
    made: list[ScriptedRuntime] = []

    def start(poses: list[Pose] | None = None, controller: str = "knuckles") -> ScriptedRuntime:
        runtime = ScriptedRuntime(tmp_path, installation, poses or still_poses())
        runtime.bind(MANIFEST, controller)
        for name, value in runtime.environment.items():
            monkeypatch.setenv(name, value)
        made.append(runtime)
        return runtime

    yield start
    for runtime in made:
        state = runtime.state
        assert (state.order_errors, state.unknown_calls) == (0, 0), state.problem
        del state
        runtime.close()


def until(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    """Wait for something that another process does."""
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s, "it did not happen in time"
        time.sleep(0.01)
