"""Phones that become the baton: codes that work once, batons on loan, and the way back."""

import asyncio
import re
from collections.abc import Coroutine
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from relay_support import Viewer, join, relay

from tutti import studio
from tutti.engine.types import Pose
from tutti.studio.relay import pairing
from tutti.studio.relay import protocol as p
from tutti.studio.relay.certificates import ensure_certificate
from tutti.studio.relay.pairing import PairingDesk, PairingRefused, phone_address, qr_code, reachable_origin
from tutti.studio.relay.phone_loan import PhoneLoans, Told
from tutti.studio.relay.presence import Presence
from tutti.studio.relay.protocol_hands import PoseSample


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 30.0))


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    made = ensure_certificate(tmp_path_factory.mktemp("certificates"))
    return {"certificate": (made.chain, made.key), "authority": made.authority, "host": "0.0.0.0"}


async def told(viewer: Viewer) -> str:
    return str((await viewer.next(p.Notice)).text)


# --- tokens ----------------------------------------------------------------------------------------


def test_a_token_works_once_and_not_for_long() -> None:
    desk = PairingDesk()
    first, second = desk.invite(3, "Zoë", 10.0), desk.invite(None, "", 10.0)
    assert first.token != second.token and len(first.token) >= 20
    used, again = desk.redeem(first.token, 7, 20.0)
    assert (used.issuer, used.owner, used.device) == (3, "Zoë", None)
    assert (again.issuer, again.owner, again.device) == (3, "Zoë", 7)
    with pytest.raises(PairingRefused, match="used already"):
        desk.redeem(first.token, 8, 21.0)
    with pytest.raises(PairingRefused, match="expired"):
        desk.redeem(second.token, 8, 10.0 + pairing.INVITATION_S + 1.0)
    assert desk.redeem(again.token, 9, 1e6)[0].device == 7, "the way back does not close"
    with pytest.raises(PairingRefused):
        desk.redeem("", 9, 0.0)


def test_open_tokens_do_not_pile_up() -> None:
    desk = PairingDesk()
    tokens = [desk.invite(1, "x", 0.0).token for _ in range(pairing.MAX_OPEN_TOKENS + 1)]
    with pytest.raises(PairingRefused):
        desk.redeem(tokens[0], 2, 0.0)
    assert desk.redeem(tokens[1], 2, 0.0)


def test_the_way_back_stays_open_while_codes_are_renewed() -> None:
    """A page that shows its code for hours renews it every five minutes."""
    desk = PairingDesk()
    _, again = desk.redeem(desk.invite(1, "x", 0.0).token, 2, 1.0)
    for step in range(3 * pairing.MAX_OPEN_TOKENS):
        desk.invite(1, "x", step * (pairing.INVITATION_S + 1.0))
    for _ in range(3 * pairing.MAX_OPEN_TOKENS):
        desk.invite(1, "x", 1e6)
    assert desk.redeem(again.token, 3, 1e6)[0].device == 2


@pytest.mark.parametrize(
    ("origin", "reached"),
    [
        ("https://192.168.0.17:8765", "https://192.168.0.17:8765"),
        ("http://studio.local:8765", "https://studio.local:8765"),
        ("https://studio.local", "https://studio.local:443"),
        ("http://127.0.0.1:8765", "https://10.0.0.5:9000"),
        ("http://localhost:8765", "https://10.0.0.5:9000"),
        ("http://[::1]:8765", "https://10.0.0.5:9000"),
        ("https://[fd00::1]:8765", "https://[fd00::1]:8765"),
        ("", "https://10.0.0.5:9000"),
        ("https://[", "https://10.0.0.5:9000"),
        ("javascript://x:1", "https://10.0.0.5:9000"),
    ],
)
def test_the_address_is_one_that_a_phone_reaches(origin: str, reached: str) -> None:
    assert reachable_origin(origin, 9000, ("10.0.0.5", "172.17.0.1")) == reached


def test_the_code_says_the_address() -> None:
    address = phone_address("https://192.168.0.17:8765", "t" * 22)
    assert address == f"https://192.168.0.17:8765/phone#pair={'t' * 22}"
    code = qr_code(address)
    assert len(code.modules) == code.size**2 and set(code.modules) == {0, 1}
    finder = [[code.modules[row * code.size + column] for column in range(7)] for row in range(7)]
    assert finder[0] == [1] * 7 and finder[1] == [1, 0, 0, 0, 0, 0, 1] and finder[2] == [1, 0, 1, 1, 1, 0, 1]
    lines = pairing.terminal_qr_code(address).splitlines()
    assert len({len(line) for line in lines}) == 1 and len(lines[0]) == code.size + 4


# --- loans -----------------------------------------------------------------------------------------


def test_a_loan_returns_to_the_lender() -> None:
    presence = Presence()
    owner, phone, other = (presence.join(name, host=name == "Owner").viewer for name in ("Owner", "Phone", "Other"))
    presence.request(owner)
    presence.request(other)
    presence.lend(phone)
    assert presence.holder == phone
    presence.leave(phone)
    assert presence.holder == owner, "before those who asked"
    second = presence.join("Phone", host=False).viewer
    presence.lend(second)
    presence.release(second)
    assert presence.holder == owner
    presence.lend(second)
    presence.grant(owner, other)
    presence.leave(second)
    assert presence.holder == other, "a loan ends when the baton is given to someone else"


def test_a_loan_from_the_podium_or_from_nobody() -> None:
    presence = Presence()
    phone = presence.join("Phone", host=False).viewer
    presence.lend(phone)
    presence.release(phone)
    assert presence.holder == p.NOBODY
    presence.hold_on_podium(True)
    presence.lend(phone)
    presence.release(phone)
    assert presence.holder == p.PODIUM
    presence.lend(phone)
    presence.hold_on_podium(False)
    presence.release(phone)
    assert presence.holder == p.NOBODY, "the studio's own devices are gone meanwhile"


# --- codes and loans, without sockets ------------------------------------------------------------------


def studio_reached(origin: str) -> str | None:
    return reachable_origin(origin, 9000, ("10.0.0.5",))


def code_of(told: Told) -> str:
    _, message = told
    assert isinstance(message, p.PairingCode), message
    return message.address.partition("#pair=")[2]


def test_a_code_makes_a_phone_the_baton_and_is_followed_by_another() -> None:
    presence = Presence()
    zoe = presence.join("Zoë", host=True).viewer
    loans = PhoneLoans(presence, studio_reached)
    presence.request(zoe)
    first = code_of(loans.invite(zoe, "", 0.0))
    phone = presence.join("Phone", host=False).viewer
    claim = loans.claim(phone, first, 1.0)
    assert claim.replaces is None and presence.holder == phone and presence[phone].name == "Zoë’s phone"
    assert [(viewer, type(message)) for viewer, message in claim.told] == [
        (phone, p.Paired),
        (zoe, p.Notice),
        (zoe, p.PairingCode),
    ]
    assert code_of(claim.told[2]) != first
    again = loans.claim(presence.join("Thief", host=False).viewer, first, 2.0)
    assert [type(message) for _, message in again.told] == [p.Notice] and presence.holder == phone


@pytest.mark.parametrize("host", [True, False])
def test_a_phone_on_a_new_line_replaces_its_old_one_and_keeps_the_loan(host: bool) -> None:
    presence = Presence()
    zoe = presence.join("Zoë", host=host).viewer
    loans = PhoneLoans(presence, studio_reached)
    presence.request(zoe)
    phone = presence.join("Phone", host=False).viewer
    (_, paired), *_ = loans.claim(phone, code_of(loans.invite(zoe, "", 0.0)), 1.0).told
    assert isinstance(paired, p.Paired)
    back = presence.join("Phone", host=False).viewer
    claim = loans.claim(back, paired.token, 1e5)
    assert claim.replaces == phone and phone not in presence and presence.holder == back
    presence.leave(back)
    assert presence.holder == zoe


def test_who_may_not_invite_or_cannot_be_reached_is_told_why() -> None:
    presence = Presence()
    host, guest = presence.join("Host", host=True).viewer, presence.join("Guest", host=False).viewer
    for viewer, reach, says in ((guest, studio_reached, "Only a host"), (host, lambda _: None, "tutti serve")):
        told, message = PhoneLoans(presence, reach).invite(viewer, "http://127.0.0.1:1", 0.0)
        assert told == viewer and isinstance(message, p.Notice) and says in message.text


# --- over the relay ----------------------------------------------------------------------------------


async def invited(host: Viewer) -> str:
    await host.say(p.Pair(origin="https://192.168.0.17:8765"))
    code = await host.next(p.PairingCode)
    assert code.size**2 == len(code.modules)
    address, _, token = code.address.partition("#pair=")
    assert address == "https://192.168.0.17:8765/phone"
    return str(token)


def test_a_phone_gets_the_baton_by_its_code_conducts_and_gives_it_back(tls: dict[str, Any]) -> None:
    async def test() -> None:
        async with relay(**tls) as (server, inputs):
            host = await join(server.port, "Zoë", host_key="key")
            await host.say(p.Baton(action="request", viewer=0))
            await host.until(lambda: host.baton_is_mine)
            token = await invited(host)
            phone = await join(server.port, "Phone")
            await phone.say(p.Claim(token=token))
            paired = await phone.next(p.Paired)
            assert paired.owner == "Zoë"
            await phone.until(lambda: phone.baton_is_mine)
            assert sorted(viewer.name for viewer in phone.presence.viewers) == ["Zoë", "Zoë’s phone"]
            sample = PoseSample(1.0, "baton", (0.0, 1.0, -0.5), (1.0, 0.0, 0.0, 0.0), True)
            await phone.say(p.Poses(clock_offset_s=0.0, samples=(sample,)))
            await phone.next(p.Tick)
            assert [entry.device for entry in inputs if isinstance(entry, Pose)] == ["baton"]
            thief = await join(server.port, "Thief")
            await thief.say(p.Claim(token=token))
            assert "used already" in await told(thief)
            assert not thief.baton_is_mine
            await phone.connection.close()
            await host.until(lambda: host.baton_is_mine)

    run(test())


def test_a_phone_comes_back_while_its_old_line_still_hangs(tls: dict[str, Any]) -> None:
    async def test() -> None:
        async with relay(**tls) as (server, _):
            host = await join(server.port, "Zoë", host_key="key")
            phone = await join(server.port, "Phone")
            await phone.say(p.Claim(token=await invited(host)))
            again = (await phone.next(p.Paired)).token
            await phone.until(lambda: phone.baton_is_mine)
            back = await join(server.port, "Phone")
            await back.say(p.Claim(token=again))
            third = (await back.next(p.Paired)).token
            assert third != again
            await back.until(lambda: back.baton_is_mine)
            await host.until(lambda: len(host.presence.viewers) == 2)
            # Somebody was given the baton while the phone was away: it waits its turn.
            await back.connection.close()
            await host.until(lambda: len(host.presence.viewers) == 1)
            guest = await join(server.port, "Guest")
            await host.say(p.Baton(action="grant", viewer=guest.id))
            await guest.until(lambda: guest.baton_is_mine)
            late = await join(server.port, "Phone")
            await late.say(p.Claim(token=third))
            await late.next(p.Paired)
            await guest.until(lambda: late.id in guest.presence.requests)
            assert guest.baton_is_mine

    run(test())


@pytest.mark.parametrize("ending", ["gave it back", "was relieved"])
def test_a_phone_whose_loan_is_over_does_not_snatch_the_baton_when_its_line_breaks(
    tls: dict[str, Any], ending: str
) -> None:
    async def test() -> None:
        async with relay(**tls) as (server, _):
            host = await join(server.port, "Zoë", host_key="key")
            await host.say(p.Baton(action="request", viewer=0))
            phone = await join(server.port, "Phone")
            await phone.say(p.Claim(token=await invited(host)))
            again = (await phone.next(p.Paired)).token
            await phone.until(lambda: phone.baton_is_mine)
            if ending == "gave it back":
                await phone.say(p.Baton(action="release", viewer=0))
            else:
                await host.say(p.Baton(action="take", viewer=0))
            await host.until(lambda: host.baton_is_mine)
            await phone.connection.close()
            back = await join(server.port, "Phone")
            await back.say(p.Claim(token=again))
            await back.next(p.Paired)
            await back.next(p.Tick)
            assert not back.baton_is_mine and not back.presence.requests
            await host.next(p.Tick)
            assert host.baton_is_mine

    run(test())


def test_a_code_that_is_spent_gives_way_to_a_new_one(tls: dict[str, Any]) -> None:
    async def test() -> None:
        async with relay(**tls) as (server, _):
            host = await join(server.port, "Zoë", host_key="key")
            token = await invited(host)
            phone = await join(server.port, "Phone")
            await phone.say(p.Claim(token=token))
            assert await told(host) == "Zoë’s phone is connected."
            code = await host.next(p.PairingCode)
            assert code.address.startswith("https://192.168.0.17:8765/phone#pair=") and token not in code.address

    run(test())


def test_nobody_conducts_a_recording() -> None:
    async def test() -> None:
        async with relay(recording=True) as (server, inputs):
            host = await join(server.port, "Zoë", host_key="key")
            for message in (p.Baton(action="take", viewer=0), p.Command(action="stop", target=0, value=0.0)):
                await host.say(message)
                assert "recording" in await told(host)
            assert not host.baton_is_mine and not inputs

    run(test())


def test_a_code_is_worth_what_its_issuer_still_may(tls: dict[str, Any]) -> None:
    async def test() -> None:
        async with relay(**tls) as (server, _):
            student = await join(server.port, "Student")
            await student.say(p.Pair(origin=""))
            assert "Only a host" in await told(student)
            await student.say(p.Baton(action="request", viewer=0))
            await student.until(lambda: student.baton_is_mine)
            token = await invited(student)
            other = await join(server.port, "Other")
            await student.say(p.Baton(action="grant", viewer=other.id))
            await other.until(lambda: other.baton_is_mine)
            phone = await join(server.port, "Phone")
            await phone.say(p.Claim(token=token))
            await phone.next(p.Paired)
            await other.until(lambda: phone.id in other.presence.requests)
            assert other.baton_is_mine

    run(test())


def test_an_expired_code_and_a_studio_out_of_reach(tls: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        monkeypatch.setattr(pairing, "INVITATION_S", -1.0)
        async with relay(**tls) as (server, _):
            host = await join(server.port, "Zoë", host_key="key")
            phone = await join(server.port, "Phone")
            await phone.say(p.Claim(token=await invited(host)))
            assert "expired" in await told(phone)
        async with relay() as (server, _):
            host = await join(server.port, "Zoë", host_key="key")
            await host.say(p.Pair(origin="http://127.0.0.1:1"))
            assert "tutti serve" in await told(host)

    run(test())


def test_the_studio_itself_invites_one_phone(tls: dict[str, Any]) -> None:
    async def test() -> None:
        async with relay(**tls, phone_token="from-the-terminal") as (server, _):
            phone = await join(server.port, "Phone")
            await phone.say(p.Claim(token="from-the-terminal"))
            assert (await phone.next(p.Paired)).owner == ""
            await phone.until(lambda: phone.baton_is_mine)
            second = await join(server.port, "Phone")
            await second.say(p.Claim(token="from-the-terminal"))
            assert "used already" in await told(second)

    run(test())


def test_the_page_of_steps_names_the_certificate(tmp_path: Path) -> None:
    from tutti.studio.relay.certificates import authority_der
    from tutti.studio.relay.front_door import certificate_page

    made = ensure_certificate(tmp_path)
    page = certificate_page(authority_der(made.authority), "https://a.local:1/", plain=True)
    assert made.fingerprint in page and 'href="https://a.local:1/"' in page
    icon = re.search(r'rel="icon" href="data:image/svg\+xml,([^"]+)"', page)
    assert icon is not None, "its icon comes with it: plain HTTP serves nothing else"
    assert unquote(icon[1]) == Path(studio.__file__).with_name("web").joinpath("public/icon.svg").read_text().strip()
    for device in ("iPhone and iPad", "Android", "Quest", "Windows", "Mac", "Chromebook"):
        assert device in page
    hostile = certificate_page(None, 'https://"><script>', plain=True)
    assert "<script>" not in hostile.split("<script>\n")[0] and "Download" not in hostile
