"""``tutti part onnx``: the AI player's network as ONNX, for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from .options import console


def onnx(
    weights: Annotated[Path | None, typer.Argument(help="Weights (.safetensors); else those that ship.")] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Folder; else beside the weights.")] = None,
) -> None:
    """Write the AI player's weights as ONNX: the backbone's step and the head, two files."""
    from ...engine.errors import ModelError
    from ...models.weights import default_part_weights

    if weights is None and out is None:
        raise ModelError("say where to: -o FOLDER")
    write_onnx(weights or default_part_weights(), out)


def write_onnx(weights: Path, folder: Path | None = None) -> None:
    """The files, and a line about each. Raises ``ModelError``."""
    from ...engine.outputs import check_folder
    from ...models.part.onnx import export_onnx

    check_folder(weights.parent if folder is None else folder)
    for path in export_onnx(weights, folder):
        console.print(f"{path}: {path.stat().st_size / 1e6:.1f} MB", highlight=False, soft_wrap=True)
