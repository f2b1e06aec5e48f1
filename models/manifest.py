"""Weights on disk: a safetensors file and, beside it, a manifest that says where they come from."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from ..assets import asset_path
from ..engine.errors import ModelError
from .network import HarmonyNetwork, NetworkShape

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """Where weights come from: data with hashes, split, licence, command, figures."""

    name: str
    format_version: int
    shape: dict[str, Any]
    data: dict[str, Any]
    licence: str
    command: str
    figures: dict[str, Any]
    sha256: str


def default_weights() -> Path:
    """The weights that ship with Tutti."""
    return asset_path("weights", "harmoniser.safetensors")


def manifest_path(weights: Path) -> Path:
    return weights.with_suffix(".json")


def save_weights(path: Path, network: HarmonyNetwork, description: dict[str, Any]) -> Manifest:
    """Write half-precision weights and their manifest. ``description`` has the manifest's data, licence, command and
    figures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({key: value.half().contiguous() for key, value in network.state_dict().items()}, path)
    manifest = Manifest(
        name=path.stem,
        format_version=FORMAT_VERSION,
        shape=network.describe(),
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        **description,
    )
    rows = {field: getattr(manifest, field) for field in Manifest.__slots__}
    manifest_path(path).write_text(json.dumps(rows, indent=1, ensure_ascii=False), encoding="utf-8")
    return manifest


def load_weights(path: Path | None = None) -> tuple[HarmonyNetwork, Manifest]:
    """A network ready to answer, on the CPU. Raises ``ModelError`` when weights or manifest are missing or broken."""
    path = default_weights() if path is None else path
    try:
        manifest = Manifest(**json.loads(manifest_path(path).read_text(encoding="utf-8")))
        if manifest.format_version != FORMAT_VERSION:
            raise ModelError(
                f"{path}: weights of format {manifest.format_version}, this program reads {FORMAT_VERSION}"
            )
        if hashlib.sha256(path.read_bytes()).hexdigest() != manifest.sha256:
            raise ModelError(f"{path}: the weights do not match their manifest; fetch or train them again")
        sizes = {key: value for key, value in manifest.shape.items() if key in NetworkShape.__slots__}
        network = HarmonyNetwork(NetworkShape(**sizes))
        network.load_state_dict({key: value.float() for key, value in load_file(path).items()})
    except (OSError, ValueError, TypeError, KeyError, SafetensorError, RuntimeError) as error:
        first = str(error).splitlines()[0]
        raise ModelError(f"{path}: cannot load these weights ({first}); train some with `tutti train`") from error
    network.eval()
    return network, manifest
