"""The page tells which chord this is and why, how surprising an AI's last bar was, and where the soloist is."""

from dataclasses import replace

import pytest
from needs import needs_chromium
from playwright.sync_api import Browser, expect
from relay_support import make_frame, make_session
from test_page import PATIENCE_MS, open_page, until
from test_page_inputs import NO_PICTURE_OF_THE_HALL

from tutti.engine.clock import SessionClock
from tutti.engine.types import ScorePosition
from tutti.studio import web_build
from tutti.studio.relay.protocol_commentary import (
    ChordInfo,
    Harmony,
    InfluenceInfo,
    Solo,
    SurpriseInfo,
    Surprises,
)
from tutti.studio.relay.relay import RelayProcess
from tutti.studio.relay.relay_types import RelaySettings

pytestmark = [needs_chromium, pytest.mark.realtime]

WHY = "the dominant with its seventh: it leads back"
CHORDS = (
    ChordInfo(0.0, 4.0, "1", 1, "I", "C major", "the tonic", ""),
    ChordInfo(4.0, 6.0, "2", 1, "V7", "C major", WHY, "half cadence"),
    ChordInfo(6.0, 8.0, "2", 3, "i", "A minor", "the tonic", ""),
)
NOTES = (
    SurpriseInfo(1, 0.0, 60, 0.25, 0, 0.0, ()),
    SurpriseInfo(1, 2.0, 61, 3.5, 60, 0.5, (InfluenceInfo(0, 1.0, 76, 0.75),)),
)


def test_chords_surprises_and_the_soloist_are_told(browser: Browser) -> None:
    web_build.build_page()
    clock = SessionClock()
    relay = RelayProcess(make_session(), clock, RelaySettings(port=0))
    try:
        now_s = clock.now_s()
        place = ScorePosition(now_s, 4.5, 4.5, 2.0, 120.0, "2", 1.5, "holding")
        relay.publish(replace(make_frame(1, time_s=now_s), position=place))
        relay.show(Harmony(0.0, 8.0, CHORDS))
        relay.show(Surprises("ai:parts, seed 3", "1", 0.0, 4.0, NOTES))
        relay.show(Solo("Violin solo", "paused", 4.5, "2", 1, 92.0, 0.75, -0.25))
        context = browser.new_context(viewport={"width": 1280, "height": 760})
        context.add_init_script(NO_PICTURE_OF_THE_HALL)
        context.set_default_timeout(PATIENCE_MS)
        page, faults = open_page(context, relay.address)
        until(page, "d.connection === 'live'")
        head = page.get_by_role("button", name="V7")
        expect(head).to_be_visible()
        expect(page.locator(".chord-key")).to_have_text("C major")
        expect(page.locator(".chord-why")).to_be_hidden()
        expect(page.locator(".solo-line")).to_have_text(
            "Violin solo: bar 2, beat 1; the orchestra waits for the next note"
        )
        head.press("Enter")
        expect(page.locator(".chord-why")).to_have_text(f"{WHY[0].upper()}{WHY[1:]} (half cadence).")
        expect(page.locator(".chord-next")).to_have_text("Then i in A minor, bar 2, beat 3")
        expect(page.locator(".ai-bar h2")).to_have_text("Bar 1 by ai:parts, seed 3: surprise 1.9 a note")
        words = page.locator(".note-words")
        expect(words).to_have_text(
            "Horn 2 C♯4: surprise 3.5; C4 was likelier (50 %); for it spoke Violin 1’s E5 in bar 1 (+0.8)"
        )
        page.locator(".ai-bar rect").first.focus()
        expect(words).to_have_text("Horn 2 C4: surprise 0.3")
        page.keyboard.press("w")
        expect(page.locator(".chord-why")).to_be_hidden()
        assert faults == []
    finally:
        relay.close()
