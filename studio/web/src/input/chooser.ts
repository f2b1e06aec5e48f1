/**
 * With what this viewer conducts. One input at a time has the baton, so that two gestures never mix; changing it in the
 * middle of a piece tells the orchestra that the old baton is gone before the new one comes.
 */
import type { PoseSample, TapSample } from "../generated/protocol";
import type { GestureInput, GestureSink, InputKind } from "./input";

const STORE_KEY = "tutti.input";

export interface ChooserDevices {
  /** Makes an input when it is first chosen; null where it needs nothing of its own (`pad`). */
  readonly make: Readonly<Partial<Record<InputKind, (sink: GestureSink) => Promise<GestureInput>>>>;
  /** Where the gesture of the chosen input goes while this viewer holds the baton. */
  readonly sink: GestureSink;
  readonly store: Pick<Storage, "getItem" | "setItem">;
  /** The input or its panel changed. */
  changed(kind: InputKind, panel: HTMLElement | null): void;
  failed(kind: InputKind, error: unknown): void;
}

export class Chooser {
  private kind: InputKind;
  private holding = false;
  private running: GestureInput | null = null;
  private readonly made = new Map<InputKind, Promise<GestureInput>>();
  /** Which choice this is: an input that is ready after another was chosen is not started. */
  private turn = 0;
  private lastBaton: PoseSample | null = null;
  private lastLeft: PoseSample | null = null;

  /** Begins with the choice that was stored, if it is one of `available`. */
  constructor(
    private readonly devices: ChooserDevices,
    private readonly available: readonly InputKind[],
  ) {
    const stored = devices.store.getItem(STORE_KEY) as InputKind | null;
    this.kind = stored !== null && available.includes(stored) ? stored : "pad";
  }

  get current(): InputKind {
    return this.kind;
  }

  /** The input that is started, null where none is. */
  get active(): GestureInput | null {
    return this.running;
  }

  /** Takes another input, now and on the next visit. It starts at once, so that one can set it up before conducting. */
  choose(kind: InputKind): void {
    if (!this.available.includes(kind)) return;
    this.devices.store.setItem(STORE_KEY, kind);
    if (kind === this.kind && this.running !== null) return;
    this.leave();
    this.kind = kind;
    this.enter();
  }

  /** The baton came or went. A camera is on only while it is needed: the input stops with the baton. */
  hold(holding: boolean): void {
    if (holding === this.holding) return;
    this.holding = holding;
    if (!holding) {
      this.lastBaton = this.lastLeft = null;
      this.leave();
      this.devices.changed(this.kind, null);
    } else if (this.running === null) this.enter();
  }

  private enter(): void {
    const { kind } = this;
    const turn = ++this.turn;
    const make = this.devices.make[kind];
    this.devices.changed(kind, null);
    if (make === undefined) return;
    this.prepare(kind, make).then(
      (input) => {
        if (turn !== this.turn) return;
        this.running = input;
        this.devices.changed(kind, input.panel);
        input.start();
      },
      (error: unknown) => {
        if (turn === this.turn) this.devices.failed(kind, error);
      },
    );
  }

  /** An input, made when it is first wanted: it may be prepared before it is chosen. */
  prepare(kind: InputKind, make: NonNullable<ChooserDevices["make"][InputKind]>): Promise<GestureInput> {
    const known = this.made.get(kind);
    if (known !== undefined) return known;
    const made = make(this.sinkOf(kind));
    this.made.set(kind, made);
    made.catch(() => this.made.delete(kind)); // a lost line: the next choice tries again
    return made;
  }

  private leave(): void {
    this.turn += 1;
    this.running?.stop();
    this.running = null;
    const lost = [this.lastBaton, this.lastLeft].flatMap((pose) => (pose === null ? [] : [{ ...pose, orientation_wxyz: null, valid: false }]));
    if (this.holding && lost.length > 0) this.devices.sink.poses(lost);
    this.lastBaton = this.lastLeft = null;
  }

  /** An input's way out: closed while another is chosen or the baton is elsewhere. */
  private sinkOf(kind: InputKind): GestureSink {
    const open = (): boolean => this.holding && this.kind === kind;
    return {
      poses: (samples: readonly PoseSample[]) => {
        if (!open()) return;
        for (const sample of samples) {
          if (sample.device === "baton") this.lastBaton = sample;
          else if (sample.device === "left") this.lastLeft = sample;
        }
        this.devices.sink.poses(samples);
      },
      taps: (samples: readonly TapSample[]) => {
        if (open()) this.devices.sink.taps(samples);
      },
    };
  }
}
