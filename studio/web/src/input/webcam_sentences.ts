/** What the webcam's panel says. */
import type { WebcamPoses, WebcamSettings } from "./webcam_poses";

const LOST_S = 0.6;
/** A beat of a second needs about this many to be followed well. */
export const FEW_PER_S = 10;

/** What to do, or what is seen; `lostS`: for how long the baton's hand was not seen; `rateHz`: pictures looked at. */
export function sentence(poses: WebcamPoses, lostS: number, rateHz: number, settings: WebcamSettings): string {
  if (poses.conducting === null) {
    const which = settings.hand === "auto" ? "hand" : `${settings.hand} hand`;
    return poses.batonHand === null ? `Hold your ${which} up before the camera, palm or back towards it.` : "Good – keep it there, where you want to beat.";
  }
  if (lostS > LOST_S) return "Hand lost: bring it back into the picture.";
  const few = rateHz < FEW_PER_S ? " This device is slow for it: beat calmly, close other programs." : "";
  return `Your ${poses.conducting} hand conducts.${few}`;
}
