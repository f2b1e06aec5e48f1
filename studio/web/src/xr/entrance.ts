/** The way from the page into the headset and back: offers it where there is one, and joins it to the rest of the page. */
import { type Direction, directionsOf, EarTurn } from "../audio/ear_turn";
import type { AudioPlayer } from "../audio/player";
import type { ShownPosition } from "../concert";
import type { RaySample, Snapshot } from "../generated/protocol";
import type { GestureInput, GestureSink, InputKind, Vec3 } from "../input/input";
import type { Hands } from "../interaction/hands";
import type { Look } from "../interaction/pointing";
import { trackingToWorld } from "../scene/frames";
import type { Stage } from "../scene/stage";
import type { Headset } from "./headset";
import { headsetThere } from "./headset_session";
import type { Side } from "./reading";

/** What of the page the headset meets. */
export interface EntrancePage {
  stage(): Stage | null;
  snapshot(): Snapshot | null;
  /** Where the music is now. */
  position(): ShownPosition | null;
  /** Whether this viewer has the baton, and who has it else (empty: nobody). */
  holding(): boolean;
  holderName(): string;
  askBaton(): void;
  cue(): void;
  say(text: string): void;
  /** There is a headset to be entered, or none any more. */
  offered(there: boolean): void;
  readonly hands: Hands;
  readonly audio: AudioPlayer;
  /** Session − client clock, seconds. */
  clockOffsetS(): number;
  current(): InputKind;
  choose(kind: InputKind): void;
  /** Makes the headset before it is chosen: browsers let a click enter, not what is loaded some time after it. */
  prepare(): Promise<GestureInput>;
}

export class Entrance {
  private headset: Headset | null = null;
  /** What to conduct with after the headset. */
  private before: InputKind = "pad";
  private readonly ears = new EarTurn();
  private directions: readonly Direction[] = [];
  private placed: Snapshot["players"] = [];

  constructor(private readonly page: EntrancePage) {
    navigator.xr?.addEventListener("devicechange", () => void this.find());
  }

  /** Looks for a headset. */
  async find(): Promise<void> {
    const there = await headsetThere();
    this.page.offered(there);
    if (!there) {
      if (this.page.current() === "headset") this.page.choose("pad");
      return;
    }
    await this.page.prepare().catch((error: unknown) => console.warn("the headset's part of the page is not loaded", error));
  }

  async make(sink: GestureSink): Promise<Headset> {
    const { Headset } = await import("./headset");
    const { page } = this;
    this.headset = new Headset(sink, {
      stage: () => page.stage(),
      holding: () => page.holding(),
      snapshot: () => page.snapshot(),
      position: () => page.position(),
      entered: () => this.entered(),
      left: () => this.left(),
      act: () => (page.holding() ? page.cue() : page.askBaton()),
      say: (text) => page.say(text),
      point: (rays, look, origins) => this.point(rays, look, origins),
      menuOpen: () => page.hands.menuOpen,
      listen: (timeS, yawRad) => this.listen(timeS, yawRad),
    });
    page.hands.onPulse = ({ hand, amplitude, duration_s }) => hand !== "mouse" && this.headset?.pulse(hand, amplitude, duration_s);
    return this.headset;
  }

  /** Call from a click. */
  enter(): void {
    if (this.headset !== null) return void this.headset.enter();
    this.page.say("The headset’s part of the page is still loading: press Enter VR again in a moment.");
    void this.find();
  }

  /** A new line: the score and the hall as they are now. */
  open(snapshot: Snapshot): void {
    this.headset?.open(snapshot);
  }

  get presenting(): boolean {
    return this.headset?.presenting ?? false;
  }

  /** Words for the wearer. */
  say(text: string): void {
    this.headset?.say(text);
  }

  /** In VR one conducts with the headset, and takes the baton where it is free. */
  private entered(): void {
    const { page } = this;
    if (page.current() !== "headset") this.before = page.current();
    page.choose("headset");
    if (page.holding()) return;
    if (page.holderName() === "") page.askBaton();
    else this.say(`The baton is with ${page.holderName()}: press A or X to ask for it.`);
  }

  private left(): void {
    const { hands } = this.page;
    hands.lookFrom = null;
    hands.take(null);
    hands.view.update({});
    this.ears.forget();
    this.page.audio.turnEars(0);
    if (this.page.current() === "headset") this.page.choose(this.before);
  }

  /** The sound is rendered for the conductor's head: only who conducts has it turned on. */
  private listen(timeS: number, yawRad: number): void {
    const { audio } = this.page;
    const dueS = audio.leavingRingS();
    if (!this.page.holding() || dueS === null) {
      this.ears.forget();
      audio.turnEars(0);
      return;
    }
    const players = this.page.snapshot()?.players ?? [];
    if (players !== this.placed) {
      this.placed = players;
      this.directions = directionsOf(players.map(({ position_m }) => position_m));
    }
    this.ears.tell(timeS + this.page.clockOffsetS(), yawRad);
    audio.turnEars(this.ears.leftLaterS(dueS, this.directions));
  }

  private point(rays: readonly RaySample[], look: Look, { left, right }: Partial<Record<Side, Vec3>>): void {
    const { hands } = this.page;
    hands.lookFrom = () => look;
    for (const ray of rays) hands.sender.push(ray);
    hands.sender.flush();
    hands.view.update({ ...(left && { left: trackingToWorld(left) }), ...(right && { right: trackingToWorld(right) }) });
  }
}
