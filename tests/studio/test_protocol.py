"""The wire: what leaves one end arrives at the other, and nothing malformed arrives."""

import importlib.util
import json
import math
import struct
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutti.engine.errors import ProtocolError
from tutti.studio.relay import protocol as p
from tutti.studio.relay import protocol_schema
from tutti.studio.relay.protocol_hands import PointerSample

HERE = Path(__file__).parent
VECTORS = json.loads((HERE / "protocol_vectors.json").read_text(encoding="utf-8"))


def _maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_protocol_vectors", HERE / "make_protocol_vectors.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['from']}: {vector['name']}")
def test_vectors_read_and_written(vector: dict[str, Any]) -> None:
    data = bytes.fromhex(vector["hex"])
    maker = _maker()
    if vector["from"] == "server":
        message: Any = p.decode_server(data)
        assert p.encode_server(message) == data
        assert message == maker.SERVER[vector["name"]]
    else:
        message = p.decode_client(data)
        assert p.encode_client(message) == data
        assert message == maker.CLIENT[vector["name"]]
    assert maker.as_json(message) == vector["message"]


def test_vectors_cover_every_message() -> None:
    kinds = {vector["message"]["kind"] for vector in VECTORS}
    assert kinds == {cls.__name__ for cls in (*p.ServerMessage.__args__, *p.ClientMessage.__args__)}


def test_bytes_are_what_the_document_says() -> None:
    assert p.encode_client(p.Ack(tick=7, audio_end=960)) == struct.pack("<BIQ", 0x42, 7, 960)
    assert p.encode_client(p.Rename(name="é")) == b"\x48\x02\x00\xc3\xa9"
    packet = p.Audio(codec="opus", first_sample=1, time_s=2.0, samples=960, data=b"abc")
    assert p.encode_server(packet) == struct.pack("<BBQdHI", 0x07, 1, 1, 2.0, 960, 3) + b"abc"
    pointer = p.Pointer(clock_offset_s=1.0, samples=(PointerSample(client_s=2.0, x=0.5, y=-0.5, pressed=True),))
    assert p.encode_client(pointer) == struct.pack("<BdHdffB", 0x44, 1.0, 1, 2.0, 0.5, -0.5, 1)


def test_generated_files_are_current() -> None:
    root = HERE.parent.parent
    for path, text in protocol_schema.outputs(root).items():
        assert path.read_text(encoding="utf-8") == text, f"{path}: run python -m tutti.studio.relay.protocol_schema"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"\xff" * 20,
        p.encode_client(p.Ack(tick=1, audio_end=2))[:-1],
        p.encode_client(p.Ack(tick=1, audio_end=2)) + b"\x00",
        struct.pack("<Bd", 0x43, math.nan),
        struct.pack("<Bd", 0x43, math.inf),
        struct.pack("<BIQ", 0x42, 1, 2**60),
        b"\x48\x02\x00\xff\xfe",
        b"\x48" + struct.pack("<H", 2000) + b"a" * 2000,
        b"\x49\x09",
        struct.pack("<BdHdffB", 0x44, 1.0, 1, 2.0, 0.5, -0.5, 2),
        struct.pack("<BdH", 0x44, 1.0, 65535),
    ],
    ids=[
        "empty", "kind 0", "kind 255", "short", "long", "NaN", "infinity", "beyond 2**53",
        "not UTF-8", "text too long", "unknown option", "bool of 2", "count without items",
    ],
)  # fmt: skip
def test_malformed_messages_are_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError) as caught:
        p.decode_client(data)
    assert "\n" not in str(caught.value)


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_either_decode_and_encode_back_or_are_refused(data: bytes) -> None:
    for decode, encode in ((p.decode_client, p.encode_client), (p.decode_server, p.encode_server)):
        try:
            message: Any = decode(data)
        except ProtocolError:
            continue
        assert encode(message) == data  # type: ignore[operator]


def test_a_value_out_of_range_is_named() -> None:
    with pytest.raises(ProtocolError, match="Ack"):
        p.encode_client(p.Ack(tick=-1, audio_end=0))
    with pytest.raises(ProtocolError, match="cannot be sent"):
        p.encode_client(p.Pong(client_s=0.0, server_s=0.0))  # type: ignore[arg-type]
