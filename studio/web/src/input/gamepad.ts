/** Conducting with a gamepad's stick. Pads may come and go; the one that was touched last conducts. */
import { clientS } from "../net/clock";
import { h, setText } from "../ui/dom";
import { StickBaton } from "./gamepad_stick";
import { CENTRE_M, type GestureInput, type GestureSink, poseSample, REACH_M, type Vec3 } from "./input";

const POLL_MS = 8;
/** A pad that reports nothing new is at rest; the orchestra is told so this often. */
const REST_S = 1 / 30;
const MOVED = 0.15;

export class GamepadConducting implements GestureInput {
  private readonly dot = h("i");
  private readonly name = h("p", { class: "input-status", role: "status", "aria-live": "polite" });
  readonly panel = h(
    "section",
    { class: "input-panel gamepad", "aria-label": "Gamepad" },
    h("div", { class: "stick", "aria-hidden": "true" }, this.dot),
    h("div", {}, this.name, h("p", { class: "input-note" }, "Beat with a stick: up, then down. The whole way to the rim is a large beat.")),
  );
  private timer: ReturnType<typeof setInterval> | undefined;
  private baton = new StickBaton();
  private index: number | null = null;
  private reportedMs = -1;
  private sentS = -Infinity;
  private last: Vec3 = CENTRE_M;
  private readonly onLeft = (event: GamepadEvent): void => this.left(event.gamepad.index);

  constructor(private readonly sink: GestureSink) {}

  start(): void {
    this.stop();
    if (typeof navigator.getGamepads !== "function") {
      setText(this.name, "This browser gives gamepads to secure pages only: open the studio's https address.");
      return;
    }
    addEventListener("gamepaddisconnected", this.onLeft);
    this.baton = new StickBaton();
    setText(this.name, "No gamepad yet: connect one and press a button on it.");
    this.look();
    this.timer = setInterval(() => this.look(), POLL_MS);
  }

  stop(): void {
    clearInterval(this.timer);
    removeEventListener("gamepaddisconnected", this.onLeft);
    this.index = null;
  }

  private look(): void {
    const pads = navigator.getGamepads().filter((pad): pad is Gamepad => pad !== null && pad.connected);
    const touched = pads.find((pad) => pad.index !== this.index && moved(pad));
    const current = pads.find((pad) => pad.index === this.index);
    if (current === undefined && this.index !== null) this.left(this.index);
    const pad = touched !== undefined && (current === undefined || !moved(current)) ? touched : (current ?? pads[0]);
    if (pad === undefined) return;
    if (pad.index !== this.index) {
      this.index = pad.index;
      this.baton = new StickBaton();
      this.reportedMs = -1;
      setText(this.name, plainName(pad.id));
    }
    const nowS = clientS();
    const fresh = pad.timestamp > 0 && pad.timestamp !== this.reportedMs;
    if (!fresh && nowS - this.sentS < REST_S) return;
    // The report's own stamp is when the stick was there; at rest it stands still and now is as true.
    const stampS = (performance.timeOrigin + pad.timestamp) / 1000;
    const timeS = fresh && nowS - stampS < 0.1 && stampS > this.sentS ? stampS : nowS;
    this.reportedMs = pad.timestamp;
    this.sentS = timeS;
    this.last = this.baton.place(pad.axes);
    this.sink.poses([poseSample(timeS, "baton", this.last, null, true)]);
    this.dot.style.transform = `translate(${(((this.last[0] - CENTRE_M[0]) / REACH_M) * 30).toFixed(1)}px, ${((-(this.last[1] - CENTRE_M[1]) / REACH_M) * 30).toFixed(1)}px)`;
  }

  private left(index: number): void {
    if (index !== this.index) return;
    this.index = null;
    this.sentS = clientS();
    this.sink.poses([poseSample(this.sentS, "baton", this.last, null, false)]);
    setText(this.name, "The gamepad is gone: the orchestra plays on. Connect it again, or choose another way.");
  }
}

function moved(pad: Gamepad): boolean {
  return pad.axes.slice(0, 4).some((value) => Math.abs(value) > MOVED) || pad.buttons.some(({ pressed }) => pressed);
}

/** A pad's id without the numbers that browsers add for programmers. */
export function plainName(id: string): string {
  const name = id
    .replace(/\((?:[^()]*(?:Vendor|STANDARD GAMEPAD)[^()]*)\)/gi, "")
    .replace(/^[0-9a-f]{4}-[0-9a-f]{4}-/i, "")
    .trim();
  return name === "" ? "Gamepad" : name;
}
