"""Read and rewrite the JSON part of a binary glTF file (glTF 2.0, section 4.4)."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

Json = dict[str, Any]


def edit(path: Path, change: Callable[[Json], None]) -> int:
    """Apply ``change`` to the file's JSON in place; returns the new size in bytes."""
    data = path.read_bytes()
    length = struct.unpack("<I", data[12:16])[0]
    document: Json = json.loads(data[20 : 20 + length])
    rest = data[20 + length :]
    change(document)
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    head = struct.pack("<4sII", b"glTF", 2, 20 + len(text) + len(rest)) + struct.pack("<I4s", len(text), b"JSON")
    path.write_bytes(head + text + rest)
    return path.stat().st_size


def opaque(document: Json) -> None:
    """Alpha of a vertex colour is ours to use, not transparency."""
    for material in document["materials"]:
        material.pop("alphaMode", None)
        material["doubleSided"] = True


def unlit(document: Json) -> None:
    """Mark all materials KHR_materials_unlit: the light is in the textures and colours."""
    for material in document["materials"]:
        material.setdefault("extensions", {})["KHR_materials_unlit"] = {}
        material.setdefault("pbrMetallicRoughness", {}).update(metallicFactor=0, roughnessFactor=1)
        material["doubleSided"] = False
        material.pop("alphaMode", None)
    document["extensionsUsed"] = sorted({*document.get("extensionsUsed", []), "KHR_materials_unlit"})


def room(
    low: tuple[float, float, float], high: tuple[float, float, float], rows: tuple[float, float, float]
) -> Callable[[Json], None]:
    """Write into the extras of the stage where cameras may be (hall frame, metres): the corners of the room's box; and
    where the first row of the audience is (Y), its floor, and how much that rises with every metre behind it."""

    def change(document: Json) -> None:
        stage = next(node for node in document["nodes"] if node["name"] == "hall_stage")
        stage.setdefault("extras", {}).update(room=[*low, *high], rows=[*rows])

    return change
