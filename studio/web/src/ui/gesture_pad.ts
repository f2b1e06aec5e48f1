/**
 * Mouse or finger on the stage: samples at the full rate of the device, stamped when they happened, not when the
 * page came to read them.
 */
import type { PointerSample } from "../generated/protocol";

export interface GesturePadEvents {
  /** Samples of one event, in order; client clock. */
  samples(samples: readonly PointerSample[]): void;
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
    surface.addEventListener("pointermove", (event) => this.move(event));
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

  private move(event: PointerEvent): void {
    if (event.pointerId !== this.pressed) return;
    const all = event.getCoalescedEvents?.() ?? [];
    this.emit(all.length > 0 ? all : [event], true);
  }

  private up(event: PointerEvent): void {
    if (event.pointerId !== this.pressed) return;
    this.pressed = null;
    this.emit([event], false);
  }

  private emit(events: readonly PointerEvent[], pressed: boolean): void {
    const box = this.surface.getBoundingClientRect();
    const half = Math.min(box.width, box.height) / 2;
    const samples: PointerSample[] = [];
    for (const event of events) {
      const atS = (performance.timeOrigin + event.timeStamp) / 1000;
      // Coalesced events may share a stamp; the orchestra wants them strictly later one than the other.
      this.lastS = Math.max(atS, this.lastS + 1e-4);
      samples.push({
        client_s: this.lastS,
        x: clamp((event.clientX - box.left - box.width / 2) / half),
        y: clamp(-(event.clientY - box.top - box.height / 2) / half),
        pressed,
      });
    }
    this.events.samples(samples);
  }
}

function clamp(value: number): number {
  return Math.max(-1, Math.min(1, value));
}
