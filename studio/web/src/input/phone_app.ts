/**
 * The phone's page: pairs with the studio, calibrates, and sends the phone's motion as the baton's. Light on purpose:
 * no hall, no sound; it must open in a second on an old phone.
 */
import { Concert } from "../concert";
import { type Command, NOBODY, type PoseSample, WEBSOCKET_PATH } from "../generated/protocol";
import { RelayConnection } from "../net/connection";
import type { Connection } from "../net/messages";
import { Timeline } from "../timeline";
import { type Calibration, type MotionReading, StillHold } from "./phone_calibration";
import { distrusted } from "../ui/status_line";
import { type BatonPose, PhoneBaton, REST_M } from "./phone_motion";
import { PhoneScreen } from "./phone_screen";
import { canVibrate, type NoMotion, PhoneSensors, tickOnBeat } from "./phone_sensors";

const TOKEN_KEY = "tutti.phone.token";
const VIBRATE_KEY = "tutti.phone.vibrate";

/** Where its person stands. `still`: the phone is to be held still; `ready`: it is a baton. */
export type Step = "welcome" | "asking" | NoMotion | "still" | "ready";

export class PhoneApp {
  private readonly timeline = new Timeline(() => null);
  private readonly concert = new Concert({
    opened: () => this.opened(),
    placed: () => undefined,
    present: () => this.show(),
    event: () => undefined,
    sounding: () => undefined,
    pose: () => undefined,
    ticked: () => undefined,
    notice: (text) => this.noticed(text),
  });
  private readonly relay: RelayConnection;
  private readonly sensors = new PhoneSensors((reading) => this.moved(reading));
  private readonly screen: PhoneScreen;
  private connection: Connection = { state: "connecting" };
  private step: Step = "welcome";
  private hold: StillHold | null = null;
  private calibration: Calibration | null = null;
  private baton: PhoneBaton | null = null;
  private resting = false;
  private claiming = false;
  private refused = "";
  private owner = "";
  private sent = 0;
  private lastPose: BatonPose | null = null;
  private beat = -1;
  private everLive = false;
  private failures = 0;

  constructor(root: HTMLElement, url: URL) {
    const invited = new URLSearchParams(url.hash.slice(1)).get("pair");
    if (invited !== null) {
      sessionStorage.setItem(TOKEN_KEY, invited);
      // A token works once: a reload of the page must not show it again.
      history.replaceState(null, "", url.pathname + url.search);
    }
    // Not by `readAddress`: that knows the hall's views, and with them would come the whole of three.js.
    const socket = new URL(WEBSOCKET_PATH, url);
    socket.protocol = socket.protocol.replace("http", "ws");
    this.relay = new RelayConnection(socket.href, url.searchParams.get("name") ?? "Phone", "", "none", {
      connection: (connection) => this.connected(connection),
      clock: (clock) => this.timeline.setClock(clock),
      message: (message) => {
        if (message.kind === "Paired") this.paired(message.token, message.owner);
        else this.concert.take(message);
      },
      audio: () => undefined,
    });
    this.screen = new PhoneScreen(root, {
      begin: () => void this.begin(),
      again: () => this.calibrate(),
      rest: () => this.rest(!this.resting),
      ask: () => this.ask(),
      startStop: () => this.command(this.running ? "stop" : "start"),
      release: () => this.relay.send({ kind: "Baton", action: "release", viewer: NOBODY }),
      vibrate: (on) => localStorage.setItem(VIBRATE_KEY, on ? "1" : "0"),
    }, { canVibrate: canVibrate(), vibrates: localStorage.getItem(VIBRATE_KEY) === "1", secureUrl: `https://${url.host}${url.pathname}` });
  }

  start(): void {
    this.relay.open();
    addEventListener("online", () => this.relay.retry());
    addEventListener("pagehide", () => this.lose());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.relay.retry();
      else this.lose();
    });
    const draw = (): void => {
      this.draw();
      requestAnimationFrame(draw);
    };
    requestAnimationFrame(draw);
    this.show();
  }

  /** Plain values about what goes on. */
  diagnostics(): Record<string, unknown> {
    return {
      connection: this.connection.state,
      viewer: this.concert.snapshot?.viewer ?? null,
      holding: this.concert.holding,
      requested: this.concert.requested,
      step: this.step,
      refused: this.refused,
      owner: this.owner,
      sent: this.sent,
      pose: this.lastPose,
      calibration: this.calibration,
      position: this.concert.position(this.timeline.sessionS()),
      roundTripS: this.timeline.roundTripS,
    };
  }

  private get running(): boolean {
    const state = this.concert.position(this.timeline.sessionS())?.state;
    return state !== undefined && state !== "waiting" && state !== "stopped" && state !== "ended";
  }

  private async begin(): Promise<void> {
    this.go("asking");
    const outcome = await this.sensors.start();
    if (outcome === "live") this.calibrate();
    else this.go(outcome);
  }

  private calibrate(): void {
    this.lose();
    this.baton = null;
    this.hold = new StillHold(this.sensors.flipped);
    this.go("still");
  }

  private moved(reading: MotionReading): void {
    if (this.hold !== null) {
      const calibration = this.hold.add(reading);
      if (calibration === null) return;
      this.hold = null;
      this.calibration = calibration;
      this.baton = new PhoneBaton(calibration);
      this.go("ready");
      if (!this.concert.holding) this.claim();
      return;
    }
    const pose = this.baton?.step(reading) ?? null;
    if (pose === null) return;
    this.lastPose = pose;
    this.screen.trace(pose.positionM[0] - REST_M[0], pose.positionM[1] - REST_M[1], pose.timeS);
    if (this.conducting) this.send(pose, true);
  }

  private get conducting(): boolean {
    return this.step === "ready" && !this.resting && this.concert.holding && document.visibilityState === "visible";
  }

  private send(pose: BatonPose, valid: boolean): void {
    const sample: PoseSample = { client_s: pose.timeS, device: "baton", position_m: [...pose.positionM], orientation_wxyz: [...pose.orientation], valid };
    if (this.relay.send({ kind: "Poses", clock_offset_s: this.timeline.offsetS, samples: [sample] })) this.sent += 1;
  }

  /** Tells the orchestra that the baton is not to be seen any more. */
  private lose(): void {
    if (this.lastPose !== null && this.concert.holding) this.send(this.lastPose, false);
    this.lastPose = null;
  }

  private rest(resting: boolean): void {
    this.resting = resting;
    if (resting) this.lose();
    this.show();
  }

  /** Shows the studio the token of the code that was scanned; without one, asks like everybody else. */
  private claim(): void {
    const token = sessionStorage.getItem(TOKEN_KEY);
    if (token === null) return this.ask();
    this.claiming = this.relay.send({ kind: "Claim", token });
    this.show();
  }

  private ask(): void {
    this.refused = "";
    this.relay.send({ kind: "Baton", action: this.concert.requested ? "release" : "request", viewer: NOBODY });
    this.show();
  }

  private paired(token: string, owner: string): void {
    sessionStorage.setItem(TOKEN_KEY, token);
    this.claiming = false;
    this.refused = "";
    this.owner = owner;
    this.show();
  }

  private noticed(text: string): void {
    if (this.claiming) {
      this.claiming = false;
      this.refused = text;
      sessionStorage.removeItem(TOKEN_KEY);
    } else this.screen.say(text);
    this.show();
  }

  private command(action: Command["action"]): void {
    this.relay.send({ kind: "Command", action, target: 0, value: 0 });
  }

  private opened(): void {
    this.timeline.reset();
    this.screen.open(this.concert.snapshot!);
  }

  private connected(connection: Connection): void {
    const wasLive = this.connection.state === "live";
    this.connection = connection;
    if (connection.state === "live") {
      this.everLive = true;
      // The line came back, and with it a new viewer: the baton must be claimed anew.
      if (!wasLive && this.step === "ready") queueMicrotask(() => this.claim());
    } else if (connection.state === "waiting") this.failures += 1;
    this.show();
  }

  private go(step: Step): void {
    this.step = step;
    this.show();
  }

  private show(): void {
    this.screen.show({
      step: this.step,
      connection: this.connection,
      distrusted: distrusted(this.everLive, this.failures, location.protocol),
      holding: this.concert.holding,
      requested: this.concert.requested,
      holderName: this.concert.holderName,
      resting: this.resting,
      claiming: this.claiming,
      refused: this.refused,
      owner: this.owner,
    });
  }

  private draw(): void {
    const position = this.concert.position(this.timeline.sessionS());
    if (this.hold !== null) this.screen.progress(this.hold.progress);
    this.screen.draw(position, this.running);
    const beat = position === null || !this.running ? -1 : 1000 * position.measureIndex + position.beat;
    if (beat !== this.beat && beat >= 0 && this.beat >= 0 && this.screen.vibrates && this.conducting) tickOnBeat(position!.beat === 1);
    this.beat = beat;
  }
}
