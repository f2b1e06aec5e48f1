"""How the sound does, as viewers are told; and whole parts heard alone, as they ask for it."""

import asyncio
import math

from relay_support import join, make_session, relay
from support import make_score

from tutti.engine.audio.metering import SectionLevel
from tutti.engine.audio.sound_watch import SoundReading
from tutti.engine.hall import read_hall
from tutti.engine.interaction.mixer import Mixer
from tutti.studio.hall_interaction import HallInteraction
from tutti.studio.relay import protocol as p
from tutti.studio.relay.relay_types import Control
from tutti.studio.relay.sound_info import SILENCE_DB, sound_status

READING = SoundReading(
    state="playing",
    device="JACK dummy",
    message="",
    latency_s=0.021,
    load=0.25,
    blocks=1000,
    missed=2,
    missed_lately=2,
    limiting_db=-0.5,
    true_peak_db=-2.0,
    loudness_lufs=-math.inf,
    sections=(SectionLevel("Violins", -10.0, -22.0), SectionLevel("learner", -3.0, -9.0)),
)
SEATED = make_session().placements


def test_each_part_has_the_level_of_its_section() -> None:
    status = sound_status(READING, SEATED, 2)
    violins, horns = status.parts
    assert (violins.peak_db, violins.rms_db, violins.muted, violins.solo) == (-10.0, -22.0, False, False)
    assert (horns.peak_db, horns.muted) == (SILENCE_DB, True)
    assert status.device == "JACK dummy, 21 ms, 2 missed" and "--latency safe" in status.warning
    assert status.loudness_lufs == SILENCE_DB  # the wire has finite numbers
    assert p.decode_server(p.encode_server(status)).parts[0].peak_db == -10.0  # type: ignore[union-attr]


def test_a_solo_is_told_as_a_solo_and_not_as_mutes() -> None:
    hands = HallInteraction(
        read_hall(), make_score([(0.0, 1.0, 60, 0, 0.5, 0)], instruments=("violin", "horn")), SEATED
    )
    assert [seat.muted for seat in hands.solo_part(1, True, SEATED)] == [True, True, True]  # the horns are muted too
    horns_back = hands.mute_part(1, False, SEATED)
    assert [seat.muted for seat in horns_back] == [True, True, False]
    violins, horns = sound_status(READING, horns_back, 2, hands.mixer).parts
    assert (violins.muted, violins.solo, horns.muted, horns.solo) == (False, False, False, True)
    assert not any(seat.muted for seat in hands.solo_part(1, False, horns_back))
    assert hands.mixer == Mixer()


def test_viewers_get_the_newest_state_of_the_sound_and_late_ones_too() -> None:
    async def test() -> None:
        async with relay() as (server, inputs):
            host = await join(server.port, "Teacher", host_key="key")
            server.show(sound_status(READING, SEATED, 2))
            newest = sound_status(READING, SEATED, 2, Mixer(soloed=frozenset({2})))
            server.show(newest)
            first = await host.next(p.SoundStatus)
            assert first.parts[1].solo and [type(m) for m in host.seen].count(p.SoundStatus) == 1
            late = await join(server.port, "Late")
            assert (await late.next(p.SoundStatus)).parts == first.parts
            await host.say(p.Command(action="solo", target=1, value=1.0))
            while not inputs:
                await host.hear()
            assert inputs == [Control(host.id, "Teacher", "solo", 1, 1.0)]

    asyncio.run(test())
