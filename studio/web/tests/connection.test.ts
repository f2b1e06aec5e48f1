import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RelayConnection } from "../src/net/connection";

/** A socket whose other end is the test. */
class Line {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly made: Line[] = [];
  readyState = Line.CONNECTING;
  binaryType = "";
  onopen: (() => void) | null = null;
  onclose: ((event: { code: number; reason: string; wasClean: boolean }) => void) | null = null;
  onmessage: ((event: unknown) => void) | null = null;
  readonly sent: string[] = [];

  constructor() {
    Line.made.push(this);
  }

  send(data: Uint8Array): void {
    this.sent.push(new TextDecoder().decode(data));
  }

  close(): void {
    this.readyState = 3;
  }

  open(): void {
    this.readyState = Line.OPEN;
    this.onopen?.();
  }
}

describe("the line to the relay", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("WebSocket", Line);
    Line.made.length = 0;
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("does not wait for ever for a line that does not open, and less for who asks", () => {
    const told: string[] = [];
    const connection = new RelayConnection("ws://x/ws", "Guest", "", "none", { connection: ({ state }) => told.push(state), clock: () => {}, message: () => {}, audio: () => {} });
    connection.open();
    connection.retry();
    expect(Line.made.length).toBe(1);
    vi.advanceTimersByTime(3000);
    connection.retry();
    expect(Line.made.length).toBe(2);
    vi.advanceTimersByTime(60_000);
    expect(Line.made.length).toBeGreaterThan(3);
    expect(told).toContain("waiting");
    while (told[told.length - 1] !== "connecting") vi.advanceTimersByTime(500); // its pauses are random
    const last = Line.made[Line.made.length - 1]!;
    last.open();
    const lines = Line.made.length;
    connection.retry();
    expect(Line.made.length).toBe(lines);
  });

  it("greets by the newest name after it broke", () => {
    const connection = new RelayConnection("ws://x/ws", "Guest", "", "none", { connection: () => {}, clock: () => {}, message: () => {}, audio: () => {} });
    connection.open();
    const first = Line.made[0]!;
    first.open();
    expect(first.sent[0]).toContain("Guest");
    connection.send({ kind: "Rename", name: "Zoë" });
    first.readyState = 3;
    first.onclose?.({ code: 1006, reason: "", wasClean: false });
    vi.advanceTimersByTime(60_000);
    const second = Line.made[1]!;
    second.open();
    expect(second.sent[0]).toContain("Zoë");
    expect(second.sent[0]).not.toContain("Guest");
  });
});
