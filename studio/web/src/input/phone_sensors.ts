/** The phone's own devices: motion sensors, the lock that keeps the screen on, the vibration motor. */
import { Awake } from "../ui/awake";
import { clientS } from "../net/clock";
import type { MotionReading } from "./phone_calibration";
import type { Vector } from "./phone_rotation";

/** Why there is no motion: told apart, because each wants something else of the person. */
export type NoMotion = "insecure" | "denied" | "missing";

/** How long to wait for the first numbers. Desktop browsers send one empty event, or none. */
const FIRST_READING_MS = 2500;
/** A stamp farther than this from now is on another clock. */
const PLAUSIBLE_S = 1;
/** An orientation older than this is no longer that of the acceleration. */
const STALE_S = 0.25;

/** iOS asks its user; the function must be called while a tap is handled. */
type Asking = { requestPermission?: () => Promise<"granted" | "denied"> };

export class PhoneSensors {
  private angles: { readonly value: Vector; readonly timeS: number } | null = null;
  private readonly moved = (event: DeviceMotionEvent): void => this.take(event);
  private readonly turned = (event: DeviceOrientationEvent): void => this.turn(event);
  private heard: (() => void) | null = null;
  private readonly awake = new Awake();

  constructor(private readonly reading: (reading: MotionReading) => void) {}

  /** Whether accelerations are expected with the sign of iOS where nothing else tells. */
  get flipped(): boolean {
    return typeof (globalThis.DeviceMotionEvent as Asking | undefined)?.requestPermission === "function";
  }

  /** Asks for the sensors and waits for their first numbers. To be called while a tap is handled. */
  async start(): Promise<NoMotion | "live"> {
    if (!isSecureContext) return "insecure";
    if (typeof DeviceMotionEvent === "undefined") return "missing";
    const asked = [DeviceMotionEvent as Asking, (globalThis.DeviceOrientationEvent ?? {}) as Asking].map((kind) => kind.requestPermission?.call(kind) ?? Promise.resolve("granted" as const));
    try {
      if ((await Promise.all(asked)).includes("denied")) return "denied";
    } catch (error) {
      console.warn("motion not granted", error);
      return "denied";
    }
    this.stop();
    this.awake.want(true);
    addEventListener("deviceorientation", this.turned);
    addEventListener("devicemotion", this.moved);
    const first = new Promise<"live">((resolve) => (this.heard = () => resolve("live")));
    const late = new Promise<"missing">((resolve) => setTimeout(() => resolve("missing"), FIRST_READING_MS));
    const outcome = await Promise.race([first, late]);
    if (outcome === "missing") this.stop();
    return outcome;
  }

  stop(): void {
    this.awake.want(false);
    removeEventListener("deviceorientation", this.turned);
    removeEventListener("devicemotion", this.moved);
  }

  private turn(event: DeviceOrientationEvent): void {
    const { alpha, beta, gamma } = event;
    if (beta === null || gamma === null) return;
    this.angles = { value: [alpha ?? 0, beta, gamma], timeS: stamp(event) };
  }

  private take(event: DeviceMotionEvent): void {
    const felt = event.accelerationIncludingGravity;
    if (felt === null || felt.x === null || felt.y === null || felt.z === null) return;
    const timeS = stamp(event);
    const angles = this.angles !== null && timeS - this.angles.timeS < STALE_S ? this.angles.value : null;
    this.heard?.();
    this.heard = null;
    this.reading({ timeS, accelerationIncludingGravity: [felt.x, felt.y, felt.z], angles });
  }
}

function stamp(event: Event): number {
  const nowS = clientS();
  const timeS = (performance.timeOrigin + event.timeStamp) / 1000;
  return Math.abs(nowS - timeS) < PLAUSIBLE_S ? timeS : nowS;
}

/** Whether this phone can be felt (iPhones' browsers have no vibration). */
export function canVibrate(): boolean {
  return typeof navigator.vibrate === "function";
}

/** A tick for a beat, stronger for the first of a measure: short, so that the sensors hardly notice. */
export function tickOnBeat(first: boolean): void {
  navigator.vibrate(first ? 28 : 14);
}
