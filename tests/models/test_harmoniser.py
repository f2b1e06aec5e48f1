"""The AI player: tokens, network, decoding, training and the answering process."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support import make_score

from tutti.engine.errors import ModelError
from tutti.engine.score import Score
from tutti.models.corpus import Piece, piece_from_score, split, transpositions
from tutti.models.manifest import load_weights, manifest_path, save_weights
from tutti.models.network import HarmonyNetwork, NetworkShape, hide_later_voices
from tutti.models.sampling import DecodingRules, StepDecoder
from tutti.models.tokens import (
    FIRST_PITCH,
    HOLD,
    REST,
    UNKNOWN,
    VOCABULARY,
    decode_voice,
    encode_voice,
    pitch_to_token,
    states_before,
    token_to_pitch,
)
from tutti.models.train import TrainingPlan, make_batch, nats_per_token, train

SMALL = NetworkShape(embedding=8, memory=48, layers=1, head=48, dropout=0.0)
CHORD = ("soprano", "alto", "tenor", "bass")


def chorale(measures: int = 4, shift: int = 0) -> Score:
    """Four voices in quarters, moving through I–IV–V–I."""
    roots = [60, 65, 67, 60]
    notes = []
    for quarter in range(measures * 4):
        root = roots[quarter % 4] + shift
        for part, pitch in enumerate((root + 12, root + 7, root + 4, root - 12)):
            notes.append((float(quarter), 1.0, pitch, part, 0.5, 0))
    return make_score(notes, measures=measures, instruments=CHORD)


def save_small(path: Path) -> Path:
    torch.manual_seed(1)
    save_weights(path, HarmonyNetwork(SMALL), {"data": {}, "licence": "test", "command": "test", "figures": {}})
    return path


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 8), st.integers(30, 100)), max_size=12))
def test_what_is_encoded_and_decoded_encodes_the_same(rows: list[tuple[int, int, int]]) -> None:
    tokens = encode_voice([(on / 4, dur / 4, pitch) for on, dur, pitch in rows], 64)
    notes = decode_voice(tokens.tolist(), 0.0, 0, 0.5, "x")
    again = encode_voice([(n.onset_quarter, n.duration_quarter, n.pitch) for n in notes], 64)
    assert again.tolist() == tokens.tolist()


def test_tokens_of_a_small_tune() -> None:
    tokens = encode_voice([(0.0, 0.5, 60), (1.0, 0.25, 62)], 6)
    assert tokens.tolist() == [pitch_to_token(60), HOLD, REST, REST, pitch_to_token(62), REST]
    assert token_to_pitch(pitch_to_token(20)) == 32
    sounding, age = states_before(tokens[:, None])
    assert sounding[:, 0].tolist() == [REST, pitch_to_token(60), pitch_to_token(60), REST, REST, pitch_to_token(62)]
    assert age[:, 0].tolist() == [0, 0, 1, 0, 0, 0]


def test_later_voices_are_hidden() -> None:
    tokens = torch.tensor([10, 20, 30, 40])
    order = torch.tensor([0, 3, 2, 1])
    known = hide_later_voices(tokens, order)
    u = UNKNOWN
    assert known.tolist() == [[u, u, u, u], [10, u, 30, 40], [10, u, u, 40], [10, u, u, u]]


def test_the_network_is_causal() -> None:
    """Changing the future must not change the odds of the past."""
    torch.manual_seed(0)
    network = HarmonyNetwork(SMALL).eval()
    piece = piece_from_score("x", chorale())
    assert piece is not None
    changed = piece.tokens.copy()
    changed[40:] = pitch_to_token(50)
    order = torch.tensor([0, 3, 2, 1]).expand(1, 64, 4)
    a, b = (nats_per_token(network, make_batch([(t, piece.position)], 64), order) for t in (piece.tokens, changed))
    assert torch.equal(a[:, :40], b[:, :40])
    assert not torch.equal(a[:, 40:], b[:, 40:])


def test_training_learns_and_the_split_leaks_nothing() -> None:
    pieces = [piece_from_score(f"{n}.xml", chorale(8, n % 5)) for n in range(8)]
    pieces = [Piece(f"{n}.xml", f"{n:064d}", p.tokens, p.position) for n, p in enumerate(pieces) if p]
    training, validation = split(pieces)
    assert len(validation) == 1 and not {p.name for p in training} & {p.name for p in validation}
    untrained = train(pieces, TrainingPlan(budget_s=0.01, shape=SMALL))[1]["nats_lower_voices"]
    trained = train(pieces, TrainingPlan(budget_s=6.0, shape=SMALL))[1]["nats_lower_voices"]
    assert trained < 0.6 * untrained


def test_transpositions_stay_inside_the_vocabulary() -> None:
    tokens = np.array([[FIRST_PITCH + 2, VOCABULARY - 2, REST, HOLD]])
    assert transpositions(Piece("", "", tokens, np.zeros(1, int))) == [-2, -1, 0, 1]


def test_decoding_keeps_to_given_voices_and_ranges_and_repeats_by_seed() -> None:
    torch.manual_seed(0)
    network = HarmonyNetwork(SMALL)
    ranges = ((60, 81), (53, 74), (48, 69), (40, 60))

    def run(seed: int) -> list[list[int]]:
        decoder = StepDecoder(network, ranges, seed, DecodingRules(temperature=1.5))
        return [decoder.step({0: pitch_to_token(72)}, step % 16) for step in range(80)]

    steps = run(3)
    assert steps == run(3) != run(4)
    for tokens in steps:
        assert tokens[0] == pitch_to_token(72)
        for voice in (1, 2, 3):
            assert tokens[voice] != UNKNOWN
            if tokens[voice] >= FIRST_PITCH:
                assert ranges[voice][0] <= token_to_pitch(tokens[voice]) <= ranges[voice][1]


def test_the_rules_avoid_parallel_fifths() -> None:
    """An untrained network writes them by chance; the penalty makes them rare."""
    torch.manual_seed(0)
    network = HarmonyNetwork(SMALL)

    def parallels(rules: DecodingRules) -> int:
        decoder = StepDecoder(network, ((60, 84), (24, 108), (24, 108), (36, 60)), 0, rules)
        found, before = 0, None
        for step in range(300):
            tokens = decoder.step({0: pitch_to_token(60 + step % 12), 1: REST, 2: REST}, 0, may_hold=False)
            pair = (tokens[0], tokens[3])
            if before and min(*pair, *before) >= FIRST_PITCH and pair[1] != before[1]:
                interval, was = (pair[0] - pair[1]) % 12, (before[0] - before[1]) % 12
                found += interval == was and interval in (0, 7)
            before = pair
        return found

    assert parallels(DecodingRules(temperature=2.0)) == 0
    assert parallels(DecodingRules(temperature=2.0, parallel_penalty=0.0)) >= 4


def test_weights_survive_saving_and_refuse_to_load_when_changed(tmp_path: Path) -> None:
    path = save_small(tmp_path / "w.safetensors")
    network, manifest = load_weights(path)
    assert manifest.shape["parameters"] == sum(p.numel() for p in network.parameters())
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(ModelError, match="do not match their manifest"):
        load_weights(path)
    manifest_path(path).write_text("{}")
    with pytest.raises(ModelError, match="cannot load") as caught:
        load_weights(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match="cannot load"):
        load_weights(tmp_path / "none.safetensors")
