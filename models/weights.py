"""The part network's weights on disk: a safetensors file and, beside it, a manifest of where they come from.

Nothing here imports torch, so that the answering process needs none.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from ..assets import asset_path
from ..engine.errors import ModelError

FORMAT_VERSION = 2


@dataclass(frozen=True, slots=True)
class PartManifest:
    """Where weights come from: data with hashes and split, licence, command, figures. ``shape`` has the sizes."""

    name: str
    format_version: int
    shape: dict[str, int]
    data: dict[str, Any]
    licence: str
    command: str
    figures: dict[str, Any]
    sha256: str


def default_part_weights() -> Path:
    """The weights that ship with Tutti."""
    return asset_path("weights", "parts.safetensors")


def part_manifest_path(weights: Path) -> Path:
    return weights.with_suffix(".json")


def write_part_weights(
    path: Path, arrays: Mapping[str, np.ndarray], shape: dict[str, int], description: Mapping[str, Any]
) -> PartManifest:
    """Write half-precision weights and their manifest; ``description`` has its data, licence, command and figures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: np.ascontiguousarray(array, np.float16) for name, array in arrays.items()}, path)
    path.chmod(0o644)  # safetensors keeps them from others
    manifest = PartManifest(
        name=path.stem,
        format_version=FORMAT_VERSION,
        shape=shape,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        **description,
    )
    rows = {field: getattr(manifest, field) for field in PartManifest.__slots__}
    part_manifest_path(path).write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return manifest


def read_part_weights(path: Path | None = None) -> tuple[dict[str, np.ndarray], PartManifest]:
    """Weights as float32 arrays by name. Raises ``ModelError`` when they or their manifest are missing or broken."""
    path = default_part_weights() if path is None else path
    if not path.is_file():
        raise ModelError(f"{path}: {'is a folder' if path.is_dir() else 'no such file'}; name weights (.safetensors)")
    try:
        manifest = PartManifest(**json.loads(part_manifest_path(path).read_text(encoding="utf-8")))
        if manifest.format_version != FORMAT_VERSION:
            raise ModelError(
                f"{path}: weights of format {manifest.format_version}, this program reads {FORMAT_VERSION}; "
                "train them again with `tutti train`"
            )
        if hashlib.sha256(path.read_bytes()).hexdigest() != manifest.sha256:
            raise ModelError(f"{path}: the weights do not match their manifest; fetch or train them again")
        arrays = {name: array.astype(np.float32) for name, array in load_file(path).items()}
    except (OSError, ValueError, TypeError, KeyError, SafetensorError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"{path}: cannot load these weights ({first}); train some with `tutti train`") from error
    return arrays, manifest
