/** Mouse, pen and finger on the picture as rays into the hall. */
import type { RaySample } from "../generated/protocol";
import type { Vec3 } from "../scene/frames";

export interface HallRay {
  readonly origin: Vec3;
  readonly direction: Vec3;
}

export class MousePointing {
  private pressed: number | null = null;
  private on = false;
  private last: HallRay | null = null;
  private lastS = 0;

  /** `rayAt` turns a place of the window into a ray, hall frame. */
  constructor(
    private readonly surface: HTMLElement,
    private readonly rayAt: (clientX: number, clientY: number) => HallRay | null,
    private readonly push: (sample: RaySample) => void,
  ) {
    surface.addEventListener("pointerdown", (event) => this.down(event));
    surface.addEventListener("pointermove", (event) => this.move(event));
    for (const kind of ["pointerup", "pointercancel"] as const) surface.addEventListener(kind, (event) => this.up(event));
    surface.addEventListener("pointerleave", () => this.leave());
    surface.addEventListener("contextmenu", (event) => this.on && event.preventDefault());
  }

  get enabled(): boolean {
    return this.on;
  }

  set enabled(on: boolean) {
    if (this.on && !on) this.leave();
    this.on = on;
    this.pressed = null;
  }

  /** Opens or closes the menu. */
  pressMenu(): void {
    const ray = this.last ?? this.rayAt(innerWidth / 2, innerHeight / 2);
    if (ray === null) return;
    for (const menu of [false, true, false]) this.emit(ray, { menu });
  }

  private down(event: PointerEvent): void {
    if (!this.on || event.button > 0 || this.pressed !== null) return;
    event.preventDefault();
    this.pressed = event.pointerId;
    this.surface.setPointerCapture(event.pointerId);
    this.point(event);
  }

  private move(event: PointerEvent): void {
    if (this.on && (this.pressed === null || this.pressed === event.pointerId)) this.point(event);
  }

  private up(event: PointerEvent): void {
    if (event.pointerId !== this.pressed) return;
    this.pressed = null;
    if (!this.on) return;
    this.point(event);
    // A finger that left the glass points nowhere.
    if (event.pointerType !== "mouse") this.leave();
  }

  private leave(): void {
    if (this.on && this.last !== null && this.pressed === null) this.emit(this.last, { valid: false });
    this.last = null;
  }

  private point(event: PointerEvent): void {
    const ray = this.rayAt(event.clientX, event.clientY);
    if (ray === null) return;
    this.last = ray;
    this.emit(ray, { section: event.shiftKey });
  }

  private emit(ray: HallRay, levels: Partial<Pick<RaySample, "menu" | "section" | "valid">>): void {
    this.lastS = Math.max((performance.timeOrigin + performance.now()) / 1000, this.lastS + 1e-4);
    this.push({
      client_s: this.lastS,
      hand: "mouse",
      origin_m: [...ray.origin],
      direction: [...ray.direction],
      tip_m: null,
      select: this.pressed !== null,
      grab: false,
      menu: false,
      section: false,
      valid: true,
      ...levels,
    });
  }
}
