"""The baselines by name: where their weights lie, and how to open them."""

from pathlib import Path

from ...assets import asset_path
from ...engine.errors import ModelError
from ..weights import read_part_weights
from .bar_decoder import BarDecoder
from .sequence_decoder import SequenceDecoder

KINDS = ("lstm", "transformer", "gan")
BaselineDecoder = SequenceDecoder | BarDecoder


def baseline_weights(kind: str) -> Path:
    """Where the weights of a baseline that ships with Tutti lie, if it does. Raises ``ModelError`` for no such kind."""
    if kind not in KINDS:
        raise ModelError(f"no baseline {kind!r}: there are {', '.join(KINDS)}")
    return asset_path("weights", f"baseline-{kind}.safetensors")


def load_baseline(path: Path, seed: int = 0) -> BaselineDecoder:
    """The decoder of a baseline's weights, of whichever kind they are. Raises ``ModelError``."""
    arrays, manifest = read_part_weights(path)
    try:
        if "before.weight" in arrays:
            return SequenceDecoder(arrays, manifest, seed)
        return BarDecoder(arrays, manifest, seed)
    except (KeyError, ValueError) as error:
        raise ModelError(f"{path}: these are no baseline's weights ({error})") from error
