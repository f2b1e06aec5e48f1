"""Binary layouts from annotated dataclasses: the codec under ``studio.relay.protocol``.

A message is a frozen dataclass whose annotations say how its fields lie on the wire; ``layout_of`` turns them into a
tree of nodes that writes and reads values here, and from which ``studio.relay.protocol_schema`` writes the TypeScript
end.

=========================  =============================================================
annotation                 bytes (little-endian, packed, no padding)
=========================  =============================================================
``U8 U16 U32 U64 I32``     integer; ``U64`` stays below 2**53, so that a JavaScript number holds it
``F32 F64``                IEEE 754; ``read`` refuses NaN and infinities
``bool``                   one byte, 0 or 1
``Literal["a", "b"]``      one byte: the index of the option (options are only ever appended)
``Annotated[str, MaxBytes(n)]``  ``u16`` count of bytes, UTF-8
``bytes``                  ``u32`` count, bytes
``X | None``               one byte 0 or 1, then X where it is 1
``tuple[X, ...]``          ``u16`` count, items
``tuple[X, Y, Z]``         the items
a dataclass                its fields in order
a union of dataclasses     one byte: the dataclass's ``TAG``; then its fields
=========================  =============================================================
"""

import math
import struct
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union

from ...engine.errors import ProtocolError


@dataclass(frozen=True, slots=True)
class Scalar:
    """Marks a number's width: ``name`` as in the table above, ``code`` of module ``struct``."""

    name: str
    code: str


@dataclass(frozen=True, slots=True)
class MaxBytes:
    """Marks a text's greatest length in bytes of UTF-8."""

    count: int


U8 = Annotated[int, Scalar("u8", "B")]
U16 = Annotated[int, Scalar("u16", "H")]
U32 = Annotated[int, Scalar("u32", "I")]
U64 = Annotated[int, Scalar("u64", "Q")]
I32 = Annotated[int, Scalar("i32", "i")]
F32 = Annotated[float, Scalar("f32", "f")]
F64 = Annotated[float, Scalar("f64", "d")]
MAX_SAFE_INTEGER = 2**53 - 1


class Reader:
    """A cursor over a received message. Every read checks the end."""

    __slots__ = ("data", "offset")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.offset = 0

    def unpack(self, packer: struct.Struct) -> tuple[Any, ...]:
        end = self.offset + packer.size
        if end > len(self.data):
            raise ProtocolError(f"message ends at byte {len(self.data)}, {packer.size} more were due at {self.offset}")
        values = packer.unpack_from(self.data, self.offset)
        self.offset = end
        return values

    def take(self, count: int) -> bytes:
        end = self.offset + count
        if end > len(self.data):
            raise ProtocolError(f"message ends at byte {len(self.data)}, {count} more were due at {self.offset}")
        part = self.data[self.offset : end]
        self.offset = end
        return part


_U8, _U16, _U32 = struct.Struct("<B"), struct.Struct("<H"), struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """A number or a bool. Records pack runs of these with one ``struct``."""

    scalar: Scalar

    def write(self, value: Any, out: bytearray) -> None:
        out += struct.pack("<" + self.scalar.code, value)

    def read(self, reader: Reader) -> Any:
        return checked(self.scalar, reader.unpack(struct.Struct("<" + self.scalar.code))[0])


@dataclass(frozen=True, slots=True)
class TextNode:
    max_bytes: int

    def write(self, value: str, out: bytearray) -> None:
        data = value.encode("utf-8", "replace")
        if len(data) > self.max_bytes:
            raise ProtocolError(f"text of {len(data)} bytes where {self.max_bytes} are allowed")
        out += _U16.pack(len(data))
        out += data

    def read(self, reader: Reader) -> str:
        count = reader.unpack(_U16)[0]
        if count > self.max_bytes:
            raise ProtocolError(f"text of {count} bytes where {self.max_bytes} are allowed")
        try:
            return reader.take(count).decode("utf-8")
        except UnicodeDecodeError:
            raise ProtocolError("text is not UTF-8") from None


@dataclass(frozen=True, slots=True)
class BytesNode:
    def write(self, value: bytes, out: bytearray) -> None:
        out += _U32.pack(len(value))
        out += value

    def read(self, reader: Reader) -> bytes:
        return bytes(reader.take(reader.unpack(_U32)[0]))


@dataclass(frozen=True, slots=True)
class ChoiceNode:
    options: tuple[str, ...]

    def write(self, value: str, out: bytearray) -> None:
        try:
            out.append(self.options.index(value))
        except ValueError:
            raise ProtocolError(f"{value!r} is none of {', '.join(self.options)}") from None

    def read(self, reader: Reader) -> str:
        index = reader.unpack(_U8)[0]
        if index >= len(self.options):
            raise ProtocolError(f"option {index} of {len(self.options)} ({', '.join(self.options)})")
        return self.options[index]


@dataclass(frozen=True, slots=True)
class OptionalNode:
    item: "Node"

    def write(self, value: Any, out: bytearray) -> None:
        out.append(value is not None)
        if value is not None:
            self.item.write(value, out)

    def read(self, reader: Reader) -> Any:
        return self.item.read(reader) if checked(BOOL, reader.unpack(_U8)[0]) else None


@dataclass(frozen=True, slots=True)
class ListNode:
    item: "Node"

    def write(self, value: tuple[Any, ...], out: bytearray) -> None:
        if len(value) > 0xFFFF:
            raise ProtocolError(f"list of {len(value)} items where 65535 are allowed")
        out += _U16.pack(len(value))
        for item in value:
            self.item.write(item, out)

    def read(self, reader: Reader) -> tuple[Any, ...]:
        return tuple(self.item.read(reader) for _ in range(reader.unpack(_U16)[0]))


@dataclass(frozen=True, slots=True)
class FixedNode:
    items: tuple["Node", ...]

    def write(self, value: tuple[Any, ...], out: bytearray) -> None:
        if len(value) != len(self.items):
            raise ProtocolError(f"{len(value)} values where {len(self.items)} are due")
        for node, item in zip(self.items, value, strict=True):
            node.write(item, out)

    def read(self, reader: Reader) -> tuple[Any, ...]:
        return tuple(node.read(reader) for node in self.items)


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring scalar fields of a record, packed together."""

    names: tuple[str, ...]
    scalars: tuple[Scalar, ...]
    packer: struct.Struct


@dataclass(frozen=True, slots=True)
class RecordNode:
    """A dataclass. ``fields`` are its names and layouts in wire order; ``steps`` the same with scalars gathered."""

    cls: type
    fields: tuple[tuple[str, "Node"], ...]
    steps: tuple["Run | tuple[str, Node]", ...]

    def write(self, value: Any, out: bytearray) -> None:
        for step in self.steps:
            if isinstance(step, Run):
                try:
                    out += step.packer.pack(*[getattr(value, name) for name in step.names])
                except (struct.error, OverflowError) as error:
                    raise ProtocolError(f"{self.cls.__name__} ({', '.join(step.names)}): {error}") from None
            else:
                step[1].write(getattr(value, step[0]), out)

    def read(self, reader: Reader) -> Any:
        values: list[Any] = []
        for step in self.steps:
            if isinstance(step, Run):
                values += map(checked, step.scalars, reader.unpack(step.packer))
            else:
                values.append(step[1].read(reader))
        return self.cls(*values)


@dataclass(frozen=True, slots=True)
class UnionNode:
    """One of several dataclasses, told apart by their ``TAG``."""

    members: dict[int, RecordNode]

    def write(self, value: Any, out: bytearray) -> None:
        tag: int = getattr(value, "TAG", -1)
        member = self.members.get(tag)
        if member is None or member.cls is not type(value):
            raise ProtocolError(f"{type(value).__name__} cannot be sent here")
        out.append(tag)
        member.write(value, out)

    def read(self, reader: Reader) -> Any:
        tag = reader.unpack(_U8)[0]
        if tag not in self.members:
            raise ProtocolError(f"unknown kind 0x{tag:02x}")
        return self.members[tag].read(reader)


Node = ScalarNode | TextNode | BytesNode | ChoiceNode | OptionalNode | ListNode | FixedNode | RecordNode | UnionNode
BOOL = Scalar("bool", "B")


def checked(scalar: Scalar, value: Any) -> Any:
    """A number as read, or ``ProtocolError`` where the wire allows it but the protocol does not."""
    if scalar.code in "fd":
        if not math.isfinite(value):
            raise ProtocolError(f"{scalar.name} is {value}")
    elif scalar.name == "bool":
        if value > 1:
            raise ProtocolError(f"bool is {value}")
        return bool(value)
    elif scalar.code == "Q" and value > MAX_SAFE_INTEGER:
        raise ProtocolError(f"u64 is {value}, above 2**53")
    return value


@cache
def layout_of(annotation: Any) -> Node:
    """The layout of a type annotated as in the table above."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is bool:
        return ScalarNode(BOOL)
    if annotation is bytes:
        return BytesNode()
    if origin is Annotated:
        mark = arguments[1]
        return ScalarNode(mark) if isinstance(mark, Scalar) else TextNode(mark.count)
    if origin is Literal:
        return ChoiceNode(arguments)
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return ListNode(layout_of(arguments[0]))
        return FixedNode(tuple(layout_of(argument) for argument in arguments))
    if origin in (Union, types.UnionType):
        if arguments[-1] is type(None):
            return OptionalNode(layout_of(Union[arguments[:-1]]))  # noqa: UP007 (made at run time)
        members: dict[int, RecordNode] = {argument.TAG: _record(argument) for argument in arguments}
        assert len(members) == len(arguments), "two kinds share a TAG"
        return UnionNode(members)
    if isinstance(annotation, type) and is_dataclass(annotation):
        return _record(annotation)
    raise TypeError(f"no layout for {annotation!r}")


@cache
def _record(cls: type[Any]) -> RecordNode:
    hints = typing.get_type_hints(cls, include_extras=True)
    named = tuple((field.name, layout_of(hints[field.name])) for field in fields(cls))
    steps: list[Run | tuple[str, Node]] = []
    run: list[tuple[str, Scalar]] = []

    def flush() -> None:
        if run:
            scalars = tuple(scalar for _, scalar in run)
            packer = struct.Struct("<" + "".join(scalar.code for scalar in scalars))
            steps.append(Run(tuple(name for name, _ in run), scalars, packer))
            run.clear()

    for name, node in named:
        if isinstance(node, ScalarNode):
            run.append((name, node.scalar))
        else:
            flush()
            steps.append((name, node))
    flush()
    return RecordNode(cls, named, tuple(steps))


def encoder(annotation: Any) -> Callable[[Any], bytes]:
    """A function from values of the annotated type to bytes; raises ``ProtocolError``."""
    layout = layout_of(annotation)

    def encode(value: Any) -> bytes:
        out = bytearray()
        layout.write(value, out)
        return bytes(out)

    return encode


def decoder(annotation: Any) -> Callable[[bytes], Any]:
    """A function from bytes to a value; raises ``ProtocolError`` for anything but exactly one whole value."""
    layout = layout_of(annotation)

    def decode(data: bytes) -> Any:
        reader = Reader(data)
        value = layout.read(reader)
        if reader.offset != len(data):
            raise ProtocolError(f"{len(data) - reader.offset} bytes too many after the message's end")
        return value

    return decode
