"""A part network with random weights, small and quick: what is tested with it is not how good its music is."""

from pathlib import Path

import torch

from tutti.models.part.network import PartNetwork, PartShape
from tutti.models.weights import write_part_weights

SMALL = PartShape(width=32, layers=1, heads=2, head=32, window=64)


def write_small(path: Path, seed: int = 1) -> Path:
    """Weights of a small random network and their manifest."""
    torch.manual_seed(seed)
    network = PartNetwork(SMALL)
    arrays = {name: value.detach().numpy() for name, value in network.state_dict().items()}
    description = {"data": {}, "licence": "test", "command": "test", "figures": {}}
    write_part_weights(path, arrays, network.describe(), description)
    return path
