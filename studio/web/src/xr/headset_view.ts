/** What only the wearer of a headset sees: own hands with the baton, the stand before them, the darkened edge. */
import { type BufferGeometry, Group, Vector3 } from "three";
import type { ShownPosition } from "../concert";
import type { Snapshot } from "../generated/protocol";
import { CONDUCTOR_TINTS } from "../scene/appearance";
import { Baton } from "../scene/baton";
import { Figure } from "../scene/figure";
import { trackingToWorld } from "../scene/frames";
import { BareHand, isWhole } from "./bare_hand";
import { batonPose, freePose, otherSide } from "./conducting_hands";
import { type HeadsetReading, type RigidPose, type Side, SIDES, type TrackedHand } from "./reading";
import { ScoreStand } from "./score_stand";
import { Vignette } from "./vignette";

export class HeadsetView {
  readonly group = new Group();
  readonly vignette = new Vignette();
  private readonly stand: ScoreStand;
  /** A gloved hand with the baton for controllers of either side; a stick alone where the real hand is tracked. */
  private readonly batons: Readonly<Record<Side | "bare", Baton>>;
  private readonly free: Readonly<Record<Side, Figure | null>>;
  private readonly bare: Record<Side, BareHand | null> = { left: null, right: null };
  private readonly at = new Vector3();

  constructor(props: ReadonlyMap<string, BufferGeometry>) {
    const withBaton = props.get("hand_R_baton") ?? null;
    const without = props.get("hand_L") ?? null;
    this.batons = { right: new Baton(withBaton), left: new Baton(withBaton && mirrored(withBaton)), bare: new Baton(null) };
    this.free = { left: without && handFigure(without), right: without && handFigure(mirrored(without)) };
    this.stand = new ScoreStand(props.get("podium_stand") ?? null);
    this.group.add(this.stand.group);
    for (const baton of Object.values(this.batons)) this.group.add(baton.group);
    for (const figure of Object.values(this.free)) if (figure !== null) this.group.add(figure.group);
  }

  open(snapshot: Snapshot): void {
    this.stand.open(snapshot);
  }

  get standText(): string {
    return this.stand.text;
  }

  /** `batonSide`: the hand that has the baton, null where someone else conducts. `eye` in the world. */
  update(reading: HeadsetReading, batonSide: Side | null, position: ShownPosition | null, eye: Vector3, dtS: number): void {
    this.vignette.update(dtS);
    this.stand.group.visible = batonSide !== null;
    if (batonSide !== null) this.stand.show(position);
    const held = batonSide === null ? null : reading.hands[batonSide];
    this.drawBaton(held, reading.timeS, eye);
    for (const side of SIDES) {
      const hand = reading.hands[side];
      this.drawBare(side, hand);
      const figure = this.free[side];
      if (figure === null) continue;
      const shown = hand !== null && hand.joints === null && (batonSide === null || side === otherSide(batonSide));
      figure.group.visible = shown;
      if (shown) this.carry(figure, freePose(hand));
    }
  }

  private drawBaton(held: TrackedHand | null, timeS: number, eye: Vector3): void {
    const used = held === null ? null : held.joints === null ? held.side : "bare";
    for (const [name, baton] of Object.entries(this.batons)) if (name !== used) baton.hide();
    if (held === null || used === null) return;
    const { positionM, orientation } = batonPose(held);
    this.batons[used].move(positionM, orientation, timeS, eye, true);
  }

  private drawBare(side: Side, hand: TrackedHand | null): void {
    const whole = hand?.joints != null && isWhole(hand.joints);
    let drawn = this.bare[side];
    if (whole && drawn === null) {
      drawn = this.bare[side] = new BareHand(hand.joints!, hand.radii!);
      this.group.add(drawn.group);
    }
    if (drawn === null) return;
    drawn.group.visible = whole;
    if (whole) drawn.update(hand.joints!);
  }

  private carry(figure: Figure, { positionM, orientation: [w, x, y, z] }: RigidPose): void {
    const at = trackingToWorld(positionM, this.at);
    figure.row.set([
      1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y), at.x,
      2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x), at.y,
      2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y), at.z,
    ]);
    figure.touch();
  }
}

function handFigure(geometry: BufferGeometry): Figure {
  const figure = new Figure(geometry);
  figure.place(new Vector3(), 0);
  figure.tint(CONDUCTOR_TINTS.skin, CONDUCTOR_TINTS.hair, CONDUCTOR_TINTS.shirt);
  return figure;
}

/** The other hand. Players' material draws both sides of a triangle, so that winding does not matter. */
function mirrored(geometry: BufferGeometry): BufferGeometry {
  const other = geometry.clone();
  for (const name of ["position", "normal"]) {
    const values = other.getAttribute(name);
    for (let i = 0; i < values.count; i++) values.setX(i, -values.getX(i));
  }
  return other;
}
