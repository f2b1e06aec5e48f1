/** Tapping the beats: a large zone for finger or mouse, or the space key. */
import type { TapSample } from "../generated/protocol";
import { h, setText } from "../ui/dom";
import type { GestureInput, GestureSink } from "./input";

/** What a tap weighs where the device does not tell how hard it was. */
const PLAIN_STRENGTH = 0.5;
/** A longer pause than this is a new beginning: the count starts anew. */
export const PAUSE_S = 3;
const AVERAGED = 4;

export interface TapCount {
  readonly taps: number;
  /** Of the last taps, NaN before there are two. */
  readonly bpm: number;
}

/** Counts taps and their tempo; pure. */
export class TapCounter {
  private times: number[] = [];
  private taps = 0;

  add(timeS: number): TapCount {
    const last = this.times[this.times.length - 1];
    if (last !== undefined && timeS - last > PAUSE_S) this.reset();
    this.taps += 1;
    this.times = [...this.times.slice(-AVERAGED), timeS];
    const [first, newest] = [this.times[0]!, this.times[this.times.length - 1]!];
    return { taps: this.taps, bpm: this.times.length > 1 ? (60 * (this.times.length - 1)) / (newest - first) : NaN };
  }

  reset(): void {
    this.times = [];
    this.taps = 0;
  }
}

export class Tapping implements GestureInput {
  private readonly count = h("b", { class: "tap-count" }, "Tap");
  private readonly tempo = h("span", { class: "tap-tempo" }, "");
  private readonly zone = h("button", { type: "button", class: "tap-zone", "aria-label": "Tap the beat" }, this.count, this.tempo);
  readonly panel = h(
    "section",
    { class: "input-panel tap", "aria-label": "Tapping" },
    this.zone,
    h("p", { class: "input-note" }, "The first tap is the upbeat; the orchestra enters on the second."),
  );
  private readonly counter = new TapCounter();
  private readonly onKey = (event: KeyboardEvent): void => this.key(event);
  private readonly onPress = (event: PointerEvent): void => {
    if (event.button === 0 && this.surface.counts()) this.tap(event, strengthOf(event));
  };
  private lastS = -Infinity;
  private holding = false;

  /** A press on `surface` taps, too, while it `counts`. */
  constructor(
    private readonly sink: GestureSink,
    private readonly surface: { readonly element: HTMLElement; counts(): boolean },
  ) {
    this.zone.addEventListener("pointerdown", (event) => {
      if (event.button === 0) this.tap(event, strengthOf(event));
    });
    // Enter and assistive devices press without a pointer; the space key has tapped when it went down.
    this.zone.addEventListener("click", (event) => event.detail === 0 && this.tap(event, PLAIN_STRENGTH));
    this.zone.addEventListener("keyup", (event) => event.key === " " && event.preventDefault());
  }

  hold(holding: boolean): void {
    this.holding = holding;
    this.reset();
    // So that the space key taps, and does not press the button that was pressed last.
    if (holding && this.panel.isConnected) this.zone.focus({ preventScroll: true });
  }

  start(): void {
    // Before the page's own keys: here space beats, it does not start and stop.
    document.addEventListener("keydown", this.onKey, { capture: true });
    this.surface.element.addEventListener("pointerdown", this.onPress);
    this.reset();
  }

  stop(): void {
    this.surface.element.removeEventListener("pointerdown", this.onPress);
    document.removeEventListener("keydown", this.onKey, { capture: true });
  }

  private reset(): void {
    this.counter.reset();
    setText(this.count, "Tap");
    setText(this.tempo, this.holding ? "here, on the stage, or the space key" : "once you have the baton");
  }

  private key(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    if (event.key !== " " || event.ctrlKey || event.metaKey || event.altKey) return;
    // Another control that has the focus keeps its space key, except before anything is focused on the page.
    if (target !== this.zone && target.closest("button, input, select, textarea, [role=menu]") !== null) return;
    if (!this.holding) return;
    event.preventDefault();
    event.stopPropagation();
    if (!event.repeat) this.tap(event, PLAIN_STRENGTH);
  }

  private tap(event: UIEvent, strength: number): void {
    if (!this.holding) return;
    const timeS = (performance.timeOrigin + event.timeStamp) / 1000;
    if (timeS <= this.lastS) return;
    this.lastS = timeS;
    const sample: TapSample = { client_s: timeS, strength };
    this.sink.taps([sample]);
    const { taps, bpm } = this.counter.add(timeS);
    setText(this.count, String(taps));
    setText(this.tempo, Number.isNaN(bpm) ? "upbeat" : `${Math.round(bpm)} a minute`);
    this.zone.classList.remove("hit");
    void this.zone.offsetWidth; // restarts the animation
    this.zone.classList.add("hit");
  }
}

/** Pressure, where pen or screen measures it: browsers say 0.5 (or 0, or 1) where they do not. */
export function strengthOf(event: { readonly pointerType: string; readonly pressure: number }): number {
  const measured = event.pointerType !== "mouse" && event.pressure > 0 && event.pressure < 1;
  return measured ? event.pressure : PLAIN_STRENGTH;
}
