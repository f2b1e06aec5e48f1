"""The part network's weights on disk: a safetensors file and, beside it, a manifest of where they come from.

Nothing here imports torch, so that the answering process needs none.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from ..assets import asset_path
from ..engine.errors import ModelError
from ..engine.outputs import check_file

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
    """Write half-precision weights and their manifest; ``description`` has its data, licence, command and figures.

    Raises ``OSError``.
    """
    weights = save({name: np.ascontiguousarray(array, np.float16) for name, array in arrays.items()})
    manifest = PartManifest(
        name=path.stem,
        format_version=FORMAT_VERSION,
        shape=shape,
        sha256=hashlib.sha256(weights).hexdigest(),
        **description,
    )
    write_with_manifest(path, weights, {field: getattr(manifest, field) for field in PartManifest.__slots__})
    return manifest


def write_with_manifest(path: Path, weights: bytes, manifest: Mapping[str, Any]) -> None:
    """Write both files beside those that were there, then put them in their place, so that a full disk or a process
    that is ended leaves the weights from before. Raises ``OSError``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
    places = {path: weights, part_manifest_path(path): text.encode()}
    parts = {place: place.with_name(f"{place.name}.part") for place in places}
    try:
        for place, data in places.items():
            parts[place].write_bytes(data)
        for place, part in parts.items():
            part.replace(place)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)


def check_place(path: Path, sources: Iterable[Path] = (), *, replace: bool = True) -> None:
    """Raise ``ModelError`` where weights should not be written, because their manifest would replace one of the
    ``sources``, or because there are weights that they shall not ``replace``, and ``OutputError`` where they cannot be:
    to be told before a training, not after it."""
    check_file(path)
    if path.suffix != ".safetensors":
        raise ModelError(f"{path}: weights are written to a file whose name ends in .safetensors")
    manifest = part_manifest_path(path)
    if manifest.resolve() in {source.resolve() for source in sources}:
        raise ModelError(
            f"{manifest}: the manifest of {path.name} would replace it; choose another name for the weights"
        )
    if not replace:
        _check_free(path)


def _check_free(path: Path) -> None:
    """Raise ``ModelError`` where there are weights already: a training would replace them when it first looks at music
    held out, whether it has become better than they are or not."""
    if not path.exists():
        return
    try:
        nats = json.loads(part_manifest_path(path).read_text(encoding="utf-8"))["figures"]["nats_per_token"]
        how_good = f" ({nats:.3f} nats a token on the music held out from them)"
    except (OSError, ValueError, KeyError, TypeError):  # others than of the AI player say other things of themselves
        how_good = ""
    raise ModelError(
        f"{path}: there are weights already{how_good}; name another file with -o, or say --force to replace them"
    )


def read_part_weights(path: Path | None = None) -> tuple[dict[str, np.ndarray], PartManifest]:
    """Weights as float32 arrays by name. Raises ``ModelError`` when they or their manifest are missing or broken."""
    path = default_part_weights() if path is None else path
    if not path.is_file():
        raise ModelError(f"{path}: {'is a folder' if path.is_dir() else 'no such file'}; name weights (.safetensors)")
    if not part_manifest_path(path).is_file():
        missing = part_manifest_path(path).name
        raise ModelError(f"{path}: its manifest {missing} is not beside it; name weights (.safetensors)")
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
