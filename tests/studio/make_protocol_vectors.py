"""Writes ``protocol_vectors.json``: messages and their bytes, which both ends of the protocol are tested against.

Run it only when the protocol is changed on purpose: ``python tests/studio/make_protocol_vectors.py``.
Floats are chosen so that 32 bits hold them exactly.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any

from tutti.studio.relay import protocol as p
from tutti.studio.relay import protocol_commentary as pc
from tutti.studio.relay import protocol_interaction as pi
from tutti.studio.relay import protocol_values as pv
from tutti.studio.relay.protocol_hands import KeySample, PointerSample, PoseSample, TapSample

NOTE = pv.NoteOn(
    note_id=70_001,
    part=3,
    pitch=60,
    velocity=101,
    onset_s=12.625,
    duration_s=0.5,
    quarter=21.5,
    articulation="pizzicato",
    ai=False,
)
POSITION = pv.PositionInfo(
    time_s=12.5,
    beat=10.25,
    quarter=21.25,
    quarter_rate=2.0,
    bpm=120.0,
    beat_in_measure=3.25,
    measure="12a",
    state="playing",
)
PLAYER = pv.PlayerInfo(
    player=1,
    part=0,
    section="Violins I",
    instrument="violin",
    model="violin",
    stance="seated",
    position_m=(-2.5, 1.75, 0.0),
    heading_deg=-135.0,
    desk=0,
    gain_db=-1.5,
    muted=False,
)
PRESENCE = p.Presence(
    baton_holder=2,
    requests=(3,),
    viewers=(
        pv.ViewerInfo(viewer=2, name="Zoë", colour=0xE4572E, host=True),
        pv.ViewerInfo(viewer=3, name="指揮者", colour=0x29335C, host=False),
    ),
)

SERVER: dict[str, p.ServerMessage] = {
    "snapshot": p.Snapshot(
        relay_id=0xDEADBEEF,
        viewer=2,
        tick_hz=30.0,
        ack_window=12,
        title="Sinfonie Nr. 5",
        composer="L. v. Beethoven",
        hall="shoebox",
        picture="musikverein",
        end_quarter=1004.0,
        parts=(pv.PartInfo(name="Violino I", abbreviation="Vl. I", instrument="violin", family="strings"),),
        players=(PLAYER,),
        measures=(
            pv.MeasureInfo(start_quarter=0.0, duration_quarter=0.5, number="0", numerator=2, denominator=4),
            pv.MeasureInfo(start_quarter=0.5, duration_quarter=2.0, number="1", numerator=2, denominator=4),
        ),
        beats=(pv.BeatInfo(quarter=0.0, measure=0, beat=1, beats_in_measure=1),),
        rehearsal=(pv.MarkingInfo(quarter=96.0, text="A"),),
        markings=(pv.MarkingInfo(quarter=0.0, text="Allegro con brio"),),
        tempos=(pv.TempoMarkInfo(quarter=0.0, quarter_bpm=216.0),),
        figures=(pv.FigureInfo(beats=1, way=((0.0, 0.0), (0.125, 1.0), (0.0, 0.0))),),
        audio=pv.AudioInfo(rate_hz=48_000, packet_samples=960),
        presence=PRESENCE,
        position=POSITION,
        next_event=42,
        sounding=(NOTE,),
        keyboard=pv.KeyboardInfo(instrument="Violine", low=55, high=103),
    ),
    "snapshot, nothing yet": p.Snapshot(
        relay_id=1,
        viewer=1,
        tick_hz=60.0,
        ack_window=24,
        title="",
        composer="",
        hall="",
        picture="",
        end_quarter=0.0,
        parts=(),
        players=(),
        measures=(),
        beats=(),
        rehearsal=(),
        markings=(),
        tempos=(),
        figures=(),
        audio=pv.AudioInfo(rate_hz=0, packet_samples=0),
        presence=p.Presence(baton_holder=p.NOBODY, requests=(), viewers=()),
        position=None,
        next_event=0,
        sounding=(),
        keyboard=None,
    ),
    "tick": p.Tick(
        tick=4_000_000_000,
        frame_s=12.515625,
        position=POSITION,
        tempo=pv.TempoInfo(
            beat_index=-1, beat_s=12.25, beat_period_s=0.5, next_beat_s=12.75, confidence=0.875, stopped=False
        ),
        level=0.75,
        articulation=-0.25,
        attention="Hörner",
        poses=(
            pv.PoseInfo(time_s=12.5, device="baton", position_m=(0.25, 1.25, -0.5), orientation_wxyz=None),
            pv.PoseInfo(
                time_s=12.5, device="head", position_m=(0.0, 1.625, 0.0), orientation_wxyz=(0.5, 0.5, -0.5, 0.5)
            ),
        ),
        first_event=40,
        events=(
            NOTE,
            pv.NoteOff(note_id=69_999, time_s=12.375),
            pv.Ictus(beat_index=10, time_s=12.25, detected_s=12.3125, stroke_m=0.3125, clarity=0.5),
            pv.Crossing(beat_index=10, time_s=12.25, quarter=21.0, beat=3, bpm=118.5),
            pv.Silence(time_s=12.5),
            pv.Signed(time_s=12.5, sign="hush", section="Hörner", amount=-0.25),
            pv.Applause(begin_s=14.0, end_s=26.5, warmth=0.75),
        ),
    ),
    "tick, waiting": p.Tick(
        tick=0,
        frame_s=0.0,
        position=None,
        tempo=None,
        level=0.5,
        articulation=0.0,
        attention="",
        poses=(),
        first_event=0,
        events=(),
    ),
    "events": p.Events(first_event=40, events=(NOTE, pv.NoteOff(note_id=70_001, time_s=13.0))),
    "sounding": p.Sounding(next_event=45, notes=(NOTE,)),
    "presence": PRESENCE,
    "pong": p.Pong(client_s=123.456, server_s=12.000001),
    "audio, opus": p.Audio(
        codec="opus", first_sample=2**40 + 960, time_s=20.02, samples=960, data=bytes([0xFC, 0x00, 0x7F, 0xFF])
    ),
    "audio, pcm": p.Audio(
        codec="pcm16", first_sample=0, time_s=0.0, samples=2, data=bytes([1, 0, 255, 255, 0, 128, 2, 1])
    ),
    "players": p.Players(players=(PLAYER,)),
    "hall": p.HallShown(hall="open-air", picture="open-air"),
    "notice": p.Notice(text="The baton is in Zoë’s hands."),
    "pairing_code": p.PairingCode(
        address="https://192.168.0.17:8765/phone#pair=abc", expires_s=312.5, size=2, modules=bytes((1, 0, 0, 1))
    ),
    "paired": p.Paired(token="again", owner="Zoë"),
    "sound_status": p.SoundStatus(
        device="JACK dummy, 21 ms, 3 missed",
        warning="3 blocks were missed: try --latency safe",
        load=0.375,
        missed=3,
        latency_s=0.0234375,
        limiting_db=-1.5,
        true_peak_db=-1.75,
        loudness_lufs=-17.25,
        parts=(
            pv.PartSound(peak_db=-12.5, rms_db=-24.25, muted=False, solo=True),
            pv.PartSound(peak_db=-120.0, rms_db=-120.0, muted=True, solo=False),
        ),
    ),
    "harmony": p.Harmony(
        from_quarter=8.0,
        to_quarter=16.0,
        chords=(
            pc.ChordInfo(
                quarter=9.0,
                end_quarter=10.5,
                measure="3",
                beat=2,
                numeral="V7/ii",
                key="F♯ minor",
                why="the fifth above the second degree, leading there",
                cadence="",
            ),
        ),
    ),
    "surprises": p.Surprises(
        author="ai:parts, seed 3",
        measure="3",
        from_quarter=8.0,
        to_quarter=12.0,
        notes=(
            pc.SurpriseInfo(
                part=2,
                quarter=9.5,
                pitch=61,
                nats=3.5,
                expected=60,
                odds=0.5,
                because=(pc.InfluenceInfo(part=0, quarter=9.0, pitch=76, nats=0.75),),
            ),
        ),
    ),
    "solo": p.Solo(
        part="Violin solo",
        state="paused",
        quarter=33.5,
        measure="9",
        beat=2,
        bpm=92.5,
        confidence=0.75,
        apart_quarters=-0.25,
    ),
    "interaction": p.Interaction(
        time_s=12.5,
        hovered=7,
        selected=None,
        highlighted=(7, 8),
        drags=(pi.DragInfo(player=7, from_m=(1.0, 2.0, 0.0), to_m=(1.5, 6.0, 0.25), moved_aside=True),),
        rays=(pi.RayInfo(hand="right", end_m=(1.5, 6.0, 0.25), on="floor"),),
        panels=(
            pi.PanelInfo(
                panel="card",
                centre_m=(0.0, 2.0, 1.5),
                right=(1.0, 0.0, 0.0),
                up=(0.0, 0.0, 1.0),
                metres_per_dmm=0.001953125,
                width_dmm=480.0,
                height_dmm=456.0,
                items=(
                    pi.ItemInfo(
                        key="mute:part:0",
                        item="toggle",
                        x_dmm=24.0,
                        y_dmm=208.0,
                        width_dmm=208.0,
                        height_dmm=64.0,
                        text="Mute",
                        text_dmm=28.0,
                        align="centre",
                        strong=False,
                        value=1.0,
                        state="hovered",
                    ),
                ),
            ),
        ),
        pulses=(pi.PulseInfo(hand="right", amplitude=0.5, duration_s=0.03125),),
    ),
}
CLIENT: dict[str, p.ClientMessage] = {
    "hello": p.Hello(name="Zoë", codec="opus", host_key="k3y"),
    "ack": p.Ack(tick=4_000_000_000, audio_end=2**40 + 1920),
    "ping": p.Ping(client_s=123.456),
    "pointer": p.Pointer(
        clock_offset_s=-111.0,
        samples=(
            PointerSample(client_s=123.5, x=-0.5, y=1.0, pressed=True),
            PointerSample(client_s=123.508, x=-0.5, y=0.75, pressed=False),
        ),
    ),
    "poses": p.Poses(
        clock_offset_s=-111.0,
        samples=(
            PoseSample(
                client_s=123.5,
                device="left",
                position_m=(-0.25, 1.25, -0.375),
                orientation_wxyz=(1.0, 0.0, 0.0, 0.0),
                valid=True,
            ),
            PoseSample(
                client_s=123.5, device="baton", position_m=(0.25, 1.25, -0.375), orientation_wxyz=None, valid=False
            ),
        ),
    ),
    "baton": p.Baton(action="grant", viewer=3),
    "command": p.Command(action="gain", target=7, value=-3.5),
    "command, solo": p.Command(action="solo", target=7, value=1.0),
    "rename": p.Rename(name="Ludwig"),
    "listen": p.Listen(codec="pcm16"),
    "tap": p.Tap(clock_offset_s=-0.5, samples=(TapSample(client_s=124.25, strength=0.75),)),
    "keys": p.Keys(
        clock_offset_s=-0.5,
        samples=(
            KeySample(client_s=124.25, pitch=69, velocity=90),
            KeySample(client_s=124.5, pitch=69, velocity=0),
        ),
    ),
    "pair": p.Pair(origin="https://192.168.0.17:8765"),
    "claim": p.Claim(token="abc"),
    "pointing": p.Pointing(
        clock_offset_s=-111.0,
        eye_m=(0.0, -0.25, 1.875),
        gaze=(0.0, 1.0, 0.0),
        samples=(
            pi.RaySample(
                client_s=123.5,
                hand="right",
                origin_m=(0.25, 0.5, 1.25),
                direction=(0.0, 1.0, 0.0),
                tip_m=(0.25, 0.75, 1.25),
                select=True,
                grab=False,
                menu=False,
                section=True,
                valid=True,
            ),
            pi.RaySample(
                client_s=123.5,
                hand="mouse",
                origin_m=(0.0, -0.25, 1.875),
                direction=(0.0, 1.0, 0.0),
                tip_m=None,
                select=False,
                grab=False,
                menu=False,
                section=False,
                valid=False,
            ),
        ),
    ),
}


def as_json(value: Any) -> Any:
    """A message as JSON shows it: ``kind`` beside the fields of a message or event, bytes as a list of numbers."""
    if dataclasses.is_dataclass(value):
        shown = {"kind": type(value).__name__} if hasattr(value, "TAG") else {}
        return shown | {field.name: as_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple | bytes):
        return [as_json(item) for item in value]
    return value


def vectors() -> list[dict[str, Any]]:
    rows = []
    for sender, messages, encode in (("server", SERVER, p.encode_server), ("client", CLIENT, p.encode_client)):
        for name, message in messages.items():
            rows.append({"name": name, "from": sender, "hex": encode(message).hex(), "message": as_json(message)})  # type: ignore[operator]
    return rows


if __name__ == "__main__":
    path = Path(__file__).with_name("protocol_vectors.json")
    path.write_text(json.dumps(vectors(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(path)
