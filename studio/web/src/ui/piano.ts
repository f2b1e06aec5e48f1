/**
 * A piano on the page, for a learner who plays with the orchestra: keys for fingers and mouse, and the computer's own keys
 * (A is C, W is C sharp, and so on; Z and X change the octave).
 */
import type { KeyboardInfo, KeySample } from "../generated/protocol";
import { h, setText } from "./dom";

const TYPED = ["KeyA", "KeyW", "KeyS", "KeyE", "KeyD", "KeyF", "KeyT", "KeyG", "KeyY", "KeyH", "KeyU", "KeyJ", "KeyK", "KeyO", "KeyL", "KeyP", "Semicolon"] as const;
const NAMES = ["C", "C sharp", "D", "E flat", "E", "F", "F sharp", "G", "A flat", "A", "B flat", "B"] as const;
const BLACK: ReadonlySet<number> = new Set([1, 3, 6, 8, 10]);
const OCTAVES_SHOWN = 2;
const PLAIN_VELOCITY = 84;

/** Which keys are down, by what holds them: a key sounds as long as anything does. */
export class HeldKeys {
  private readonly holders = new Map<string, number>();

  /** Returns the pitch that begins, or null where it sounds already. */
  press(holder: string, pitch: number): number | null {
    if (this.holders.has(holder)) return null;
    const sounds = this.sounding(pitch);
    this.holders.set(holder, pitch);
    return sounds ? null : pitch;
  }

  /** Returns the pitch that ends, or null. */
  release(holder: string): number | null {
    const pitch = this.holders.get(holder);
    if (pitch === undefined) return null;
    this.holders.delete(holder);
    return this.sounding(pitch) ? null : pitch;
  }

  get all(): readonly string[] {
    return [...this.holders.keys()];
  }

  sounding(pitch: number): boolean {
    return [...this.holders.values()].includes(pitch);
  }
}

export class Piano {
  private readonly keys = h("div", { class: "piano-keys", role: "group", "aria-label": "Keys" });
  private readonly title = h("h2", {}, "");
  private readonly octave = h("span", { class: "piano-octave" }, "");
  private readonly down = h("button", { type: "button", class: "piano-shift", "aria-label": "An octave lower (Z)", title: "An octave lower (Z)", onclick: () => this.shift(-1) }, "−");
  private readonly up = h("button", { type: "button", class: "piano-shift", "aria-label": "An octave higher (X)", title: "An octave higher (X)", onclick: () => this.shift(1) }, "+");
  private readonly fold = h("button", { type: "button", class: "piano-shift", "aria-expanded": "true", "aria-label": "Show the keys", title: "Show or hide the keys", onclick: () => this.toggle() }, "▾");
  readonly element = h("section", { class: "piano", "aria-label": "Your instrument", hidden: true }, h("header", {}, this.title, this.down, this.octave, this.up, this.fold), this.keys);
  private readonly held = new HeldKeys();
  private readonly buttons = new Map<number, HTMLElement>();
  private info: KeyboardInfo | null = null;
  private lowest = 60;

  constructor(private readonly play: (samples: readonly KeySample[]) => void) {
    this.keys.addEventListener("pointerdown", (event) => this.touch(event));
    this.keys.addEventListener("pointermove", (event) => this.slide(event));
    for (const kind of ["pointerup", "pointercancel"] as const) document.addEventListener(kind, (event) => this.release(`pointer ${event.pointerId}`, event));
    // Before the page's own keys: here they are notes.
    document.addEventListener("keydown", (event) => this.typed(event), { capture: true });
    document.addEventListener("keyup", (event) => this.release(event.code, event));
    addEventListener("blur", () => this.releaseAll());
    document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && this.releaseAll());
  }

  /** The session has this to play, or nothing. `allowed`: this viewer may. */
  show(info: KeyboardInfo | null, allowed: boolean): void {
    const shown = info !== null && allowed;
    if (!shown) this.releaseAll();
    if (shown && (this.info === null || this.info.instrument !== info.instrument)) {
      this.info = info;
      setText(this.title, info.instrument);
      this.lowest = nearestC(Math.max(info.low, Math.min(60, info.high - 12 * OCTAVES_SHOWN)));
      this.draw();
    }
    this.info = info;
    this.element.hidden = !shown;
  }

  /** Shown and unfolded: only then are the computer's keys notes. */
  private get open(): boolean {
    return !this.element.hidden && !this.keys.hidden;
  }

  private toggle(): void {
    this.releaseAll();
    this.keys.hidden = !this.keys.hidden;
    this.fold.setAttribute("aria-expanded", String(!this.keys.hidden));
    setText(this.fold, this.keys.hidden ? "▴" : "▾");
  }

  private draw(): void {
    this.buttons.clear();
    const keys: HTMLElement[] = [];
    let white = 0;
    for (let pitch = this.lowest; pitch <= this.lowest + 12 * OCTAVES_SHOWN; pitch++) {
      const step = pitch % 12;
      const isBlack = BLACK.has(step);
      const typed = TYPED[pitch - this.lowest];
      const label = typed === undefined ? "" : typed === "Semicolon" ? ";" : typed.slice(3);
      const key = h("button", { type: "button", class: isBlack ? "key black" : "key", "data-pitch": String(pitch), "aria-label": `${NAMES[step]!} ${Math.floor(pitch / 12) - 1}`, tabindex: "-1" }, h("span", { "aria-hidden": "true" }, label));
      key.style.setProperty("--at", String(white));
      key.disabled = this.info !== null && (pitch < this.info.low || pitch > this.info.high);
      if (!isBlack) white += 1;
      keys.push(key);
      this.buttons.set(pitch, key);
    }
    this.keys.style.setProperty("--whites", String(white));
    this.keys.replaceChildren(...keys);
    setText(this.octave, `C${Math.floor(this.lowest / 12) - 1}`);
    const { low, high } = this.info ?? { low: 0, high: 127 };
    this.down.disabled = this.lowest <= low;
    this.up.disabled = this.lowest + 12 * OCTAVES_SHOWN >= high;
  }

  private shift(octaves: number): void {
    const { low, high } = this.info ?? { low: 0, high: 127 };
    const next = this.lowest + 12 * octaves;
    if (next + 12 * OCTAVES_SHOWN < low || next > high) return;
    this.releaseAll();
    this.lowest = next;
    this.draw();
  }

  private touch(event: PointerEvent): void {
    const pitch = pitchOf(event.target);
    if (pitch === null || event.button !== 0) return;
    event.preventDefault();
    // So that sliding to the next key is told to that key.
    (event.target as Element).closest<HTMLElement>("[data-pitch]")?.releasePointerCapture?.(event.pointerId);
    this.press(`pointer ${event.pointerId}`, pitch, event, velocityAt(event));
  }

  private slide(event: PointerEvent): void {
    const holder = `pointer ${event.pointerId}`;
    if (!this.held.all.includes(holder)) return;
    const pitch = pitchOf(document.elementFromPoint(event.clientX, event.clientY));
    if (pitch === null || this.buttons.get(pitch)?.classList.contains("down") === true) return;
    this.release(holder, event);
    this.press(holder, pitch, event, velocityAt(event));
  }

  private typed(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    if (!this.open || event.ctrlKey || event.metaKey || event.altKey || target.tagName === "INPUT") return;
    if (event.code === "KeyZ" || event.code === "KeyX") {
      event.stopPropagation();
      if (!event.repeat) this.shift(event.code === "KeyZ" ? -1 : 1);
      return;
    }
    const index = (TYPED as readonly string[]).indexOf(event.code);
    if (index < 0) return;
    event.preventDefault();
    event.stopPropagation();
    if (!event.repeat) this.press(event.code, this.lowest + index, event, PLAIN_VELOCITY);
  }

  private press(holder: string, pitch: number, event: UIEvent, velocity: number): void {
    if (!this.open || this.buttons.get(pitch)?.hasAttribute("disabled") === true) return;
    if (this.held.press(holder, pitch) === null) return;
    this.buttons.get(pitch)?.classList.add("down");
    this.play([{ client_s: stampS(event), pitch, velocity }]);
  }

  private release(holder: string, event: UIEvent | null): void {
    const pitch = this.held.release(holder);
    if (pitch === null) return;
    this.buttons.get(pitch)?.classList.remove("down");
    this.play([{ client_s: event === null ? (performance.timeOrigin + performance.now()) / 1000 : stampS(event), pitch, velocity: 0 }]);
  }

  private releaseAll(): void {
    for (const holder of this.held.all) this.release(holder, null);
  }
}

/** The lower a key is struck, the harder, as on a piano's long lever; a pen or screen that measures pressure tells it. */
export function velocityAt(event: { readonly pointerType: string; readonly pressure: number; readonly offsetY: number; readonly target: EventTarget | null }): number {
  const measured = event.pointerType !== "mouse" && event.pressure > 0 && event.pressure < 1 && event.pressure !== 0.5;
  const height = (event.target as HTMLElement | null)?.offsetHeight ?? 0;
  const share = measured ? event.pressure : height > 0 ? event.offsetY / height : 0.6;
  return Math.round(Math.max(1, Math.min(127, 40 + 80 * share)));
}

function stampS(event: UIEvent): number {
  return (performance.timeOrigin + event.timeStamp) / 1000;
}

function pitchOf(target: EventTarget | null): number | null {
  const key = target instanceof Element ? target.closest<HTMLElement>("[data-pitch]") : null;
  return key === null ? null : Number(key.dataset["pitch"]);
}

function nearestC(pitch: number): number {
  return Math.ceil(pitch / 12) * 12;
}
