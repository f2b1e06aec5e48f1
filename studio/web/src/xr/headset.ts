/**
 * Conducting in a headset: enters and leaves VR, turns frames into poses for the orchestra and a picture for the wearer.
 * The session goes on while someone else has the baton: then the wearer sits in the stalls and listens.
 */
import { type Object3D, Group, type Vector3 } from "three";
import type { ShownPosition } from "../concert";
import type { PoseSample, RaySample, Snapshot } from "../generated/protocol";
import type { GestureInput, GestureSink, Vec3 } from "../input/input";
import type { Look } from "../interaction/pointing";
import { clientS } from "../net/clock";
import type { HeadsetPicture } from "../scene/stereo";
import type { Stage } from "../scene/stage";
import { ConductingHands } from "./conducting_hands";
import { HeadsetPanel } from "./headset_panel";
import { HeadsetError, HeadsetSession } from "./headset_session";
import { HeadsetView } from "./headset_view";
import { NoticeBoard } from "./notice_board";
import { Pointers } from "./pointers";
import { type HeadsetReading, type RigidPose, type Side, SIDES } from "./reading";
import { storedSettings, storeSettings, type HeadsetSettings } from "./settings";
import { headingRad, PODIUM_SPOT, STALLS_SPOT, Standing, TURN_RAD } from "./standing";

/** A stick that is pushed so far turns once, and again after it came back. */
const PUSHED = 0.7;
const CENTRED = 0.3;
const BEAT_TICK = { strong: 0.7, weak: 0.35, lastsS: 0.02 } as const;

/** What the rest of the page does for the headset. */
export interface HeadsetHost {
  stage(): Stage | null;
  /** Whether the wearer has the baton. */
  holding(): boolean;
  snapshot(): Snapshot | null;
  /** Where the music is now. */
  position(): ShownPosition | null;
  /** The wearer is in the hall: conduct with the headset. */
  entered(): void;
  left(): void;
  /** Start or stop, or ask for the baton where someone else has it. */
  act(): void;
  say(text: string): void;
  /** Each frame: the head faces `yawRad` to the left of the orchestra, at a time of the client's clock. */
  listen(timeS: number, yawRad: number): void;
  /** Each frame: what the hands point at, and where the wearer's rays are drawn from (tracking frame). */
  point(rays: readonly RaySample[], look: Look, origins: Partial<Record<Side, Vec3>>): void;
  /** Whether a panel is open that hands may mean. */
  menuOpen(): boolean;
}

export class Headset implements GestureInput, HeadsetPicture {
  readonly group = new Group();
  private settings = storedSettings(localStorage);
  private readonly board = new HeadsetPanel(this.settings, { enter: () => void this.enter(), changed: (settings) => this.change(settings) });
  private readonly hands = new ConductingHands(this.settings.batonSide);
  private readonly standing = new Standing();
  private readonly notices = new NoticeBoard();
  private readonly pointers = new Pointers();
  private readonly pressed: Record<Side, { stick: boolean; lower: boolean; turned: boolean }> = { left: { stick: false, lower: false, turned: false }, right: { stick: false, lower: false, turned: false } };
  private session: HeadsetSession | null = null;
  private picture: HeadsetView | null = null;
  private reading: HeadsetReading | null = null;
  private centred = false;
  private entering = false;
  private frames = 0;
  private leadS = 0;
  private beat = "";

  constructor(
    private readonly sink: GestureSink,
    private readonly host: HeadsetHost,
  ) {
    this.board.say("Put the headset on and press “Enter VR” in its browser.");
  }

  get panel(): HTMLElement {
    return this.board.element;
  }

  get presenting(): boolean {
    return this.session !== null;
  }

  get conducting(): boolean {
    return this.host.holding();
  }

  get hood(): Object3D {
    return this.picture!.vignette.mesh;
  }

  get facts(): Record<string, unknown> {
    const { reading } = this;
    const kind = (side: Side): string | null => (reading?.hands[side] == null ? null : reading.hands[side].joints === null ? "controller" : "hand");
    return {
      presenting: this.presenting,
      space: this.session?.spaceType ?? null,
      frames: this.frames,
      leadS: this.leadS,
      attended: reading?.attended ?? null,
      head: reading?.head ?? null,
      batonSide: this.hands.batonSide,
      baton: this.hands.shown.baton,
      kinds: { left: kind("left"), right: kind("right") },
      stand: this.picture?.standText ?? null,
      vignette: this.picture?.vignette.mesh.visible ?? false,
    };
  }

  start(): void {
    // The wearer goes in by a button of their own: browsers ask for a click.
  }

  stop(): void {
    // Another input, or the baton went on: the wearer stays in the hall, the chooser closes the way to the orchestra.
  }

  hold(): void {
    this.centred = false; // to the podium, or from it
  }

  /** Words for the wearer. */
  say(text: string): void {
    if (this.presenting) this.notices.say(text);
  }

  /** A tick in a hand. */
  pulse(side: Side, amplitude: number, durationS: number): void {
    this.session?.pulse(side, amplitude, durationS);
  }

  /** A new line: the score and the hall as they are now. */
  open(snapshot: Snapshot): void {
    this.picture?.open(snapshot);
  }

  /** Call from a click. */
  async enter(): Promise<void> {
    const stage = this.host.stage();
    if (this.session !== null || this.entering) return;
    if (stage === null || stage.props.size === 0) return this.board.say("The hall is not open yet: wait a moment.");
    this.entering = true;
    try {
      const session = await HeadsetSession.enter({ reset: () => void (this.centred = false), ended: () => this.ended() });
      this.session = session;
      session.session.addEventListener("visibilitychange", () => this.looksAway());
      this.picture ??= this.furnish(stage);
      const snapshot = this.host.snapshot();
      if (snapshot !== null) this.picture.open(snapshot);
      this.centred = false;
      this.frames = 0;
      await stage.enterHeadset(session.session, session.spaceType, session.tracking, this);
      this.board.say("You are in the hall.");
      this.board.enterButton.disabled = true;
      this.host.entered();
    } catch (error) {
      console.warn("no headset", error);
      const line = error instanceof HeadsetError ? error.message : "The headset could not be drawn to: leave VR and try again.";
      this.board.say(line);
      this.host.say(line);
      await this.session?.end().catch(() => undefined); // it may be what failed
      this.session = null;
    } finally {
      this.entering = false;
    }
  }

  async leave(): Promise<void> {
    await this.session?.end();
  }

  frame(frame: XRFrame, nowMs: number, eye: Vector3, dtS: number): void {
    const { session, picture } = this;
    if (session === null || picture === null) return;
    const reading = session.read(frame, nowMs);
    this.reading = reading;
    this.frames += 1;
    this.leadS = reading.timeS - clientS();
    const moved = this.moveWearer(session, reading);
    const samples = moved ? this.hands.lose(reading.timeS) : this.hands.step(reading);
    this.send(samples);
    if (moved) picture.vignette.close();
    this.press(reading);
    const position = this.host.position();
    this.tick(session, position);
    picture.update(reading, this.conducting ? this.hands.batonSide : null, position, eye, dtS);
    const yawRad = reading.head === null ? 0 : headingRad(reading.head.orientation);
    if (reading.head !== null && !moved) this.host.listen(reading.timeS, yawRad);
    this.notices.update(eye, yawRad, dtS);
    this.point(reading, position);
  }

  private furnish(stage: Stage): HeadsetView {
    const picture = new HeadsetView(stage.props);
    this.group.add(picture.group, this.notices.mesh);
    return picture;
  }

  private point(reading: HeadsetReading, position: ShownPosition | null): void {
    const playing = position !== null && (position.state === "playing" || position.state === "coasting" || position.state === "preparing");
    const rays = this.pointers.step(reading, this.conducting ? this.hands.batonSide : null, this.conducting && playing && !this.host.menuOpen());
    const origins: Partial<Record<Side, Vec3>> = {};
    for (const side of SIDES) {
      const hand = reading.hands[side];
      if (hand !== null && this.pointers.points(side)) origins[side] = hand.aim.positionM;
    }
    this.host.point(rays, this.pointers.look, origins);
  }

  private send(samples: readonly PoseSample[]): void {
    if (samples.length > 0) this.sink.poses(samples);
  }

  /** Recenters and turns. True where the wearer was moved: poses of this frame are still of the old place. */
  private moveWearer(session: HeadsetSession, reading: HeadsetReading): boolean {
    const { head } = reading;
    if (head === null) return false;
    if (!this.centred) {
      this.centred = true;
      this.standing.recenter(head, this.conducting ? PODIUM_SPOT : STALLS_SPOT, session.floor, this.settings.seated);
    } else if (!this.turn(reading, head)) return false;
    this.host.stage()?.moveHeadset(session.place(this.standing.origin));
    return true;
  }

  private turn(reading: HeadsetReading, head: RigidPose): boolean {
    for (const side of SIDES) {
      const push = reading.hands[side]?.stick[0] ?? 0;
      const state = this.pressed[side];
      if (Math.abs(push) < CENTRED) state.turned = false;
      if (Math.abs(push) < PUSHED || state.turned) continue;
      state.turned = true;
      this.standing.turn(head, -Math.sign(push) * TURN_RAD);
      return true;
    }
    return false;
  }

  private press(reading: HeadsetReading): void {
    for (const side of SIDES) {
      const hand = reading.hands[side];
      const state = this.pressed[side];
      const [stick, lower] = [hand?.stickPressed ?? false, hand?.lowerButton ?? false];
      if (stick && !state.stick) this.centred = false;
      if (lower && !state.lower) this.host.act();
      Object.assign(state, { stick, lower });
    }
  }

  /** The orchestra's beat in the hand that has the baton. */
  private tick(session: HeadsetSession, position: ShownPosition | null): void {
    const playing = position !== null && (position.state === "playing" || position.state === "coasting");
    const beat = playing ? `${position.measureIndex}/${position.beat}` : "";
    if (this.settings.feel && this.conducting && beat !== "" && this.beat !== "" && beat !== this.beat) {
      session.pulse(this.hands.batonSide, position!.beat === 1 ? BEAT_TICK.strong : BEAT_TICK.weak, BEAT_TICK.lastsS);
    }
    this.beat = beat;
  }

  /** The system's menu is shown, or the headset taken off: hands are not seen, the orchestra goes on by itself. */
  private looksAway(): void {
    if (this.session?.session.visibilityState !== "visible") this.send(this.hands.lose(clientS()));
  }

  private ended(): void {
    this.send(this.hands.lose(clientS()));
    this.session = null;
    this.reading = null;
    this.host.stage()?.leaveHeadset();
    this.board.enterButton.disabled = false;
    this.board.say("You left VR. Press “Enter VR” to go back.");
    this.host.left();
  }

  private change(settings: HeadsetSettings): void {
    if (settings.seated !== this.settings.seated) this.centred = false;
    this.settings = settings;
    this.hands.batonSide = settings.batonSide;
    storeSettings(localStorage, settings);
  }
}
