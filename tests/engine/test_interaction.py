"""Pointing, grabbing and menus: who is meant, where they end, what was asked for."""

import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from interaction_support import EYE, HandInHall, middle_of, place_on, towards, turned

from tutti.engine.hall import read_hall
from tutti.engine.interaction.hall_state import HallState, ScoreNames
from tutti.engine.interaction.interaction import Interaction
from tutti.engine.interaction.menus import MIN_TARGET_DMM, MIN_TEXT_DMM, TABS, menu_items
from tutti.engine.interaction.mixer import Mixer
from tutti.engine.interaction.moving import EDGE_M, floor_point, footprint_m, move_by
from tutti.engine.interaction.panels import panel_facing, ray_hit, touch_hit
from tutti.engine.interaction.picking import HAND_TOLERANCE_RAD, PlayerTargets
from tutti.engine.interaction.steadier import SteadyDirection
from tutti.engine.interaction.values import Pointer

HALL = read_hall()


# -- who is meant ---------------------------------------------------------------------------------------------


def test_a_ray_through_several_players_means_the_front_one() -> None:
    hand = HandInHall()
    targets = PlayerTargets(hand.placements)
    front, behind = 0, 1
    here = replace(hand.placements[front], position_m=(0.0, 3.0, 0.0))
    there = replace(hand.placements[behind], position_m=(0.0, 5.0, 0.0))
    targets = PlayerTargets((there, here))
    found = targets.pick((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), HAND_TOLERANCE_RAD)
    assert found is not None
    assert found[0] == front
    assert found[1] == pytest.approx((0.0, 3.0, 1.0))


def test_a_shaky_hand_finds_a_player_twenty_metres_away() -> None:
    hand = HandInHall()
    eye = (0.0, -13.0, 4.9)
    targets = PlayerTargets(hand.placements)
    timpani = hand.first("timpani")
    at = hand.head(timpani)
    assert math.dist(eye, at) > 20.0
    # a tremor of one degree: in its worst direction nobody else may be meant, nor nobody
    found = [
        targets.pick(
            eye, turned(towards(eye, at), 0.0175 * math.cos(a), 0.0175 * math.sin(a)), HAND_TOLERANCE_RAD, timpani
        )
        for a in np.linspace(0, 2 * np.pi, 24)
    ]
    assert [pick[0] if pick else None for pick in found] == [timpani] * 24
    assert targets.pick(eye, turned(towards(eye, at), 0.0, 0.2), HAND_TOLERANCE_RAD) is None


def test_every_player_can_be_meant_from_the_podium() -> None:
    hand = HandInHall()
    for placement in hand.placements:
        x, y, z = placement.position_m
        frame = hand.at((x, y, z + 1.2))
        assert frame.hovered is not None, placement
        # whoever sits before them may be in the way, but nobody beside them
        meant = next(p for p in hand.placements if p.player == frame.hovered)
        bearing = math.atan2(x, y) - math.atan2(meant.position_m[0], meant.position_m[1])
        assert abs(bearing) * math.hypot(x, y) < 0.9


def test_a_resting_hand_is_steadied_and_a_fast_one_is_not_late() -> None:
    rng = np.random.default_rng(5)
    forward = (0.0, 1.0, 0.0)
    steady, errors = SteadyDirection(), []
    for index in range(400):
        shaken = turned(forward, *(rng.normal(0.0, math.radians(0.5), 2)))
        errors.append(math.acos(min(1.0, np.dot(steady.step(index / 90, shaken), forward))))
    assert np.mean(errors[100:]) < 0.5 * math.radians(0.5) * math.sqrt(math.pi / 2)
    steady = SteadyDirection()
    for index in range(90):
        result = steady.step(index / 90, turned(forward, min(0.6, 0.05 * max(0, index - 45)), 0.0))
    assert math.degrees(math.acos(np.dot(result, turned(forward, 0.6, 0.0)))) < 0.5


def test_pointing_at_nobody_tells_where_the_floor_is() -> None:
    hand = HandInHall()
    frame = hand.at((0.0, -1.5, 0.0))
    assert frame.hovered is None
    assert frame.rays[0].on == "floor"
    assert frame.rays[0].end_m == pytest.approx((0.0, -1.5, 0.0), abs=1e-6)
    assert hand.step(direction=(0.0, 0.0, 1.0)).rays[0].on == "nothing"


# -- moving ----------------------------------------------------------------------------------------------------


def test_the_floor_has_risers() -> None:
    for radius in (3.0, 6.0, 8.0, 10.0):
        x, y = radius * math.cos(1.2), radius * math.sin(1.2)
        target = (x, y, HALL.riser_height_m(x, y))
        assert floor_point(HALL, EYE, towards(EYE, target)) == pytest.approx(target)
    # onto the front of the second riser: upon its edge, not into it
    met = floor_point(HALL, EYE, towards(EYE, (0.0, 7.3, 0.35)))
    assert met is not None
    assert HALL.riser_height_m(met[0], met[1]) == met[2] == 0.5
    assert floor_point(HALL, EYE, (0.0, 1.0, 0.0)) is None


def test_a_drag_moves_the_player_by_what_the_hand_moved() -> None:
    hand = HandInHall()
    oboe = hand.first("oboes")
    x, y, z = next(p.position_m for p in hand.placements if p.player == oboe)
    hand.at((x, y, z + 1.15))
    hand.step(select=True)
    frame = hand.at((0.0, -1.8, 1.15))
    assert [mark.player for mark in frame.drags] == [oboe]
    assert frame.drags[0].to_m[:2] == pytest.approx((0.0, -1.8), abs=0.03)
    hand.step(select=False)
    moved = next(p for p in hand.placements if p.player == oboe)
    assert moved.position_m == pytest.approx((0.0, -1.8, 0.0), abs=0.03)
    assert abs(moved.heading_deg) == pytest.approx(0.0, abs=1.0)  # from before the podium they face it
    assert [p for p in hand.placements if p.player != oboe] == [p for p in hand.seated if p.player != oboe]
    assert hand.outcome.frames[0].selected is None  # a drag is no click


def test_from_a_seat_that_sees_no_floor_players_move_sideways() -> None:
    hand = HandInHall(eye_m=(1.7, -11.5, 1.1))
    oboe = hand.first("oboes")
    x, y, z = next(p.position_m for p in hand.placements if p.player == oboe)
    player = hand.at((x, y, z + 1.2)).hovered
    assert player is not None
    was = next(p.position_m for p in hand.placements if p.player == player)
    hand.step(grab=True)
    hand.rest(5, direction=turned(hand.pointer.direction, 0.12, 0.05))
    hand.step(grab=False)
    now = next(p.position_m for p in hand.placements if p.player == player)
    assert now[0] - was[0] > 1.0
    assert abs(now[1] - was[1]) < 1.0


def test_moves_can_be_undone_one_by_one_and_all_at_once() -> None:
    hand = HandInHall()
    for section, to in (("oboes", (0.0, -1.6, 0.8)), ("flutes", (2.0, -1.6, 0.8))):
        hand.at(hand.head(hand.first(section)))
        hand.step(grab=True)
        hand.at(to)
        hand.step(grab=False)
    both = hand.placements
    hand.at((0.0, 4.0, 6.0))
    hand.step(menu=True)
    hand.step(menu=False)
    hand.press("menu", "tab:stage")
    hand.press("menu", "undo")
    assert sum(a.position_m != b.position_m for a, b in zip(both, hand.placements, strict=True)) == 1
    hand.press("menu", "as_seated")
    assert hand.placements == hand.seated
    hand.press("menu", "undo")
    hand.press("menu", "undo")
    assert hand.placements == hand.seated
    hand.press("menu", "undo")  # nothing more to undo
    assert hand.find("menu", "undo")[1].state == "disabled"


def test_nobody_ends_on_anybodys_lap_off_the_stage_or_on_the_podium() -> None:
    hand = HandInHall()
    rng = np.random.default_rng(3)
    placements = hand.placements
    for _ in range(60):
        player = int(rng.integers(len(placements)))
        start = {player: placements[player].position_m}
        moved = move_by(placements, start, tuple(rng.uniform(-12, 12, 2)), HALL)
        if moved is None:
            continue
        placements = moved.placements
        here = placements[player]
        x, y, z = here.position_m
        assert abs(x) <= HALL.stage_half_width_m - EDGE_M + 1e-6
        assert HALL.stage_front_y_m + EDGE_M - 1e-6 <= y <= HALL.stage_rear_y_m - EDGE_M + 1e-6
        assert z == HALL.riser_height_m(x, y)
        assert math.hypot(x, y) > 1.0
        assert here.heading_deg == pytest.approx(math.degrees(math.atan2(x, -y)))
        for other in placements:
            if other.player != player:
                apart = math.dist(here.position_m[:2], other.position_m[:2])
                assert apart >= footprint_m(here.instrument) + footprint_m(other.instrument) - 1e-6


def test_a_section_moves_in_formation() -> None:
    hand = HandInHall()
    horns = [p for p in hand.placements if p.section == "horns"]
    hand.at(hand.head(horns[1].player))
    frame = hand.step(section=True)
    assert set(frame.highlighted) == {p.player for p in horns}
    hand.step(grab=True)
    hand.at((3.0, -2.0, 1.0))
    hand.step(grab=False)
    moved = [p for p in hand.placements if p.section == "horns"]
    shifts = [np.subtract(b.position_m[:2], a.position_m[:2]) for a, b in zip(horns, moved, strict=True)]
    assert np.ptp(shifts, axis=0) == pytest.approx([0.0, 0.0], abs=1e-9)
    assert np.linalg.norm(shifts[0]) > 4.0
    assert all(p.position_m[2] == HALL.riser_height_m(*p.position_m[:2]) for p in moved)


def test_a_taken_place_is_told_and_the_nearest_free_one_given() -> None:
    hand = HandInHall()
    flute, violin = hand.first("flutes"), hand.first("violins-1")
    taken = next(p.position_m for p in hand.placements if p.player == violin)
    hand.at(hand.head(flute))
    hand.step(grab=True)
    frame = hand.at((taken[0], taken[1], taken[2] + 1.15))
    assert frame.drags[0].moved_aside
    hand.step(grab=False)
    free = next(p.position_m for p in hand.placements if p.player == flute)
    assert footprint_m("flute") + footprint_m("violin") - 1e-6 <= math.dist(free, taken) < 1.2


def test_while_held_places_are_told_ten_times_a_second_and_when_let_go_at_once() -> None:
    hand = HandInHall()
    hand.at(hand.head(hand.first("oboes")))
    hand.step(grab=True)
    told = hand.told
    for _ in range(100):
        hand.step(dt_s=0.01, direction=turned(hand.pointer.direction, 0.0, -0.002))
    assert 9 <= hand.told - told <= 11
    before = hand.told
    hand.step(dt_s=0.001, direction=turned(hand.pointer.direction, 0.004, 0.0))
    hand.step(dt_s=0.001, grab=False)
    assert hand.outcome.released
    assert hand.told == before + 1


def test_a_hand_that_is_lost_lets_go() -> None:
    hand = HandInHall(hand="right")
    hand.at(hand.head(hand.first("oboes")))
    hand.step(grab=True)
    hand.at((0.0, -1.6, 0.8))
    frame = hand.step(valid=False)
    assert frame.drags == () and frame.rays == ()
    there = hand.placements
    frame = hand.rest(valid=True, direction=(0.5, 0.5, -0.7))  # it comes back with the grip still closed
    assert frame.drags == ()
    assert hand.placements == there


def test_spectators_read_labels_and_move_nobody() -> None:
    hand = HandInHall(who="viewer 2")
    hand.spectators = frozenset({"viewer 2"})
    oboe = hand.first("oboes")
    frame = hand.at(hand.head(oboe))
    assert [panel.key for panel in frame.panels] == ["label"]
    hand.step(grab=True, menu=True)
    hand.at((0.0, -1.6, 0.8), grab=True)
    frame = hand.step(grab=False, menu=False)
    assert hand.placements == hand.seated
    assert frame.panels == () and frame.drags == ()
    hand.at(hand.head(oboe))
    frame = hand.click()
    assert {item.key for item in frame.panels[0].items} == {"", "card_close"}


def test_everybody_has_their_own_hover_and_menu() -> None:
    hand = HandInHall()
    oboe, flute = hand.first("oboes"), hand.first("flutes")
    mine = Pointer(1.0, "window", "mouse", EYE, towards(EYE, hand.head(oboe)), menu=True)
    other = Pointer(1.0, "viewer 1", "mouse", EYE, towards(EYE, hand.head(flute)))
    outcome = hand.interaction.step(1.0, [mine, other], hand.state())
    assert {frame.who: frame.hovered for frame in outcome.frames} == {"window": oboe, "viewer 1": flute}
    panels = {frame.who: {panel.key for panel in frame.panels} for frame in outcome.frames}
    assert "menu" in panels["window"] and "menu" not in panels["viewer 1"]
    outcome = hand.interaction.step(8.0, [], hand.state())
    outcome = hand.interaction.step(8.1, [], hand.state())
    assert [frame.who for frame in outcome.frames] == ["window"]  # the open menu stays, who only looked has left


# -- panels ------------------------------------------------------------------------------------------------------


def test_a_card_mutes_and_soloes_the_part() -> None:
    hand = HandInHall()
    oboe = hand.first("oboes")
    hand.at(hand.head(oboe))
    frame = hand.click()
    assert frame.selected == oboe
    texts = [item.text for item in frame.panels[0].items]
    assert texts[0] == "Oboe 1" and "plays Oboes" in texts
    both = tuple(p.player for p in hand.placements if p.section == "oboes")
    hand.press("card", "mute:part:1")
    assert [(r.action, r.value, r.players) for r in hand.requests] == [("mute", 1.0, both)]
    assert {p.player for p in hand.placements if p.muted} == set(both)
    hand.press("card", "mute:part:1")
    assert not any(p.muted for p in hand.placements)
    hand.press("card", "solo:part:1")
    assert {p.player for p in hand.placements if not p.muted} == set(both)
    hand.press("card", "solo:part:1")
    assert not any(p.muted for p in hand.placements)
    hand.press("card", "gain:+")
    assert {p.gain_db for p in hand.placements if p.player in both} == {2.0}
    hand.press("card", "card_close")
    assert hand.step().selected is None


def test_the_menu_asks_for_what_is_pressed() -> None:
    hand = HandInHall()
    hand.step(direction=(0.0, 0.9, 0.4), menu=True)
    hand.step(menu=False)
    hand.press("menu", "start_stop")
    hand.press("menu", "bars:8")
    hand.press("menu", "bars:-1")
    hand.press("menu", "measure:20")
    hand.press("menu", "restart")
    assert [(r.action, r.value) for r in hand.requests] == [
        ("start_stop", 0.0),
        ("seek", 18.0),
        ("seek", 9.0),
        ("seek", 20.0),
        ("restart", 0.0),
    ]
    hand.requests.clear()
    panel, item = hand.find("menu", "follow")
    hand.at(place_on(panel, item.x_dmm + 16, item.y_dmm + 32))
    hand.step(select=True)
    hand.at(place_on(panel, item.x_dmm + 16 + 0.75 * (item.width_dmm - 32), item.y_dmm + 32))
    hand.step(select=False)
    assert [r.action for r in hand.requests] == ["follow"] * len(hand.requests)
    assert hand.requests[0].value == 0.0
    assert hand.requests[-1].value == 0.75
    hand.requests.clear()
    hand.press("menu", "tab:sections")
    hand.press("menu", "solo:section:violas")
    assert {p.section for p in hand.placements if not p.muted} == {"violas"}
    hand.press("menu", "mix_clear")
    assert hand.requests[-1].action == "mix_clear"
    hand.press("menu", "close")
    assert hand.step().panels == ()


def test_what_is_released_elsewhere_is_not_pressed() -> None:
    hand = HandInHall()
    hand.step(direction=(0.0, 1.0, 0.4), menu=True)
    hand.step(menu=False)
    panel, item = hand.find("menu", "restart")
    hand.at(middle_of(panel, item))
    assert hand.find("menu", "restart")[1].state == "hovered"
    hand.step(select=True)
    assert hand.find("menu", "restart")[1].state == "pressed"
    hand.at((0.0, 3.0, 9.0))
    hand.step(select=False)
    assert hand.requests == []


def test_a_fingertip_presses_by_going_through() -> None:
    hand = HandInHall(hand="right")
    hand.step(tip_m=(0.2, 0.3, 1.3))
    hand.step(menu=True, direction=(0.0, 0.2, -1.0))
    hand.step(menu=False)
    panel, item = hand.find("menu", "restart")
    assert math.dist(panel.centre_m, EYE) < 0.7  # within reach
    at = np.asarray(middle_of(panel, item))
    towards_reader = np.cross(panel.right, panel.up)
    for before_m in (0.2, 0.08, 0.04, 0.005):
        frame = hand.step(tip_m=tuple(at + before_m * towards_reader))
    assert any(pulse.hand == "right" for pulse in frame.pulses)
    assert hand.requests == []
    for before_m in (-0.02, 0.02, 0.05):
        hand.step(tip_m=tuple(at + before_m * towards_reader))
    assert [r.action for r in hand.requests] == ["restart"]


def test_panels_face_the_eye_and_measure_in_dmm() -> None:
    panel = panel_facing("menu", (0.0, 2.0, 1.5), (0.0, 0.0, 1.5), (400.0, 300.0), ())
    assert panel.metres_per_dmm == pytest.approx(0.002)
    assert (panel.right, panel.up) == (pytest.approx((1, 0, 0)), pytest.approx((0, 0, 1)))
    assert ray_hit(panel, (0.0, 0.0, 1.5), (0.0, 1.0, 0.0)) == pytest.approx((2.0, 200.0, 150.0))
    # 100 mm up at 1 m is 100 dmm up
    assert ray_hit(panel, (0.0, 0.0, 1.5), towards((0, 0, 0), (0.0, 1.0, 0.1))) == pytest.approx(
        (2.01, 200, 50), rel=1e-3
    )
    assert ray_hit(panel, (0.0, 4.0, 1.5), (0.0, -1.0, 0.0)) is None  # from behind
    assert ray_hit(panel, (0.0, 0.0, 1.5), towards((0, 0, 0), (0.3, 1.0, 0.0))) is None  # beside it
    assert touch_hit(panel, (0.1, 1.95, 1.5)) == pytest.approx((0.05, 250.0, 150.0))


@pytest.mark.parametrize("tab", TABS)
def test_menus_are_readable_and_can_be_hit(tab: str) -> None:
    hand = HandInHall()
    names = ScoreNames(tuple(str(n) for n in range(9)), ("1",), tuple((n, f"Mark {n}") for n in range(15)))
    seats = ("podium", "row-1", "row-12", "row-24", "balcony")
    state = HallState(hand.placements, Mixer(), seats=seats, seat="row-24")
    for page in range(3):
        items = menu_items(tab, page, state, names, can_undo=True)  # type: ignore[arg-type]
        pressable = [item for item in items if item.kind != "text"]
        assert all(item.text_dmm >= MIN_TEXT_DMM for item in items)
        assert all(min(item.width_dmm, item.height_dmm) >= MIN_TARGET_DMM for item in pressable)
        assert all(item.x_dmm >= 0 and item.x_dmm + item.width_dmm <= 960 for item in items)
        assert all(item.y_dmm >= 0 and item.y_dmm + item.height_dmm <= 640 for item in items)
        assert len({item.key for item in pressable}) == len(pressable)
        for a, b in combinations(pressable, 2):
            aside = max(b.x_dmm - a.x_dmm - a.width_dmm, a.x_dmm - b.x_dmm - b.width_dmm)
            above = max(b.y_dmm - a.y_dmm - a.height_dmm, a.y_dmm - b.y_dmm - b.height_dmm)
            assert max(aside, above) >= 12.0, (a.key, b.key)


def test_solo_silences_the_others_and_mute_wins() -> None:
    hand = HandInHall()
    mixer = Mixer().mute([0], True).solo([0, 1], True)
    muted = {p.player for p in mixer.applied(hand.placements) if p.muted}
    assert muted == {p.player for p in hand.placements} - {1}
    assert mixer.solo([0, 1], False).applied(hand.placements)[0].muted
    assert Mixer.of(mixer.applied(hand.placements)).soloed == frozenset()


def test_the_same_pointers_come_to_the_same() -> None:
    outcomes = []
    for _ in range(2):
        hand = HandInHall(hand="right")
        rng = np.random.default_rng(11)
        seen = [
            hand.step(
                direction=turned((0.0, 0.95, -0.2), *rng.normal(0, 0.3, 2)),
                grab=index % 40 > 25,
                select=index % 30 > 25,
                menu=index % 100 == 99,
            )
            for index in range(300)
        ]
        outcomes.append((seen, hand.placements))
    assert outcomes[0] == outcomes[1]


def test_an_empty_stage_is_nothing_to_point_at() -> None:
    interaction = Interaction(HALL, ScoreNames((), ()), ())
    outcome = interaction.step(0.0, [Pointer(0.0, "window", "mouse", EYE, (0.0, 1.0, -0.2), menu=True)], HallState(()))
    assert outcome.frames[0].hovered is None
    assert outcome.frames[0].panels[0].key == "menu"
