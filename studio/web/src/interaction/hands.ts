/** Pointing in the flat page: the mouse's rays to the studio, what they came to into the picture. */
import type { Interaction, Pointing, RaySample } from "../generated/protocol";
import type { Stage } from "../scene/stage";
import { MousePointing } from "./mouse";
import { PointingSender } from "./pointing";
import { InteractionView } from "./view";

export class Hands {
  readonly view = new InteractionView();
  readonly sender: PointingSender;
  private readonly mouse: MousePointing;
  private newest: Interaction | null = null;

  constructor(
    canvas: HTMLElement,
    private readonly stage: () => Stage | null,
    send: (message: Pointing & { kind: "Pointing" }) => void,
    clockOffsetS: () => number,
  ) {
    this.sender = new PointingSender(send, clockOffsetS, () => this.stage()?.look3d() ?? { eye: [0, 0, 1.85], gaze: [0, 1, 0] });
    this.mouse = new MousePointing(
      canvas,
      (x, y) => this.stage()?.rayAt(x, y) ?? null,
      (sample: RaySample) => this.sender.push(sample),
    );
  }

  /** Whether the mouse points at players instead of conducting or turning the view. */
  get pointing(): boolean {
    return this.mouse.enabled;
  }

  set pointing(on: boolean) {
    this.mouse.enabled = on;
    this.stage()?.cameras.hold(on);
    if (!on && !this.menuOpen) this.take(null);
  }

  get menuOpen(): boolean {
    return this.newest?.panels.some(({ panel }) => panel === "menu") ?? false;
  }

  pressMenu(): void {
    this.mouse.pressMenu();
  }

  /** What the studio says of one's pointers; null after the line was lost. */
  take(message: Interaction | null): void {
    this.newest = message;
    this.view.show(message);
    this.stage()?.light(new Set(message?.highlighted ?? []));
  }

  /** Plain values for tests. */
  diagnostics(): Record<string, unknown> {
    return {
      pointing: this.pointing,
      hovered: this.newest?.hovered ?? null,
      selected: this.newest?.selected ?? null,
      dragged: this.newest?.drags.map(({ player }) => player) ?? [],
      panels: this.newest?.panels ?? [],
    };
  }
}
