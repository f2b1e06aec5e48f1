"""The weights that ship: small, with a manifest that holds, and musical enough to answer a melody."""

import numpy as np

from tutti.models.controls import Controls
from tutti.models.copy_check import CopyIndex, copies_path
from tutti.models.decoding import PartDecoder
from tutti.models.grid import FIRST_PITCH, HOLD, Place, pitch_to_token, states_after
from tutti.models.part.runtime import PartModel
from tutti.models.weights import default_part_weights

MELODY = (72, 74, 76, 77, 79, 77, 76, 74, 72, 71, 72, 76, 79, 81, 79, 76, 77, 76, 74, 72, 74, 71, 72, 72)
RANGES = ((60, 84), (53, 76), (48, 69), (40, 62))


def answered(model: PartModel, seed: int, controls: Controls | None = None) -> np.ndarray:
    """Lower voices to a tune in C major in quarters, (steps, 4)."""
    decoder = PartDecoder(model, given=(0,), ranges=RANGES, seed=seed)
    return np.array(
        [
            decoder.step(
                Place(step % 4, step // 4 % 4, 4),
                {0: pitch_to_token(MELODY[step // 4]) if step % 4 == 0 else HOLD},
                controls,
                strength=(1.0, 0.2, 0.5, 0.2)[step // 4 % 4] if step % 4 == 0 else 0.0,
            )
            for step in range(4 * len(MELODY))
        ]
    )


def test_the_shipped_weights_answer_a_soprano() -> None:
    model = PartModel.load()
    tokens = np.concatenate([answered(model, seed) for seed in range(6)])
    sounding, _ = states_after(tokens)
    beats = sounding[::4]
    lower = beats[:, 1:]
    heard = lower >= FIRST_PITCH
    assert heard.mean() > 0.7, "who accompanies plays while the melody does"
    consonant = np.isin((beats[:, :1] - lower) % 12, (0, 3, 4, 5, 7, 8, 9))[heard]
    assert consonant.mean() > 0.8, "chance is 0.58"
    scale = np.isin((lower[heard] - pitch_to_token(60)) % 12, (0, 2, 4, 5, 7, 9, 11))
    assert scale.mean() > 0.85, "the tune is in C major; chance is 0.58"


def test_the_shipped_weights_play_as_densely_as_asked() -> None:
    model = PartModel.load()
    onsets = [
        (answered(model, 1, Controls(density=density))[:, 1:] >= FIRST_PITCH).sum() / len(MELODY) / 3
        for density in (0.4, 1.0, 2.0)
    ]
    assert 0.25 < onsets[0] < 0.6 and 0.8 < onsets[1] < 1.2 and 1.6 < onsets[2] < 2.4


def test_what_ships_is_small_and_says_where_it_comes_from() -> None:
    weights = default_part_weights()
    manifest = PartModel.load().manifest
    assert weights.stat().st_size + copies_path(weights).stat().st_size < 12e6
    assert manifest.licence == "CC0-1.0" and manifest.command.startswith("tutti train")
    assert set(manifest.data["training"]) | set(manifest.data["validation"]) == set(manifest.data["files"])
    assert not set(manifest.data["training"]) & set(manifest.data["validation"])
    assert all(len(digest) == 64 for digest in manifest.data["files"].values())
    assert CopyIndex.load(copies_path(weights)).usual_notes >= 8
