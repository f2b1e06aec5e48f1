/**
 * Mouse or finger on the stage: samples at the full rate of the device, stamped when they happened, not when the
 * page came to read them.
 */
import type { PointerSample } from "../generated/protocol";

export interface GesturePadEvents {
  /** Samples of one event, in order; client clock. */
  samples(samples: readonly PointerSample[]): void;
  /** The mouse moves over the stage without a press: the baton goes along, the orchestra does not see it. */
  hover(x: number, y: number): void;
  /** A press by someone who may not conduct now. */
  refused(): void;
}

export class GesturePad {
  private pressed: number | null = null;
  private lastS = 0;
  enabled = false;

  constructor(
    private readonly surface: HTMLElement,
    private readonly events: GesturePadEvents,
  ) {
    surface.addEventListener("pointerdown", (event) => this.down(event));
    // Raw updates come as the device reports, not with the next picture; only secure contexts have them.
    const raw = "onpointerrawupdate" in surface;
    surface.addEventListener("pointermove", (event) => this.move(event, !raw));
    if (raw) surface.addEventListener("pointerrawupdate", (event) => this.move(event as PointerEvent, true));
    for (const kind of ["pointerup", "pointercancel", "lostpointercapture"] as const) surface.addEventListener(kind, (event) => this.up(event));
  }

  /** Ends a drag that is going on, e.g. when the baton was taken away. */
  release(): void {
    this.pressed = null;
  }

  private down(event: PointerEvent): void {
    if (event.button !== 0 || this.pressed !== null) return;
    if (!this.enabled) {
      this.events.refused();
      return;
    }
    event.preventDefault();
    this.pressed = event.pointerId;
    this.surface.setPointerCapture(event.pointerId);
    this.emit([event], true);
  }

  private move(event: PointerEvent, emits: boolean): void {
    if (this.enabled && this.pressed === null && event.pointerType === "mouse") {
      const [x, y] = this.place(event);
      this.events.hover(x, y);
    }
    if (event.pointerId !== this.pressed || !emits) return;
    const all = event.getCoalescedEvents?.() ?? [];
    this.emit(all.length > 0 ? all : [event], true);
  }

  private up(event: PointerEvent): void {
    if (event.pointerId !== this.pressed) return;
    this.pressed = null;
    this.emit([event], false);
  }

  private emit(events: readonly PointerEvent[], pressed: boolean): void {
    const samples: PointerSample[] = [];
    for (const event of events) {
      const atS = (performance.timeOrigin + event.timeStamp) / 1000;
      // Coalesced events may share a stamp; the orchestra wants them strictly later one than the other.
      this.lastS = Math.max(atS, this.lastS + 1e-4);
      const [x, y] = this.place(event);
      samples.push({ client_s: this.lastS, x, y, pressed });
    }
    this.events.samples(samples);
  }

  /** −1…1 over the shorter side, x to the right, y up. */
  private place(event: PointerEvent): [x: number, y: number] {
    const box = this.surface.getBoundingClientRect();
    const half = Math.min(box.width, box.height) / 2;
    return [clamp((event.clientX - box.left - box.width / 2) / half), clamp(-(event.clientY - box.top - box.height / 2) / half)];
  }
}

function clamp(value: number): number {
  return Math.max(-1, Math.min(1, value));
}
