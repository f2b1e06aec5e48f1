/**
 * How this viewer conducts: the chosen input with its menu and its panel, where its gesture goes (to the orchestra, and to
 * one's own hand in the picture), and when the stage takes drags.
 */
import type { ClientMessage, PointerSample } from "../generated/protocol";
import { MAX_SAMPLES } from "../generated/protocol";
import type { HandPosition, Stage } from "../scene/stage";
import { h } from "../ui/dom";
import { GesturePad } from "../ui/gesture_pad";
import { SampleBatch } from "../ui/sample_batch";
import { Chooser } from "./chooser";
import { choices, ChooserMenu } from "./chooser_menu";
import { CENTRE_M, type GestureInput, type GestureSink, type InputKind, REACH_M } from "./input";
import { PhoneInvite } from "./phone_invite";
import { Tapping } from "./tap";

/** Whoever has not conducted for so long may want to know how it is done. */
const IDLE_MS = 2500;

/** What of the page conducting meets. */
export interface ConductingPage {
  readonly root: HTMLElement;
  readonly canvas: HTMLElement;
  stage(): Stage | null;
  holding(): boolean;
  /** The mouse points at players instead. */
  pointing(): boolean;
  /** A headset is worn: it draws its hands itself. */
  presenting(): boolean;
  makeHeadset(sink: GestureSink): Promise<GestureInput>;
  send(message: ClientMessage): void;
  /** Session − client clock, seconds. */
  clockOffsetS(): number;
  sessionS(): number;
  say(text: string): void;
}

export class Conducting {
  readonly menu: ChooserMenu;
  /** Where the chosen input's panel stands. */
  readonly place = h("div", { class: "input-place" });
  readonly phone: PhoneInvite;
  private readonly pad: GesturePad;
  private readonly batch: SampleBatch;
  private readonly chooser: Chooser;
  private conductedAtMs = -Infinity;

  constructor(private readonly page: ConductingPage) {
    this.batch = new SampleBatch((samples) => page.send({ kind: "Pointer", clock_offset_s: page.clockOffsetS(), samples }));
    this.pad = new GesturePad(page.canvas, {
      samples: (samples) => this.drag(samples),
      hover: (x, y) => page.stage()?.conduct(true, { x, y }),
      refused: () => !page.pointing() && !this.orbits && !page.holding() && page.say("Press “Conduct” to take the baton."),
    });
    const touch = matchMedia("(pointer: coarse)").matches;
    const offered = choices(touch);
    this.phone = new PhoneInvite({ pair: (origin) => page.send({ kind: "Pair", origin }), sessionS: () => page.sessionS() }, touch);
    this.chooser = new Chooser(
      {
        make: {
          tap: async (sink) => new Tapping(sink, { element: page.canvas, counts: () => !this.orbits }),
          webcam: async (sink) => new (await import("./webcam")).Webcam(sink),
          gamepad: async (sink) => new (await import("./gamepad")).GamepadConducting(sink),
          phone: async () => this.phone,
          headset: (sink) => page.makeHeadset(sink),
        },
        sink: this.gestures(),
        store: localStorage,
        changed: (kind, panel) => this.changed(kind, panel),
        failed: (kind, error) => {
          console.warn(`${kind} not loaded`, error);
          page.say("This way to conduct could not be loaded: choose it again, or reload the page.");
        },
      },
      offered.map(({ kind }) => kind),
    );
    this.menu = new ChooserMenu(offered, (kind) => this.choose(kind));
    this.menu.offer("headset", false);
    this.menu.showCurrent(this.chooser.current);
  }

  get current(): InputKind {
    return this.chooser.current;
  }

  /** Plain values for diagnostics. */
  get facts(): Record<string, unknown> {
    return { kind: this.chooser.current, ...this.chooser.active?.facts };
  }

  /** The stage would take a drag of one who holds the baton, and has had none for a while. */
  get idle(): boolean {
    return this.page.holding() && this.chooser.current === "pad" && !this.orbits && performance.now() - this.conductedAtMs > IDLE_MS;
  }

  choose(kind: InputKind): void {
    this.chooser.choose(kind);
  }

  /** Makes the headset's input before it is chosen. */
  prepareHeadset(): Promise<GestureInput> {
    return this.chooser.prepare("headset", (sink) => this.page.makeHeadset(sink));
  }

  /** The baton came or went. */
  hold(holding: boolean): void {
    if (holding) this.conductedAtMs = -Infinity;
    this.release();
    this.page.stage()?.conduct(holding, null);
    this.chooser.hold(holding);
    this.chooser.active?.hold?.(holding);
  }

  /** Ends a drag that goes on. */
  release(): void {
    this.pad.release();
  }

  /** The line is gone, and the baton with it. */
  interrupt(): void {
    this.pad.enabled = false;
    this.release();
    this.page.stage()?.conduct(false, null);
  }

  /** The stage takes drags only while they conduct. */
  allow(): void {
    this.pad.enabled = !this.page.pointing() && this.page.holding() && this.chooser.current === "pad" && !this.orbits;
    this.page.root.classList.toggle("by-pad", this.chooser.current === "pad");
  }

  /** A drag turns the view now. */
  private get orbits(): boolean {
    return this.page.stage()?.cameras.current === "orbit";
  }

  private changed(kind: InputKind, panel: HTMLElement | null): void {
    this.menu.showCurrent(kind);
    this.place.replaceChildren(...(panel === null ? [] : [panel]));
    this.release();
    this.page.stage()?.conduct(this.page.holding(), null);
    this.allow();
    this.chooser.active?.hold?.(this.page.holding());
  }

  private drag(samples: readonly PointerSample[]): void {
    const last = samples[samples.length - 1]!;
    this.showHand({ x: last.x, y: last.y });
    this.batch.add(samples);
  }

  private gestures(): GestureSink {
    const { page } = this;
    return {
      poses: (samples) => {
        const hand = samples.filter(({ device, valid }) => device === "baton" && valid).at(-1)?.position_m;
        this.showHand(hand === undefined || page.presenting() ? null : { x: (hand[0] - CENTRE_M[0]) / REACH_M, y: (hand[1] - CENTRE_M[1]) / REACH_M });
        for (let i = 0; i < samples.length; i += MAX_SAMPLES) {
          page.send({ kind: "Poses", clock_offset_s: page.clockOffsetS(), samples: samples.slice(i, i + MAX_SAMPLES) });
        }
      },
      taps: (samples) => {
        this.showHand(null);
        page.send({ kind: "Tap", clock_offset_s: page.clockOffsetS(), samples: [...samples] });
      },
    };
  }

  /** They conduct; null where the gesture shows no hand, or another shows it. */
  private showHand(hand: HandPosition | null): void {
    this.conductedAtMs = performance.now();
    if (hand !== null) this.page.stage()?.conduct(true, hand);
  }
}
