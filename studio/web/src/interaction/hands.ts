/** Pointing in the flat page: the mouse's rays to the studio, what they came to into the picture. */
import type { Interaction, Pointing, PulseInfo, RaySample } from "../generated/protocol";
import type { Stage } from "../scene/stage";
import { MousePointing } from "./mouse";
import { type Look, PointingSender } from "./pointing";
import { InteractionView } from "./view";

export class Hands {
  readonly view = new InteractionView();
  readonly sender: PointingSender;
  private readonly mouse: MousePointing;
  private newest: Interaction | null = null;
  /** Where the wearer of a headset looks from; null where nobody wears one. */
  lookFrom: (() => Look) | null = null;
  /** Told each tick that a controller shall give. */
  onPulse: ((pulse: PulseInfo) => void) | null = null;

  constructor(
    canvas: HTMLElement,
    private readonly stage: () => Stage | null,
    send: (message: Pointing & { kind: "Pointing" }) => void,
    clockOffsetS: () => number,
  ) {
    this.sender = new PointingSender(send, clockOffsetS, () => this.lookFrom?.() ?? this.stage()?.look3d() ?? { eye: [0, 0, 1.85], gaze: [0, 1, 0] });
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
    if (this.onPulse !== null) message?.pulses.forEach(this.onPulse);
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
      buttons: this.buttons(),
    };
  }

  /** Where in the window each button of the open panels is, by its key. */
  private buttons(): Record<string, [number, number]> {
    const stage = this.stage();
    const places: Record<string, [number, number]> = {};
    if (stage === null) return places;
    for (const panel of this.newest?.panels ?? []) {
      for (const item of panel.items) {
        const across = (item.x_dmm + item.width_dmm / 2 - panel.width_dmm / 2) * panel.metres_per_dmm;
        const upwards = (panel.height_dmm / 2 - item.y_dmm - item.height_dmm / 2) * panel.metres_per_dmm;
        const at = (axis: 0 | 1 | 2): number => panel.centre_m[axis] + across * panel.right[axis] + upwards * panel.up[axis];
        if (item.item !== "text") places[item.key] = stage.placeOf([at(0), at(1), at(2)]);
      }
    }
    return places;
  }
}
