/** The conductor's figure, whose right arm follows the baton; seen from everywhere but the podium. */
import { type Group, Quaternion, Vector3 } from "three";
import { CONDUCTOR_TINTS } from "./appearance";
import { Figure } from "./figure";
import { PODIUM_HEIGHT_M } from "./frames";
import type { PlayerModel } from "./models";
import { PoseBlend, type Rig } from "./rig";

const PLACE = new Vector3(0, PODIUM_HEIGHT_M, 0.1);
/** Elbows hang down and outwards. */
const POLE = new Vector3(0.55, -1, 0.25).normalize();
/** Baton lowered: where the hand rests. */
const RESTING = new Vector3(0.3, 0.92, -0.22);

export class Conductor {
  private readonly figure: Figure;
  private readonly rig: Rig;
  private readonly blend = new PoseBlend();
  private readonly arm: number;
  private readonly fore: number;
  private readonly wrist = new Vector3();
  private readonly hand = RESTING.clone();
  private readonly target = new Vector3();
  private readonly upper = new Vector3();
  private readonly lower = new Vector3();
  private readonly elbow = new Vector3();
  private readonly bend = new Vector3();
  private readonly turnArm = new Quaternion();
  private readonly turnFore = new Quaternion();
  private hidden = 0;

  constructor(model: PlayerModel) {
    this.rig = model.rig;
    this.figure = new Figure(model.lods[0]!);
    this.figure.place(PLACE, 0);
    this.figure.tint(CONDUCTOR_TINTS.skin, CONDUCTOR_TINTS.hair, CONDUCTOR_TINTS.shirt);
    this.arm = this.rig.index("arm_R");
    this.fore = this.rig.index("fore_R");
    for (const name of ["hair_b", "hair_c", "hair_d", "body_b", "stand", "baton"]) {
      const joint = this.rig.index(name);
      if (joint >= 0) this.hidden |= 1 << joint;
    }
    if (this.fore >= 0) this.findWrist(model);
  }

  get group(): Group {
    return this.figure.group;
  }

  /** `grip`: world position of the baton's grip, or null while the baton rests. */
  update(grip: Vector3 | null, timeS: number, shown: boolean): void {
    this.group.visible = shown;
    if (!shown) return;
    if (grip === null) this.hand.lerp(RESTING, 0.08);
    else this.hand.copy(grip).sub(PLACE);
    this.blend.begin(this.rig);
    const breath = Math.sin(timeS * 1.1);
    this.blend.turn(this.rig.index("head"), this.turnArm.setFromAxisAngle(this.bend.set(0, 1, 0), 0.12 * Math.sin(timeS * 0.31)));
    this.blend.move(this.rig.index("body"), 0, 0.003 * breath, 0);
    if (this.arm >= 0 && this.fore >= 0) this.reach();
    this.blend.write(this.figure.row, 0, this.hidden);
    this.figure.touch();
  }

  /** Two-bone inverse kinematics by the law of cosines. */
  private reach(): void {
    const shoulder = this.rig.joints[this.arm]!.pivot;
    const elbowAtRest = this.rig.joints[this.fore]!.pivot;
    this.upper.copy(elbowAtRest).sub(shoulder);
    this.lower.copy(this.wrist).sub(elbowAtRest);
    const a = this.upper.length();
    const b = this.lower.length();
    this.target.copy(this.hand).sub(shoulder);
    const distance = Math.min(a + b - 0.005, Math.max(Math.abs(a - b) + 0.02, this.target.length()));
    this.target.setLength(distance);
    const along = (a * a - b * b + distance * distance) / (2 * distance);
    const aside = Math.sqrt(Math.max(0, a * a - along * along));
    const direction = this.elbow.copy(this.target).divideScalar(distance);
    this.bend.copy(POLE).addScaledVector(direction, -POLE.dot(direction)).setLength(aside);
    const elbow = direction.multiplyScalar(along).add(this.bend);
    this.turnArm.setFromUnitVectors(this.upper.normalize(), this.bend.copy(elbow).normalize());
    this.turnFore.setFromUnitVectors(this.lower.normalize(), this.target.sub(elbow).normalize());
    this.blend.turn(this.arm, this.turnArm);
    // Both turns are in the root's space; the forearm hangs below the arm.
    this.blend.turn(this.fore, this.turnFore.premultiply(this.turnArm.clone().invert()));
  }

  /** The hand lies at the far end of the forearm's vertices. */
  private findWrist(model: PlayerModel): void {
    const position = model.lods[0]!.getAttribute("position");
    const part = model.lods[0]!.getAttribute("part");
    const elbow = this.rig.joints[this.fore]!.pivot;
    const point = new Vector3();
    let farthest = 0;
    for (let i = 0; i < position.count; i++) {
      if (Math.round(part.getX(i)) !== this.fore) continue;
      const distance = point.fromBufferAttribute(position, i).distanceTo(elbow);
      if (distance > farthest) {
        farthest = distance;
        this.wrist.copy(point);
      }
    }
    this.wrist.sub(elbow).multiplyScalar(0.82).add(elbow);
  }
}
