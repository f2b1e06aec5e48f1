"""Names and the baton."""

import pytest

from tutti.studio.relay.presence import BatonRefused, Presence, clean_name
from tutti.studio.relay.protocol import NOBODY, PODIUM
from tutti.studio.relay.protocol_values import MAX_NAME_CHARACTERS


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Zoë", "Zoë"),
        ("  a \n\t b  ", "a b"),
        ("Zoe\u0308", "Zoë"),
        ("evil\u202egnp.exe", "evilgnp.exe"),
        ("zero\u200bwidth\x00\x1b[31m", "zerowidth[31m"),
        ("指揮者", "指揮者"),
        ("", "Guest 1"),
        ("\u200b\u2060 ", "Guest 1"),
        ("x" * 500, "x" * MAX_NAME_CHARACTERS),
    ],
)
def test_names_are_fit_for_everybodys_screen(given: str, shown: str) -> None:
    assert clean_name(given, "Guest 1") == shown


def test_names_and_ids_are_unique_and_names_stay_short() -> None:
    presence = Presence()
    viewers = [presence.join("A" * 40, host=False) for _ in range(12)]
    viewers.append(presence.join("a" * 32, host=False))
    assert len({viewer.viewer for viewer in viewers}) == 13
    assert len({viewer.name.casefold() for viewer in viewers}) == 13
    assert max(len(viewer.name) for viewer in viewers) <= MAX_NAME_CHARACTERS
    assert viewers[11].name == "A" * 29 + " 12"


def test_ids_never_meet_the_reserved_ones() -> None:
    presence = Presence()
    presence._joined = PODIUM - 3
    first = presence.join("", host=False)
    numbers = {presence.join("", host=False).viewer for _ in range(5)} | {first.viewer}
    assert len(numbers) == 6
    assert not numbers & {NOBODY, PODIUM}


def test_a_free_baton_is_granted_and_others_queue() -> None:
    presence = Presence()
    first, second, third = (presence.join(name, host=False).viewer for name in "abc")
    presence.request(first)
    presence.request(second)
    presence.request(third)
    presence.request(second)
    assert presence.holder == first
    assert presence.message().requests == (second, third)
    presence.release(second)
    assert presence.message().requests == (third,)
    presence.release(first)
    assert presence.holder == third
    assert presence.message().requests == ()


def test_only_holder_and_host_pass_it_on_and_only_hosts_take_it() -> None:
    presence = Presence()
    host = presence.join("host", host=True).viewer
    first, second = (presence.join(name, host=False).viewer for name in "ab")
    presence.request(first)
    with pytest.raises(BatonRefused, match="with a"):
        presence.take(second)
    with pytest.raises(BatonRefused, match="with a"):
        presence.grant(second, second)
    presence.grant(first, second)
    assert presence.holder == second
    with pytest.raises(BatonRefused, match="left"):
        presence.grant(host, 999)
    presence.grant(host, first)
    assert presence.holder == first
    presence.take(host)
    assert presence.holder == host


def test_who_leaves_leaves_the_baton_to_the_next() -> None:
    presence = Presence()
    first, second = (presence.join(name, host=False).viewer for name in "ab")
    presence.request(first)
    presence.request(second)
    presence.leave(first)
    assert presence.holder == second
    presence.leave(second)
    assert presence.holder == NOBODY
    assert len(presence) == 0


def test_the_podium_takes_it_from_anyone() -> None:
    presence = Presence()
    first = presence.join("a", host=False).viewer
    presence.request(first)
    presence.hold_on_podium(True)
    assert presence.holder == PODIUM
    presence.request(first)
    with pytest.raises(BatonRefused, match="on the podium"):
        presence.take(first)
    presence.hold_on_podium(False)
    assert presence.holder == first


def test_every_change_has_a_version() -> None:
    presence = Presence()
    versions = [presence.version]

    def changed() -> bool:
        versions.append(presence.version)
        return versions[-1] != versions[-2]

    viewer = presence.join("a", host=False).viewer
    assert changed()
    presence.request(viewer)
    assert changed()
    presence.request(viewer)
    assert not changed()
    presence.rename(viewer, "b")
    assert changed()
    assert presence[viewer].name == "b"
    presence.leave(viewer)
    assert changed()
