"""Writes the page's end of the protocol and its reference from the dataclasses of ``studio.relay.protocol``.

``python -m tutti.studio.relay.protocol_schema`` (in a source tree) rewrites ``studio/web/src/generated/protocol.ts``
and the tables under "Messages" in ``docs/protocol.md``; a test compares them with what this module would write.
"""

import inspect
import json
import typing
from pathlib import Path
from typing import Any

from . import protocol, protocol_values
from .wire import (
    BytesNode,
    ChoiceNode,
    FixedNode,
    ListNode,
    Node,
    OptionalNode,
    RecordNode,
    ScalarNode,
    TextNode,
    UnionNode,
    layout_of,
)

CONSTANTS: dict[str, str | int] = {
    "SUBPROTOCOL": protocol.SUBPROTOCOL,
    "WEBSOCKET_PATH": protocol.WEBSOCKET_PATH,
    "NOBODY": protocol.NOBODY,
    "PODIUM": protocol.PODIUM,
    "MAX_NAME_CHARACTERS": protocol_values.MAX_NAME_CHARACTERS,
    "MAX_CLIENT_MESSAGE_BYTES": protocol.MAX_CLIENT_MESSAGE_BYTES,
    "MAX_SAMPLES": protocol.MAX_SAMPLES,
    "CLOSE_MALFORMED": protocol.CLOSE_MALFORMED,
    "CLOSE_VERSION": protocol.CLOSE_VERSION,
    "CLOSE_FLOOD": protocol.CLOSE_FLOOD,
    "CLOSE_STALLED": protocol.CLOSE_STALLED,
    "CLOSE_FULL": protocol.CLOSE_FULL,
    "CLOSE_NO_HELLO": protocol.CLOSE_NO_HELLO,
}
DOCS_MARK = "<!-- The rest is written by `python -m tutti.studio.relay.protocol_schema`. -->\n"

_RUNTIME = """\
class Reader {
  private readonly view: DataView;
  private readonly data: Uint8Array;
  private offset = 0;
  private static readonly utf8 = new TextDecoder("utf-8", { fatal: true });

  constructor(data: Uint8Array) {
    this.data = data;
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  private advance(count: number): number {
    const at = this.offset;
    this.offset = at + count;
    return at;
  }

  u8(): number { return this.view.getUint8(this.advance(1)); }
  u16(): number { return this.view.getUint16(this.advance(2), true); }
  u32(): number { return this.view.getUint32(this.advance(4), true); }
  i32(): number { return this.view.getInt32(this.advance(4), true); }
  u64(): number { return Number(this.view.getBigUint64(this.advance(8), true)); }
  f32(): number { return this.view.getFloat32(this.advance(4), true); }
  f64(): number { return this.view.getFloat64(this.advance(8), true); }
  bool(): boolean { return this.u8() !== 0; }

  bytes(count: number): Uint8Array {
    const at = this.advance(count);
    if (this.offset > this.data.byteLength) throw new RangeError("message ends early");
    return this.data.subarray(at, this.offset);
  }

  text(): string { return Reader.utf8.decode(this.bytes(this.u16())); }

  choice<T extends string>(options: readonly T[]): T {
    const option = options[this.u8()];
    if (option === undefined) throw new RangeError("unknown option");
    return option;
  }

  optional<T>(read: () => T): T | null { return this.u8() !== 0 ? read() : null; }

  list<T>(read: () => T): T[] {
    const count = this.u16();
    const items: T[] = [];
    for (let index = 0; index < count; index++) items.push(read());
    return items;
  }

  end(): void {
    if (this.offset !== this.data.byteLength) throw new RangeError("message is too long");
  }
}

class Writer {
  private data = new Uint8Array(256);
  private view = new DataView(this.data.buffer);
  private offset = 0;
  private static readonly utf8 = new TextEncoder();

  private advance(count: number): number {
    const at = this.offset;
    this.offset = at + count;
    if (this.offset > this.data.length) {
      const data = new Uint8Array(2 * this.offset);
      data.set(this.data);
      this.data = data;
      this.view = new DataView(data.buffer);
    }
    return at;
  }

  u8(value: number): void { const at = this.advance(1); this.view.setUint8(at, value); }
  u16(value: number): void { const at = this.advance(2); this.view.setUint16(at, value, true); }
  u32(value: number): void { const at = this.advance(4); this.view.setUint32(at, value, true); }
  i32(value: number): void { const at = this.advance(4); this.view.setInt32(at, value, true); }
  u64(value: number): void { const at = this.advance(8); this.view.setBigUint64(at, BigInt(value), true); }
  f32(value: number): void { const at = this.advance(4); this.view.setFloat32(at, value, true); }
  f64(value: number): void { const at = this.advance(8); this.view.setFloat64(at, value, true); }
  bool(value: boolean): void { this.u8(value ? 1 : 0); }

  bytes(value: Uint8Array): void { const at = this.advance(value.length); this.data.set(value, at); }

  text(value: string, maxBytes: number): void {
    const data = Writer.utf8.encode(value);
    if (data.length > maxBytes) throw new RangeError(`text of ${data.length} bytes where ${maxBytes} are allowed`);
    this.u16(data.length);
    this.bytes(data);
  }

  choice<T extends string>(options: readonly T[], value: T): void {
    const index = options.indexOf(value);
    if (index < 0) throw new RangeError(`unknown option ${value}`);
    this.u8(index);
  }

  optional<T>(value: T | null, write: (item: T) => void): void {
    this.bool(value !== null);
    if (value !== null) write(value);
  }

  list<T>(items: readonly T[], write: (item: T) => void): void {
    this.u16(items.length);
    items.forEach(write);
  }

  finish(): ArrayBuffer { return this.data.buffer.slice(0, this.offset); }
}
"""


def _records(union: Any) -> tuple[list[RecordNode], UnionNode]:
    """Every record that a union of messages is made of, parts before wholes, and the union."""
    found: dict[type, RecordNode] = {}

    def visit(node: Node) -> None:
        match node:
            case RecordNode(cls, fields):
                for _, field in fields:
                    visit(field)
                found[cls] = node
            case UnionNode(members):
                for member in members.values():
                    visit(member)
            case OptionalNode(item) | ListNode(item):
                visit(item)
            case FixedNode(items):
                for item in items:
                    visit(item)

    layout = layout_of(union)
    assert isinstance(layout, UnionNode)
    visit(layout)
    return list(found.values()), layout


def _ts_type(node: Node) -> str:
    match node:
        case ScalarNode(scalar):
            return "boolean" if scalar.name == "bool" else "number"
        case TextNode():
            return "string"
        case BytesNode():
            return "Uint8Array"
        case ChoiceNode(options):
            return " | ".join(f'"{option}"' for option in options)
        case OptionalNode(item):
            return f"{_ts_type(item)} | null"
        case ListNode(item):
            inner = _ts_type(item)
            return f"({inner})[]" if "|" in inner else f"{inner}[]"
        case FixedNode(items):
            return f"[{', '.join(_ts_type(item) for item in items)}]"
        case RecordNode(cls):
            return cls.__name__
        case UnionNode(members):
            return " | ".join(member.cls.__name__ for member in members.values())


def _ts_read(node: Node) -> str:
    match node:
        case ScalarNode(scalar):
            return f"r.{scalar.name}()"
        case TextNode():
            return "r.text()"
        case BytesNode():
            return "r.bytes(r.u32())"
        case ChoiceNode(options):
            return f"r.choice({json.dumps(options)} as const)"
        case OptionalNode(item):
            return f"r.optional(() => {_ts_read(item)})"
        case ListNode(item):
            return f"r.list(() => {_ts_read(item)})"
        case FixedNode(items):
            return f"[{', '.join(_ts_read(item) for item in items)}]"
        case RecordNode(cls):
            return f"read{cls.__name__}(r)"
        case UnionNode(members):
            return f"readAny{''.join(member.cls.__name__[0] for member in members.values())}(r)"


def _ts_write(node: Node, value: str) -> str:
    match node:
        case ScalarNode(scalar):
            return f"w.{scalar.name}({value})"
        case TextNode(max_bytes):
            return f"w.text({value}, {max_bytes})"
        case BytesNode():
            return f"w.u32({value}.length); w.bytes({value})"
        case ChoiceNode(options):
            return f"w.choice({json.dumps(options)} as const, {value})"
        case OptionalNode(item):
            return f"w.optional({value}, (item) => {{ {_ts_write(item, 'item')}; }})"
        case ListNode(item):
            return f"w.list({value}, (item) => {{ {_ts_write(item, 'item')}; }})"
        case FixedNode(items):
            return "; ".join(_ts_write(item, f"{value}[{index}]") for index, item in enumerate(items))
        case RecordNode(cls):
            return f"write{cls.__name__}(w, {value})"
        case UnionNode():
            raise TypeError("no viewer's message holds a union")


def _doc(cls: type) -> str:
    return " ".join((inspect.getdoc(cls) or "").replace("``", "`").split())


def _wrapped(text: str, width: int = 110) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + len(word) >= width:
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()
    return [*lines, line]


def _interface(record: RecordNode, messages: set[type]) -> list[str]:
    lines = ["/**", *(f" * {line}" for line in _wrapped(_doc(record.cls))), " */"]
    lines.append(f"export interface {record.cls.__name__} {{")
    if record.cls in messages:
        lines.append(f'  kind: "{record.cls.__name__}";')
    lines += [f"  {name}: {_ts_type(node)};" for name, node in record.fields]
    return [*lines, "}", ""]


def _nested_unions(records: list[RecordNode]) -> list[UnionNode]:
    found = []
    for record in records:
        for _, node in record.fields:
            if isinstance(node, ListNode) and isinstance(node.item, UnionNode) and node.item not in found:
                found.append(node.item)
    return found


def typescript() -> str:
    """The whole of ``protocol.ts``."""
    server_records, server = _records(protocol.ServerMessage)
    client_records, client = _records(protocol.ClientMessage)
    unions = [server, client, *_nested_unions(server_records)]
    tagged = {member.cls for union in unions for member in union.members.values()}
    lines = [
        "// Written by `python -m tutti.studio.relay.protocol_schema` from studio/relay/protocol.py. Do not edit.",
        "// The wire's rules are in docs/protocol.md.",
        "",
    ]
    lines += [f"export const {name} = {json.dumps(value)};" for name, value in CONSTANTS.items()]
    lines.append("")
    for record in {record.cls: record for record in server_records + client_records}.values():
        lines += _interface(record, tagged)
    for name, union in (("ServerMessage", server), ("ClientMessage", client)):
        lines.append(f"export type {name} =")
        lines += [f"  | {member.cls.__name__}" for member in union.members.values()]
        lines[-1] += ";"
        lines.append("")
    events = typing.get_args(protocol_values.Event)
    lines += [f"export type Event = {' | '.join(cls.__name__ for cls in events)};", "", _RUNTIME]
    for record in server_records:
        lines.append(f"function read{record.cls.__name__}(r: Reader): {record.cls.__name__} {{")
        lines.append("  return {")
        if record.cls in tagged:
            lines.append(f'    kind: "{record.cls.__name__}",')
        lines += [f"    {name}: {_ts_read(node)}," for name, node in record.fields]
        lines += ["  };", "}", ""]
    for union in _nested_unions(server_records):
        lines += [f"function {_ts_read(union)[:-3]}(r: Reader): {_ts_type(union)} {{", *_ts_switch(union), "}", ""]
    lines += [
        "/** A message from the relay. Throws RangeError or TypeError where it is malformed. */",
        "export function decodeServer(data: ArrayBuffer | Uint8Array): ServerMessage {",
        "  const r = new Reader(data instanceof Uint8Array ? data : new Uint8Array(data));",
        "  const message = readServerMessage(r);",
        "  r.end();",
        "  return message;",
        "}",
        "",
        "function readServerMessage(r: Reader): ServerMessage {",
        *_ts_switch(server),
        "}",
        "",
    ]
    for record in client_records:
        lines.append(f"function write{record.cls.__name__}(w: Writer, m: {record.cls.__name__}): void {{")
        lines += [f"  {_ts_write(node, f'm.{name}')};" for name, node in record.fields]
        lines += ["}", ""]
    lines += [
        "/** Bytes of a message to the relay. Throws RangeError where a text is too long. */",
        "export function encodeClient(message: ClientMessage): ArrayBuffer {",
        "  const w = new Writer();",
        "  switch (message.kind) {",
    ]
    for tag, member in client.members.items():
        name = member.cls.__name__
        lines.append(f'    case "{name}": w.u8(0x{tag:02x}); write{name}(w, message); break;')
    lines += ["  }", "  return w.finish();", "}", ""]
    return "\n".join(lines)


def _ts_switch(union: UnionNode) -> list[str]:
    lines = ["  const tag = r.u8();", "  switch (tag) {"]
    for tag, member in union.members.items():
        lines.append(f"    case 0x{tag:02x}: return read{member.cls.__name__}(r);")
    return [*lines, "    default: throw new RangeError(`unknown kind ${tag}`);", "  }"]


def _docs_type(node: Node) -> str:
    match node:
        case ScalarNode(scalar):
            return scalar.name
        case TextNode(max_bytes):
            return f"text ≤ {max_bytes} bytes"
        case BytesNode():
            return "bytes"
        case ChoiceNode(options):
            return ", ".join(f"{index} `{option}`" for index, option in enumerate(options))
        case OptionalNode(item):
            return f"optional {_docs_type(item)}"
        case ListNode(item):
            return f"list of {_docs_type(item)}"
        case FixedNode(items):
            return f"{len(items)} × {_docs_type(items[0])}"
        case RecordNode(cls):
            return cls.__name__
        case UnionNode(members):
            return " or ".join(f"{member.cls.__name__}" for member in members.values())


def reference() -> str:
    """Tables of all messages for ``docs/protocol.md``."""
    lines = ["## Messages", ""]
    described: set[type] = set()
    for title, union in (
        ("From the relay to a viewer", protocol.ServerMessage),
        ("From a viewer to the relay", protocol.ClientMessage),
    ):
        records, layout = _records(union)
        top = {member.cls for member in layout.members.values()}
        lines += [f"### {title}", ""]
        ordered = [record for record in records if record.cls in top] + [r for r in records if r.cls not in top]
        for record in ordered:
            if record.cls in described:
                continue
            described.add(record.cls)
            tag = getattr(record.cls, "TAG", None)
            lines += [f"#### {record.cls.__name__}" + (f" (0x{tag:02x})" if tag is not None else ""), ""]
            lines += [*_wrapped(_doc(record.cls)), "", "| field | type |", "|---|---|"]
            lines += [f"| `{name}` | {_docs_type(node)} |" for name, node in record.fields]
            lines.append("")
    return "\n".join(lines)


def outputs(root: Path) -> dict[Path, str]:
    """Files to write, by path, for the source tree at ``root``."""
    docs = root / "docs" / "protocol.md"
    prose = docs.read_text(encoding="utf-8").split(DOCS_MARK)[0]
    return {
        root / "studio" / "web" / "src" / "generated" / "protocol.ts": typescript(),
        docs: prose + DOCS_MARK + "\n" + reference(),
    }


def main() -> None:
    for path, text in outputs(Path(__file__).resolve().parents[2]).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()
