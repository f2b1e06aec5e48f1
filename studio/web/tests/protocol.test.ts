import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type ClientMessage, decodeServer, encodeClient } from "../src/generated/protocol";

interface Vector {
  readonly name: string;
  readonly from: "server" | "client";
  readonly hex: string;
  readonly message: Record<string, unknown>;
}

/** The relay's end is tested against the same vectors. */
const vectors = JSON.parse(
  readFileSync(new URL("../../../tests/studio/protocol_vectors.json", import.meta.url), "utf8"),
) as Vector[];

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** JSON has no bytes: the vectors carry them as lists. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_key, item: unknown) => (item instanceof Uint8Array ? [...item] : item)));
}

describe("protocol vectors", () => {
  it.each(vectors.filter(({ from }) => from === "server").map((v) => [v.name, v] as const))("reads %s", (_name, vector) => {
    expect(plain(decodeServer(new Uint8Array(Buffer.from(vector.hex, "hex"))))).toEqual(vector.message);
  });

  it.each(vectors.filter(({ from }) => from === "client").map((v) => [v.name, v] as const))("writes %s", (_name, vector) => {
    expect(hex(new Uint8Array(encodeClient(vector.message as unknown as ClientMessage)))).toBe(vector.hex);
  });

  it("refuses a message that ends early", () => {
    const whole = Buffer.from(vectors.find(({ name }) => name === "snapshot")!.hex, "hex");
    for (let length = 0; length < whole.length; length += 7) {
      expect(() => decodeServer(new Uint8Array(whole.subarray(0, length)))).toThrow();
    }
  });
});
