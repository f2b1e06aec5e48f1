/** How this person likes to conduct in a headset; kept in the browser. */
import type { Side } from "./reading";

const STORE_KEY = "tutti.headset";

export interface HeadsetSettings {
  readonly batonSide: Side;
  /** Eyes are raised to a standing person's height. */
  readonly seated: boolean;
  /** A tick in the hand on each beat of the orchestra. */
  readonly feel: boolean;
}

export const PLAIN: HeadsetSettings = { batonSide: "right", seated: false, feel: false };

export function storedSettings(store: Pick<Storage, "getItem">): HeadsetSettings {
  let stored: Partial<HeadsetSettings>;
  try {
    stored = JSON.parse(store.getItem(STORE_KEY) ?? "{}") as Partial<HeadsetSettings>;
  } catch {
    stored = {}; // written by another version: begin anew
  }
  return { batonSide: stored.batonSide === "left" ? "left" : "right", seated: stored.seated === true, feel: stored.feel === true };
}

export function storeSettings(store: Pick<Storage, "setItem">, settings: HeadsetSettings): void {
  store.setItem(STORE_KEY, JSON.stringify(settings));
}
