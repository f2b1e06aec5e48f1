import numpy as np

from tutti.engine.instruments import catalogue
from tutti.engine.types import PlayerPlacement
from tutti.scenes.appearance import appearances, stand_keepers
from tutti.scenes.meshes import OPTION_BIT

PARTS = frozenset({"body", "body_b", "head", "hair", "hair_b", "hair_c", "hair_d", "shirt", "stand"})


def models_of(placements: tuple[PlayerPlacement, ...]) -> list[str]:
    return [catalogue()[placement.instrument].model for placement in placements]


def has(options: float, name: str) -> bool:
    return bool(int(options) >> OPTION_BIT[name] & 1)


def test_players_keep_their_looks_wherever_they_sit(placements: tuple[PlayerPlacement, ...]) -> None:
    models, parts = models_of(placements), [PARTS] * len(placements)
    looks = appearances(placements, models, parts)
    turned = appearances(placements[::-1], models[::-1], parts)
    np.testing.assert_array_equal(looks.skin, turned.skin[::-1])
    np.testing.assert_array_equal(looks.hair, turned.hair[::-1])
    np.testing.assert_array_equal(looks.options, turned.options[::-1])


def test_an_orchestra_is_mixed(placements: tuple[PlayerPlacement, ...]) -> None:
    looks = appearances(placements, models_of(placements), [PARTS] * len(placements))
    assert len({tuple(row) for row in np.round(looks.skin, 2)}) > 8
    assert len({tuple(row) for row in np.round(looks.hair, 2)}) > 6
    for name in ("body", "body_b", "hair", "hair_b", "hair_c", "hair_d", "shirt"):
        share = np.mean([has(options, name) for options in looks.options])
        assert 0.02 < share < 0.85, name


def test_everyone_has_one_head_of_hair_and_one_body(placements: tuple[PlayerPlacement, ...]) -> None:
    looks = appearances(placements, models_of(placements), [PARTS] * len(placements))
    for options in looks.options:
        assert sum(has(options, name) for name in ("hair", "hair_b", "hair_c", "hair_d")) == 1
        assert sum(has(options, name) for name in ("body", "body_b")) == 1


def test_a_model_with_one_hair_style_shows_it(placements: tuple[PlayerPlacement, ...]) -> None:
    looks = appearances(placements, models_of(placements), [frozenset({"body", "hair"})] * len(placements))
    assert all(has(options, "hair") and has(options, "body") for options in looks.options)


def test_string_players_share_stands_two_by_two(placements: tuple[PlayerPlacement, ...]) -> None:
    models = models_of(placements)
    keepers = stand_keepers(placements, models)
    for index, model in enumerate(models):
        if model not in ("violin", "viola", "cello", "contrabass"):
            assert index in keepers
    violins = [index for index, placement in enumerate(placements) if placement.section == "violins-1"]
    kept = sum(index in keepers for index in violins)
    assert len(violins) / 2 <= kept <= 0.75 * len(violins)


def test_a_quartet_has_four_stands() -> None:
    quartet = [
        PlayerPlacement(k, k, section, instrument, (x, 2.0, 0.0), 180.0, 0)
        for k, (section, instrument, x) in enumerate(
            [
                ("violin-1", "violin", -1.2),
                ("violin-2", "violin", -0.4),
                ("viola", "viola", 0.4),
                ("cello", "cello", 1.2),
            ]
        )
    ]
    assert stand_keepers(quartet, ["violin", "violin", "viola", "cello"]) == frozenset(range(4))
