"""The part network: causal, the same in torch and numpy, any voices given and any answered, trained and kept."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from support import make_score

from tutti.engine.errors import ModelError
from tutti.engine.score import Score
from tutti.models.controls import COLUMNS, DENSITY, KEY, REGISTER, SIZES, Controls, measure_controls
from tutti.models.copy_check import CopyIndex, copies_path
from tutti.models.craft.rules import RuleSet
from tutti.models.decoding import DecodingSettings, PartDecoder, draw, draw_token
from tutti.models.grid import (
    ABSENT,
    FIRST_PITCH,
    HOLD,
    REST,
    UNKNOWN,
    VOCABULARY,
    VOICES,
    encode_score,
    even_grid,
    grid_of_score,
    pitch_to_token,
    states_before,
    token_to_pitch,
)
from tutti.models.part import training
from tutti.models.part.batches import Augmentation, ExcerptSource, chord_labels, collate, excerpt_of
from tutti.models.part.corpus import (
    PartPiece,
    described,
    piece_from_rows,
    pieces_from_json,
    pieces_from_score,
    split_pieces,
    style_of,
    transpositions,
    usual_ranges,
    voicings,
)
from tutti.models.part.network import PartNetwork, PartShape
from tutti.models.part.runtime import PartModel, ahead_of
from tutti.models.part.tables import OFFSETS
from tutti.models.part.training import (
    PartPlan,
    load_network,
    piece_nats,
    token_nats,
    train_and_write,
    train_parts,
    write_network,
)
from tutti.models.weights import part_manifest_path, read_part_weights

SMALL = PartShape(width=32, layers=2, heads=2, head=32, window=24)
CHOIR = ("soprano", "alto", "tenor", "bass")
RANGES = ((60, 81), (53, 74), (48, 69), (40, 62))


def chorale(measures: int = 4, shift: int = 0) -> Score:
    """Four voices in quarters, moving through I–IV–V–I."""
    roots = [60, 65, 67, 60]
    notes = []
    for quarter in range(measures * 4):
        root = roots[quarter % 4] + shift
        for part, pitch in enumerate((root + 12, root + 7, root + 4, root - 12)):
            notes.append((float(quarter), 1.0, pitch, part, 0.5, 0))
    return make_score(notes, measures=measures, instruments=CHOIR)


def piece(shift: int = 0, measures: int = 8, name: str = "x") -> PartPiece:
    return replace(pieces_from_score(name, chorale(measures, shift))[0], work=name)


def random_piece(seed: int, steps: int = 48, absent: int | None = None) -> PartPiece:
    """Any tokens that can be, one voice perhaps absent, controls asked at random."""
    random = np.random.default_rng(seed)
    tokens = random.integers(FIRST_PITCH, VOCABULARY, (steps, VOICES))
    tokens[random.random(tokens.shape) < 0.2] = REST
    sounding, _ = states_before(tokens)
    tokens[(random.random(tokens.shape) < 0.5) & (sounding != REST)] = HOLD
    tokens[0] = FIRST_PITCH + 40
    for step in range(1, steps):  # what is held must sound
        silent = states_before(tokens[: step + 1])[0][step] == REST
        tokens[step][silent & (tokens[step] == HOLD)] = REST
    if absent is not None:
        tokens[:, absent] = ABSENT
    controls = np.stack([random.integers(0, size, steps) for size in SIZES], axis=1)
    return PartPiece("random", "random", "", tokens, even_grid(steps // 4, 3), controls)


def saved(path: Path, shape: PartShape = SMALL, seed: int = 1) -> tuple[PartModel, PartNetwork]:
    torch.manual_seed(seed)
    network = PartNetwork(shape)
    with torch.no_grad():
        for layer in (network.absolute, network.leap, network.interval_class):
            layer.weight.mul_(0.2)  # an untrained network is sure of itself for no reason
    write_network(path, network, [], licence="test", command="test", figures={})
    arrays, manifest = read_part_weights(path)
    return PartModel(arrays, manifest), load_network(arrays, manifest.shape)


def test_the_future_never_changes_the_odds_of_the_past() -> None:
    torch.manual_seed(0)
    network = PartNetwork(SMALL).eval()
    before = random_piece(1)
    changed = before.tokens.copy()
    changed[30:] = pitch_to_token(50)
    after = replace(before, tokens=changed)
    one, other = piece_nats(network, before), piece_nats(network, after)
    assert np.array_equal(one[:30], other[:30])
    assert not np.allclose(one[30:], other[30:])


def test_a_voice_knows_only_those_decoded_before_it() -> None:
    """What later voices do at a step is not seen by earlier ones at that step."""
    torch.manual_seed(0)
    network = PartNetwork(SMALL).eval()
    before = random_piece(2, steps=12)
    tokens = before.tokens.copy()
    tokens[11, 2] = pitch_to_token(99)
    one = piece_nats(network, before, (0, 3, 1, 2))
    other = piece_nats(network, replace(before, tokens=tokens), (0, 3, 1, 2))
    assert np.array_equal(one[:, [0, 3, 1]], other[:, [0, 3, 1]])
    assert one[11, 2] != other[11, 2]


@pytest.mark.parametrize(("absent", "looks"), [(None, False), (3, False), (None, True)])
def test_numpy_answers_like_torch(tmp_path: Path, absent: int | None, looks: bool) -> None:
    """Over more steps than the window, with given and absent voices, controls and a look ahead."""
    model, network = saved(tmp_path / "w.safetensors")
    music = random_piece(3, absent=absent)
    excerpt = excerpt_of(music, 0, 48)
    excerpt.given[:, 0] = 1
    state = model.start([voice != absent for voice in range(VOICES)], [True, False, False, False])
    until = [48 if looks and voice == 0 else 0 for voice in range(VOICES)]
    for step in range(48):
        excerpt.ahead[step] = ahead_of(excerpt.sounding, step, until)
    batch = collate([excerpt], 48)
    with torch.no_grad():
        truth = token_nats(network, batch)[0][0].numpy()
    order = np.argsort(excerpt.rank)
    worst = 0.0
    for step in range(48):
        state.begin(music.grid.at(step), music.controls[step], excerpt.ahead[step] if looks else None)
        tokens = [UNKNOWN] * VOICES
        for voice in order:
            if voice == absent:
                continue
            logits = state.logits(int(voice), tokens)
            tokens[voice] = int(music.tokens[step, voice])
            finite = logits[np.isfinite(logits)]
            nats = np.log(np.exp(finite - finite.max()).sum()) + finite.max() - logits[tokens[voice]]
            if state.sounding[voice] != REST:  # torch leaves room for a hold of silence
                worst = max(worst, abs(nats - truth[step, voice]))
        state.commit(music.tokens[step])
    assert worst < 1e-3


def test_any_voices_are_given_and_any_answered(tmp_path: Path) -> None:
    model, _ = saved(tmp_path / "w.safetensors")
    for given, absent in (((0,), ()), ((3,), ()), ((1, 2), (0,)), ((), ()), ((0, 1, 2), ()), ((2,), (0, 1))):
        decoder = PartDecoder(model, given=given, absent=absent, ranges=RANGES, seed=2)
        for step in range(24):
            token = pitch_to_token(62) if step % 4 == 0 else HOLD
            tokens = decoder.step(even_grid(8, 4).at(step), dict.fromkeys(given, token))
            for voice in range(VOICES):
                if voice in given:
                    assert tokens[voice] == token
                elif voice in absent:
                    assert tokens[voice] == UNKNOWN
                else:
                    assert 0 <= tokens[voice] < VOCABULARY
                    if tokens[voice] >= FIRST_PITCH:
                        assert RANGES[voice][0] <= token_to_pitch(tokens[voice]) <= RANGES[voice][1]
    with pytest.raises(ValueError, match="voice 0 is given"):
        PartDecoder(model, given=[0]).step(even_grid(1).at(0), {})


def test_the_same_seed_writes_the_same_and_a_copy_goes_on_the_same(tmp_path: Path) -> None:
    model, _ = saved(tmp_path / "w.safetensors")
    grid = even_grid(16, 4)

    def written(decoder: PartDecoder, steps: range) -> list[list[int]]:
        return [decoder.step(grid.at(step), {0: pitch_to_token(72) if step % 8 == 0 else HOLD}) for step in steps]

    decoders = [PartDecoder(model, given=(0,), seed=seed) for seed in (5, 5, 6)]
    one, same, other = (written(decoder, range(40)) for decoder in decoders)
    assert one == same != other
    first = PartDecoder(model, given=(0,), seed=5)
    assert written(first, range(20)) == one[:20]
    twin = first.copy()
    written(first, range(20, 30))
    assert written(twin, range(20, 40)) == one[20:], "what the other one did must not matter"


def test_voices_that_are_asked_anew_do_not_hold(tmp_path: Path) -> None:
    """What sounded may have been let go meanwhile: a voice that held it would be silent."""
    model, _ = saved(tmp_path / "w.safetensors")
    held = {seed: set[int]() for seed in range(12)}
    for seed, voices in held.items():
        decoder = PartDecoder(model, given=(0,), ranges=RANGES, seed=seed)
        decoder.step(even_grid(4).at(0), {voice: pitch_to_token(60) for voice in range(VOICES)})
        for step in range(1, 4):
            tokens = decoder.step(even_grid(4).at(step), {0: HOLD}, anew=[1, 3])
            voices |= {voice for voice in range(1, VOICES) if tokens[voice] == HOLD}
    assert set().union(*held.values()) == {2}


def test_who_leads_is_accompanied_though_nobody_is_given(tmp_path: Path) -> None:
    """In call and response one voice is a learner's and the AI's by turns: the others fell silent under it."""
    model, _ = saved(tmp_path / "w.safetensors")

    def rests(leads: tuple[int, ...]) -> int:
        decoder = PartDecoder(model, leads=leads, ranges=RANGES, settings=DecodingSettings(rest_penalty=30.0), seed=3)
        call = [pitch_to_token(70 + step % 5) for step in range(32)]
        tokens = [decoder.step(even_grid(8).at(step), {0: token}) for step, token in enumerate(call)]
        return int((np.array(tokens)[:, 1:] == REST).sum())

    assert rests((0,)) == 0 < rests(())


def test_a_voice_that_is_imagined_is_decided_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is the AI's at other times was decided again, knowing itself."""
    model, _ = saved(tmp_path / "w.safetensors")
    decoder, asked = PartDecoder(model, ranges=RANGES), list[tuple[int, int]]()
    odds = decoder.state.logits

    def logits(voice: int, tokens: list[int]) -> np.ndarray:
        asked.append((voice, tokens[voice]))
        return odds(voice, tokens)

    monkeypatch.setattr(decoder.state, "logits", logits)
    decoder.step(even_grid(4).at(0), {}, imagined=[0])
    assert sorted(asked) == [(voice, UNKNOWN) for voice in range(VOICES)]


def test_rules_and_density_steer_the_odds(tmp_path: Path) -> None:
    """An untrained network writes parallels and any number of notes by chance."""
    model, _ = saved(tmp_path / "w.safetensors")
    grid = even_grid(60, 4)

    def written(settings: DecodingSettings, controls: Controls | None = None, seed: int = 1) -> np.ndarray:
        decoder = PartDecoder(model, given=(0,), absent=(1, 2), ranges=RANGES, settings=settings, seed=seed)
        melody = [pitch_to_token(60 + step % 12) for step in range(240)]
        return np.array([decoder.step(grid.at(step), {0: melody[step]}, controls) for step in range(240)])

    def parallels(settings: DecodingSettings) -> int:
        high, low = np.concatenate([written(settings, seed=seed)[:, [0, 3]] for seed in range(4)]).T
        both = (low[1:] >= FIRST_PITCH) & (low[:-1] >= FIRST_PITCH) & (np.diff(low) * np.diff(high) > 0)
        interval = (high - low) % 12
        return int((both & (interval[1:] == interval[:-1]) & np.isin(interval[1:], (0, 7))).sum())

    warm = DecodingSettings(temperature=2.0, top_p=1.0)
    free = replace(warm, rules=RuleSet.none())
    assert parallels(free) >= 6 * max(1, parallels(warm))
    steady = replace(free, temperature=1.0, rest_penalty=0.0)
    counts = [
        int((written(steady, Controls(density=density))[:, 3] >= FIRST_PITCH).sum()) for density in (0.5, 1.0, 2.0)
    ]
    assert counts == sorted(counts)
    for wanted, found in zip((30, 60, 120), counts, strict=True):
        assert abs(found - wanted) <= 0.35 * wanted


def test_drawing_keeps_to_the_likeliest() -> None:
    random = np.random.default_rng(0)
    logits = np.log(np.array([0.5, 0.3, 0.15, 0.05]))
    drawn = np.bincount([draw(logits, 0.75, random) for _ in range(2000)], minlength=4)
    assert drawn[2] == drawn[3] == 0
    assert abs(drawn[0] / 2000 - 0.625) < 0.04
    assert {draw(logits, 1.0, random) for _ in range(500)} == {0, 1, 2, 3}


@pytest.mark.parametrize("forbidden", [0.0, 8.0])
def test_a_pitch_is_struck_again_at_the_networks_own_odds_however_sharp_those_of_pitches(forbidden: float) -> None:
    """It is the likeliest pitch, and breaks no rule: sharper odds and rules had it struck again all the time."""
    odds = np.full(VOCABULARY, 1e-9)
    held, others = pitch_to_token(60), [pitch_to_token(pitch) for pitch in (57, 62, 64, 67)]
    odds[HOLD], odds[held], odds[others] = 0.5, 0.2, 0.075
    costs = np.zeros(VOCABULARY)
    costs[others[0]] = forbidden
    random = np.random.default_rng(0)
    settings = DecodingSettings(temperature=0.2)
    drawn = [draw_token(np.log(odds), held, settings, random, costs) for _ in range(3000)]
    assert abs(drawn.count(held) / 3000 - 0.2) < 0.04
    assert abs(sum(drawn.count(other) for other in others) / 3000 - 0.3) < 0.06
    assert (drawn.count(others[0]) == 0) == (forbidden > 0.0)
    resting = [draw_token(np.log(odds), REST, settings, random) for _ in range(300)]
    assert resting.count(held) > 100, "from silence it is a pitch as others are"


def test_training_learns_a_tiny_corpus_and_the_split_leaks_nothing() -> None:
    pieces = [piece(n % 5, 8, f"work {n}") for n in range(8)]
    training, validation = split_pieces(pieces)
    assert validation and not {p.work for p in training} & {p.work for p in validation}
    plan = PartPlan(budget_s=0.01, batch=4, steps=32, shape=SMALL, dropout=0.0)
    untrained = train_parts(pieces, plan)[1]
    trained = train_parts(pieces, replace(plan, budget_s=5.0, averaging=0.9, learning_rate=5e-3))[1]
    assert trained["nats_lower_voices"] < 0.5 * untrained["nats_lower_voices"]


def test_what_was_best_on_held_out_music_is_kept_not_what_was_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Held-out music is likeliest at the third look; later ones find it less likely."""
    looked: list[PartNetwork] = []

    def nats(network: PartNetwork, *_: object, **__: object) -> float:
        looked.append(network)
        return abs(3.0 - len(looked))

    monkeypatch.setattr(training, "validation_nats", nats)
    plan = PartPlan(budget_s=2.0, batch=2, steps=32, shape=SMALL, averaging=0.5, learning_rate=1e-2)
    pieces = [piece(n % 5, 8, f"work {n}") for n in range(8)]
    network, figures = train_parts(pieces, plan)
    assert 0.4 < figures["kept_at_share"] < 0.9 and len(looked) > 4
    assert network is looked[2]
    last = looked[-3].state_dict()["norm.weight"]  # the last look, before the two of the figures
    assert not torch.equal(network.state_dict()["norm.weight"], last)


def test_weights_survive_saving_and_refuse_to_load_when_changed(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    model, network = saved(path)
    assert model.manifest.shape["parameters"] == sum(p.numel() for p in network.parameters())
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(ModelError, match="do not match their manifest"):
        PartModel.load(path)
    part_manifest_path(path).write_text("{}")
    with pytest.raises(ModelError, match="cannot load") as caught:
        PartModel.load(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match="no such file"):
        PartModel.load(tmp_path / "none.safetensors")
    arrays, manifest = read_part_weights(write(tmp_path / "other.safetensors"))
    del arrays["norm.weight"]
    with pytest.raises(ModelError, match="do not fit"):
        PartModel(arrays, manifest)
    with pytest.raises(ModelError, match="do not fit"):
        load_network(arrays, manifest.shape)


def write(path: Path) -> Path:
    write_network(path, PartNetwork(SMALL), [], licence="test", command="test", figures={})
    return path


def test_controls_are_codes_and_unknown_words_are_told() -> None:
    codes = Controls(key="f# minor", density=(1.0, None, 2.0, None), register=62.0, style="baroque").codes()
    assert codes.shape == (COLUMNS,) and codes[KEY] == 1 + 12 + 6
    assert codes[DENSITY + 1] == 0 and codes[DENSITY + 2] > codes[DENSITY] > 0
    assert len(set(codes[REGISTER:].tolist())) == 1
    assert (Controls().codes() == 0).all()
    for wrong in (Controls(key="H major"), Controls(style="polka"), Controls(mood="hungry")):
        with pytest.raises(ModelError):
            wrong.codes()


def test_controls_are_measured_in_music() -> None:
    music = piece()
    assert (music.controls[:, KEY] == 1).all(), "I–IV–V–I in C"
    assert (music.controls[:96, DENSITY] == Controls(density=1.0).codes()[DENSITY]).all()
    assert (music.controls < np.array(SIZES)).all()
    halves = [(0.0, 1.0), (1.0, 1.0), (2.0, 2.0), (4.0, 1.0), (5.0, 1.0), (6.0, 2.0)]
    rows = [(on, dur, pitch, part, 0.5, 0) for on, dur in halves for part, pitch in enumerate((72, 67, 64, 48))]
    score = make_score(rows, measures=2, instruments=CHOIR)
    grid = grid_of_score(score)
    resting = encode_score(score, (0, 1, 2, 3), grid)
    asked = measure_controls(resting, grid)
    resting_place = Controls(cadence_in_quarters=0).codes()[4]
    assert np.flatnonzero(asked[:, 4] == resting_place).tolist() == [8, 24]
    assert asked[4, 4] == Controls(cadence_in_quarters=1).codes()[4]


def test_excerpts_are_transposed_masked_and_played_as_learners_do() -> None:
    pieces = [piece(shift, 8, f"w{shift}") for shift in range(3)]
    shifts = transpositions(pieces[0].tokens, usual_ranges(pieces))
    assert 0 in shifts and len(shifts) > 2
    odds = Augmentation(plain=0.0, learner=1.0, absent=0.5, wrong_notes=0.3)
    batch = ExcerptSource(pieces, 64, odds, np.random.default_rng(0)).batch(24)
    again = ExcerptSource(pieces, 64, odds, np.random.default_rng(0)).batch(24)
    assert torch.equal(batch.tokens, again.tokens)
    given = batch.inputs.given.bool()
    assert given.any(dim=(1, 2)).all() and (batch.weight[given] == 0).all()
    absent = batch.sounding == ABSENT
    assert absent.any() and (batch.weight[absent] == 0).all()
    assert (batch.inputs.ahead[~given] == UNKNOWN).all()
    assert len({tuple(row) for row in batch.rank.tolist()}) > 1
    labels = chord_labels(excerpt_of(pieces[0], 0, 16).sounding)
    assert labels.tolist() == [1] * 4 + [1 + 4 * 5] * 4 + [1 + 4 * 7] * 4 + [1] * 4
    look = excerpt_of(pieces[0], 0, 16)
    assert ahead_of(look.sounding, 3, [8, 0, 0, 0])[0].tolist() == [
        look.sounding[3 + offset, 0] if 3 + offset < 8 else UNKNOWN for offset in OFFSETS
    ]


def test_corpora_are_read_by_family_style_and_their_own_split(tmp_path: Path) -> None:
    names = ("flute", "oboe", "clarinet", "bassoon", "violin", "violin", "viola", "cello", "timpani")
    rows = [(quarter * 0.5, 0.5, 84 - 5 * part, part, 0.5, 0) for quarter in range(32) for part in range(len(names))]
    found = voicings(make_score(rows, measures=4, instruments=names))
    assert (4, 5, 6, 7) in found and (0, 1, 2, 3) in found
    assert all(8 not in parts for parts in found)
    assert style_of("Haydn, Joseph") == "classical" and style_of("", "debussy_quartet.mxl") == "modern"
    assert style_of("Nobody") is None
    row = [60, 57, 53, 48]
    file = tmp_path / "pieces.json"
    file.write_text(f'{{"train": [{[row] * 8}], "valid": [{[row] * 4}], "test": [{[[60, -1, 53, 48]] * 4}]}}')
    pieces = pieces_from_json(file)
    assert [p.split for p in pieces] == ["train", "valid", "test"]
    assert [len(p) for p in split_pieces(pieces)] == [1, 1]
    held = piece_from_rows(np.array([row, row, [62, -1, 53, 48]]), "z").tokens
    assert held[1].tolist() == [HOLD] * 4 and held[2].tolist() == [pitch_to_token(62), REST, HOLD, HOLD]
    file.write_text("[]")
    with pytest.raises(ModelError, match="no JSON file of pieces"):
        pieces_from_json(file)
    for missing in ("train", "valid"):
        rows_of = {"train": [[row] * 8], "valid": [[row] * 8], "test": []} | {missing: []}
        file.write_text(json.dumps(rows_of))
        with pytest.raises(ModelError, match=f"no pieces in {missing}"):
            pieces_from_json(file)
    outside = piece_from_rows(np.array([[110, 60, 23, 3], [109, -1, 53, 48]]), "outside").tokens
    assert outside.tolist() == [[pitch_to_token(p) for p in (98, 60, 35, 27)], [97 - 22, REST, 31, 26]]


def test_pieces_with_a_split_of_their_own_and_others_are_learned_from_together() -> None:
    own = [replace(piece(0, name=f"own {split}"), split=split) for split in ("train", "valid", "test")]
    others = [piece(n % 5, name=f"work {n}") for n in range(8)]
    split = [[p.name for p in pieces] for pieces in split_pieces(others)]
    assert sum(map(len, split)) == 8 and all(split)
    together = [[p.name for p in pieces] for pieces in split_pieces([*own, *others])]
    assert together == [["own train", *split[0]], ["own valid", *split[1]]]
    data = described([*own, *others])
    assert set(data["files"]) == {*data["training"], *data["validation"]} and "own test" not in data["files"]
    assert data["voicings"] == 10 and data["steps"] == 10 * len(own[0].tokens)


def test_a_training_that_cannot_be_is_refused() -> None:
    plan = PartPlan(budget_s=0.01, batch=2, steps=16, shape=SMALL)
    held_out = replace(piece(), split="valid")
    for pieces in ([held_out], [replace(held_out, split="train")]):
        with pytest.raises(ModelError, match="to train on and others to hold out"):
            train_parts(pieces, plan)
    both = [held_out, replace(held_out, split="train")]
    with pytest.raises(ModelError, match="no device 'banana'"):
        train_parts(both, replace(plan, device="banana"))
    with pytest.raises(ModelError, match="4 heads need a multiple of 8"):
        PartShape(width=36)


def test_what_a_training_has_learned_is_kept_when_it_is_cut_off(tmp_path: Path) -> None:
    """Looked at from 30 % of the time on; afterwards the weights, their manifest and the index of copies are there."""
    out = tmp_path / "own.safetensors"
    pieces = [piece(n % 5, 8, f"work {n}") for n in range(8)]
    plan = PartPlan(budget_s=2.0, batch=2, steps=32, shape=SMALL)

    def cut_off(share: float, _: float) -> None:
        assert share < 0.3 or out.exists()
        if share >= 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_and_write(pieces, out, plan, licence="", command="", progress=cut_off)
    figures = PartModel.load(out).manifest.figures
    assert 0.3 <= figures["kept_at_share"] <= figures["iterations"]
    assert CopyIndex.load(copies_path(out)).usual_notes >= 8


def test_weights_that_cannot_be_written_leave_those_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "w.safetensors")
    before = path.read_bytes(), part_manifest_path(path).read_bytes()
    written = Path.write_bytes

    def full(self: Path, data: bytes) -> int:
        if ".json" in self.name:
            raise OSError(28, "No space left on device")
        return written(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        saved(path, seed=2)
    assert (path.read_bytes(), part_manifest_path(path).read_bytes()) == before
    assert sorted(tmp_path.iterdir()) == sorted([path, part_manifest_path(path)])
