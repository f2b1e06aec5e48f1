"""A relay with a made-up session, for work on the page: an arc of players, a beating baton, a scale, a sine.

``python benchmarks/relay_demo.py --port 8765`` and open the address it prints. Whoever takes the baton in the page
moves the hand themselves; start, stop and seek work, and who stops is applauded; the rest is printed.
"""

import argparse
import logging
import math
import time
from itertools import cycle

import numpy as np

from tutti.engine.clock import SessionClock
from tutti.engine.hall import SHOEBOX, hall_names, read_hall
from tutti.engine.score import Part
from tutti.engine.types import (
    Applause,
    Beat,
    BeatCrossing,
    Dynamics,
    Frame,
    NoteEvent,
    NoteRelease,
    PlayerPlacement,
    Pose,
    ScorePosition,
    Sign,
    TempoEstimate,
)
from tutti.studio.relay.protocol import NOBODY
from tutti.studio.relay.protocol_values import BeatInfo, MeasureInfo, TempoMarkInfo
from tutti.studio.relay.relay import Control, RelayProcess, RelaySettings, SessionInfo
from tutti.studio.relay.session_info import figure_infos

BPM = 96.0
MEASURES = 64
BEATS = 4
RATE_HZ = 48_000
SECTIONS = (
    ("Violin I", "violin", 10, 3.2, -75, -35, 67),
    ("Violin II", "violin", 8, 4.6, -60, -15, 62),
    ("Viola", "viola", 6, 4.6, 10, 45, 55),
    ("Violoncello", "cello", 6, 3.2, 35, 75, 48),
    ("Contrabass", "contrabass", 3, 6.4, 50, 75, 36),
    ("Flute", "flute", 2, 6.2, -16, -4, 79),
    ("Oboe", "oboe", 2, 6.2, 4, 16, 74),
    ("Clarinet", "clarinet", 2, 7.4, -16, -4, 70),
    ("Bassoon", "bassoon", 2, 7.4, 4, 16, 50),
    ("Horn", "horn", 4, 8.6, -32, -8, 58),
    ("Trumpet", "trumpet", 2, 8.6, 2, 12, 72),
    ("Timpani", "timpani", 1, 9.6, -2, 2, 41),
)
SCALE = (0, 2, 4, 5, 7, 9, 11, 12)


class SineTap:
    """A sound that needs no orchestra: 220 Hz left, 330 Hz right, a click on every beat; due at its sample's time."""

    rate_hz = RATE_HZ

    def __init__(self, clock: SessionClock) -> None:
        self._clock = clock

    def read_since(self, index: int) -> tuple[int, np.ndarray]:
        end = int(self._clock.now_s() * RATE_HZ)
        start = max(index, end - RATE_HZ)
        time_s = np.arange(start, max(start, end)) / RATE_HZ
        click = 0.5 * np.sin(2 * np.pi * 1000 * time_s) * ((time_s * BPM / 60) % 1.0 < 0.01)
        return start, np.stack(
            [0.1 * np.sin(2 * np.pi * 220 * time_s) + click, 0.1 * np.sin(2 * np.pi * 330 * time_s) + click], axis=1
        ).astype(np.float32)

    def time_of(self, index: int) -> float:
        return index / RATE_HZ

    def close(self) -> None:
        """Nothing to let go."""


class OpenSineTap:
    """Opens a ``SineTap`` in the relay's process, on the same clock."""

    def __init__(self, clock: SessionClock) -> None:
        self._clock = clock

    def __call__(self) -> SineTap:
        return SineTap(self._clock)


def orchestra() -> tuple[PlayerPlacement, ...]:
    """Players in arcs around the podium, facing it."""
    players: list[PlayerPlacement] = []
    for part, (name, instrument, count, radius, first_deg, last_deg, _) in enumerate(SECTIONS):
        for desk in range(count):
            angle_deg = first_deg + (last_deg - first_deg) * (desk + 0.5) / count
            angle, distance = math.radians(angle_deg), radius + 0.9 * (desk % 2)
            players.append(
                PlayerPlacement(
                    player=len(players),
                    part=part,
                    section=name,
                    instrument=instrument,
                    position_m=(
                        distance * math.sin(angle),
                        distance * math.cos(angle),
                        0.2 * max(0, round(radius - 5)),
                    ),
                    heading_deg=180.0 - angle_deg,
                    desk=desk,
                )
            )
    return tuple(players)


def session() -> SessionInfo:
    """Facts of the made-up piece."""
    beats = tuple(BeatInfo(float(i), i // BEATS, i % BEATS + 1, BEATS) for i in range(MEASURES * BEATS))
    return SessionInfo(
        title="Scale for Orchestra",
        composer="Tutti",
        parts=tuple(Part(name, name[:3] + ".", instrument, count) for name, instrument, count, *_ in SECTIONS),
        placements=orchestra(),
        measures=tuple(MeasureInfo(float(BEATS * i), float(BEATS), str(i + 1), BEATS, 4) for i in range(MEASURES)),
        beats=beats,
        rehearsal=((32.0, "A"), (64.0, "B"), (128.0, "C")),
        markings=((0.0, "Andante"), (64.0, "poco più mosso")),
        tempos=(TempoMarkInfo(0.0, 92.0), TempoMarkInfo(64.0, 104.0)),
        figures=figure_infos(beats),
        hall="shoebox",
        audio_rate_hz=RATE_HZ,
    )


def hand(beat: float) -> tuple[float, float, float]:
    """A four-beat pattern in the tracking frame; each beat's ictus at a low point."""
    turn, within = int(beat) % BEATS, beat % 1.0
    places = (0.0, -0.22, 0.22, 0.06)
    x = places[turn] + (places[(turn + 1) % BEATS] - places[turn]) * (3 * within**2 - 2 * within**3)
    return (0.2 + x, 1.05 + (0.35 if turn == 3 else 0.2) * math.sin(math.pi * within), -0.45)


class Demo:
    """The made-up performance: a scale at a steady tempo."""

    def __init__(self) -> None:
        self._index = 0
        self._beat = 0.0
        self._time_s: float | None = None
        self._sounding: list[NoteEvent] = []
        self._note_id = 0
        self.running = True
        self.applause: Applause | None = None

    def stop(self, now_s: float) -> None:
        self.running = False
        self.applause = Applause(now_s + 0.5, now_s + 18.0, 0.8)

    def seek(self, measure: int) -> None:
        self._beat = float(measure * BEATS)

    def step(self, now_s: float, baton: Pose | None) -> Frame:
        passed_s = 0.0 if self._time_s is None or not self.running else now_s - self._time_s
        self._time_s = now_s
        before, self._beat = self._beat, (self._beat + passed_s * BPM / 60) % (MEASURES * BEATS)
        notes: list[NoteEvent] = []
        beats: list[Beat] = []
        crossings: list[BeatCrossing] = []
        signs: list[Sign] = []
        releases = [NoteRelease(n.note_id, now_s) for n in self._sounding if n.onset_s + n.duration_s <= now_s]
        self._sounding = [n for n in self._sounding if n.onset_s + n.duration_s > now_s]
        if int(before) != int(self._beat):
            number = int(self._beat)
            measure, beat = divmod(number, BEATS)
            beats.append(Beat(now_s - 0.05, now_s, number, 0.3, 0.9 - 0.1 * beat))
            if number % (2 * BEATS) == 0:
                signs.append(Sign(now_s, "cue", SECTIONS[measure // 2 % len(SECTIONS)][0]))
            crossings.append(BeatCrossing(number, now_s, float(number), str(measure + 1), beat + 1, BPM, now_s, 0.9))
            for part, (_, instrument, *_, tonic) in enumerate(SECTIONS):
                if (number + part) % 3 == 0:
                    continue
                self._note_id += 1
                bowed = "pizzicato" if instrument in ("cello", "contrabass") and measure % 2 else "sustain"
                length_s = 60 / BPM * (0.9 if part % 2 else 1.8)
                pitch = tonic + SCALE[(number + 2 * part) % len(SCALE)]
                note = NoteEvent(
                    self._note_id, part, now_s + 0.08, length_s, pitch, 60 + 5 * beat, bowed, float(number)  # type: ignore[arg-type]
                )  # fmt: skip
                notes.append(note)
        self._sounding += notes
        self._index += 1
        applause, self.applause = self.applause, None
        period_s = 60 / BPM
        beat_s = now_s - (self._beat % 1.0) * period_s
        state = "playing" if self.running else "stopped"
        quarter_rate = BPM / 60 if self.running else 0.0
        beat_in_measure = self._beat % BEATS + 1
        measure_name = str(int(self._beat) // BEATS + 1)
        position = ScorePosition(
            now_s, self._beat, self._beat, quarter_rate, BPM, measure_name, beat_in_measure, state  # type: ignore[arg-type]
        )  # fmt: skip
        return Frame(
            index=self._index,
            time_s=now_s,
            position=position,
            tempo=TempoEstimate(now_s, int(self._beat), beat_s, period_s, beat_s + period_s, 0.9, not self.running),
            dynamics=Dynamics(now_s, 0.5 + 0.3 * math.sin(self._beat / 8), 0.0),
            beats=tuple(beats),
            crossings=tuple(crossings),
            notes=tuple(notes),
            releases=tuple(releases),
            signs=tuple(signs),
            applause=applause,
            attention=SECTIONS[int(self._beat / 8) % len(SECTIONS)][0],
            poses=(baton or Pose(now_s, "baton", hand(self._beat)), Pose(now_s, "head", (0.0, 1.65, 0.0))),
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--hz", type=float, default=30.0, help="ticks per second")
    parser.add_argument("--seconds", type=float, default=math.inf, help="how long (default: until Ctrl-C)")
    parser.add_argument("--tour", type=float, default=math.inf, help="seconds in each hall (default: in one for ever)")
    parser.add_argument("--origin", action="append", default=["http://localhost:5173", "http://127.0.0.1:5173"])
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    clock = SessionClock()
    settings = RelaySettings(options.host, options.port, options.hz, allowed_origins=tuple(options.origin))
    relay = RelayProcess(session(), clock, settings, OpenSineTap(clock))
    print(f"open {relay.address} (host: {relay.host_address})", flush=True)
    demo = Demo()
    baton: Pose | None = None
    halls = cycle(read_hall(name) for name in hall_names() if name != SHOEBOX)
    goes_s = options.tour
    try:
        while clock.now_s() < options.seconds and relay.alive:
            poses, controls = relay.poll()
            baton = next((pose for pose in reversed(poses) if pose.device == "baton"), baton)
            for control in controls:
                print(control, flush=True)
                baton = _obey(control, demo, relay, clock, baton)
            if clock.now_s() > goes_s:
                goes_s += options.tour
                relay.enter(next(halls))
            relay.publish(demo.step(clock.now_s(), baton))
            time.sleep(1 / 60)
    except KeyboardInterrupt:
        print("closing")
    finally:
        relay.close()


def _obey(control: Control, demo: Demo, relay: RelayProcess, clock: SessionClock, baton: Pose | None) -> Pose | None:
    """Do what a viewer wants; gives the baton's pose from now on."""
    match control.action:
        case "start":
            demo.running = True
        case "stop":
            demo.stop(clock.now_s())
            relay.silence(clock.now_s())
        case "seek":
            demo.seek(control.target)
            relay.silence(clock.now_s())
        case "baton" if control.target == NOBODY:
            return None
    return baton


if __name__ == "__main__":
    main()
