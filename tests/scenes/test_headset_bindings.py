"""The action manifest and its binding files, linted against what each kind of controller has."""

import json

import pytest
from openvr_support import MANIFEST, read_bindings

# What each kind of controller has, from SteamVR's input profiles: input and, of it, the parts that can be bound.
TRIGGER = {"pull", "click", "touch"}
STICK = {"position", "click", "double", "touch"}
BUTTON = {"click", "double"}
PINCH = {"pull", "click", "double"}
PARTS: dict[str, dict[str, dict[str, set[str]]]] = {
    "knuckles": {
        hand: {
            "trigger": TRIGGER,
            "grip": {"grab", "force", "pull", "touch"},
            "thumbstick": STICK,
            "trackpad": {"position", "force", "touch"},
            "skeleton": {hand},
            "a": BUTTON,
            "b": BUTTON,
        }
        for hand in ("left", "right")
    },
    "oculus_touch": {
        hand: {
            "trigger": TRIGGER,
            "grip": TRIGGER,
            "joystick": STICK,
            "skeleton": {hand},
            **dict.fromkeys(buttons, BUTTON),
        }
        for hand, buttons in (("left", "xy"), ("right", "ab"))
    },
    "vive_controller": {
        hand: {
            "trigger": TRIGGER,
            "grip": BUTTON,
            "trackpad": STICK,
            "application_menu": BUTTON,
            "skeleton": {hand},
        }
        for hand in ("left", "right")
    },
    "holographic_controller": {
        hand: {
            "trigger": TRIGGER,
            "grip": BUTTON,
            "trackpad": STICK,
            "joystick": STICK,
            "application_menu": BUTTON,
            "skeleton": {hand},
        }
        for hand in ("left", "right")
    },
    "vive_cosmos_controller": {
        hand: {
            "trigger": TRIGGER,
            "grip": BUTTON,
            "joystick": STICK,
            "bumper": BUTTON,
            "skeleton": {hand},
            **dict.fromkeys(buttons, BUTTON),
        }
        for hand, buttons in (("left", "xy"), ("right", "ab"))
    },
    "svl_hand_interaction_augmented": {
        hand: {
            **dict.fromkeys(("index_pinch", "middle_pinch", "ring_pinch", "pinky_pinch", "grip"), PINCH),
            "skeleton": {hand},
        }
        for hand in ("left", "right")
    },
}
TYPE_OF_PART = {
    "pull": "vector1",
    "force": "vector1",
    "click": "boolean",
    "touch": "boolean",
    "grab": "boolean",
    "double": "boolean",
    "left": "skeleton",
    "right": "skeleton",
}
MODES = {"trigger": TRIGGER, "button": {"click", "double", "touch"}, "grab": {"grab"}, "force_sensor": {"force"}}


def test_the_manifest_names_its_actions_in_words() -> None:
    manifest = json.loads(MANIFEST.read_text())
    names = [action["name"] for action in manifest["actions"]]
    assert len(set(names)) == len(names)
    assert {name.removeprefix("/actions/conduct/") for name in names} == {
        *(f"in/{name}" for name in ("baton", "lefthand", "dynamics", "select", "cue", "menu", "grab", "recenter")),
        *(f"in/{name}_{hand}" for name in ("aim", "fingers") for hand in ("left", "right")),
        "out/haptic",
    }
    assert all(action["requirement"] in ("mandatory", "suggested", "optional") for action in manifest["actions"])
    words = manifest["localization"][0]
    assert words["language_tag"] == "en_US"
    assert set(names) | {row["name"] for row in manifest["action_sets"]} <= set(words)
    assert {row["controller_type"] for row in manifest["default_bindings"]} == set(PARTS)


@pytest.mark.parametrize("controller", PARTS)
def test_every_action_is_bound_to_something_that_the_controller_has(controller: str) -> None:
    manifest = json.loads(MANIFEST.read_text())
    types = {action["name"]: action["type"] for action in manifest["actions"]}
    (url,) = (row["binding_url"] for row in manifest["default_bindings"] if row["controller_type"] == controller)
    binding = json.loads((MANIFEST.parent / url).read_text())
    assert binding["controller_type"] == controller
    assert set(binding["bindings"]) == {"/actions/conduct"}
    for source in binding["bindings"]["/actions/conduct"]["sources"]:
        assert set(source["inputs"]) <= MODES[source["mode"]], source
    bound = read_bindings(MANIFEST, controller)
    for path, outputs in bound.items():
        _, user, _, hand, kind, *rest = path.split("/")
        assert user == "user"
        for output in outputs:
            if kind == "input":
                part, component = rest
                assert component in PARTS[controller][hand][part], path
                assert types[output] == TYPE_OF_PART[component], path
            else:
                assert types[output] == {"pose": "pose", "output": "vibration"}[kind], path
                assert rest in (["raw"], ["tip"], ["haptic"])
    missing = set(types) - set().union(*bound.values())
    without = {"/actions/conduct/out/haptic"} if controller == "svl_hand_interaction_augmented" else set()
    assert missing == without, "mandatory or not, every action can be reached; hands do not vibrate"
    for action in ("dynamics", "select", "cue", "grab", "menu", "recenter"):
        hands = {path.split("/")[3] for path, outputs in bound.items() if f"/actions/conduct/in/{action}" in outputs}
        assert hands == {"left", "right"}, f"{action} must work when the hands change places"
    assert bound["/user/hand/right/pose/raw"] == {"/actions/conduct/in/baton"}
    for hand in ("left", "right"):
        assert bound[f"/user/hand/{hand}/pose/tip"] == {f"/actions/conduct/in/aim_{hand}"}
        assert bound[f"/user/hand/{hand}/input/skeleton/{hand}"] == {f"/actions/conduct/in/fingers_{hand}"}
    assert bound["/user/hand/left/pose/raw"] == {"/actions/conduct/in/lefthand"}
