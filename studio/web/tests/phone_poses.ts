/** For benchmarks and tests in Python: readings of a phone's sensors on standard input, the baton's poses on output. */
import { readFileSync } from "node:fs";
import { type MotionReading, StillHold } from "../src/input/phone_calibration";
import { PhoneBaton } from "../src/input/phone_motion";

const { readings, flipped } = JSON.parse(readFileSync(0, "utf8")) as { readings: MotionReading[]; flipped: boolean };
const hold = new StillHold(flipped);
let baton: PhoneBaton | null = null;
const poses: number[][] = [];
for (const reading of readings) {
  if (baton === null) {
    const calibration = hold.add(reading);
    if (calibration !== null) baton = new PhoneBaton(calibration);
    continue;
  }
  const pose = baton.step(reading);
  if (pose !== null) poses.push([pose.timeS, ...pose.positionM, ...pose.orientation]);
}
process.stdout.write(JSON.stringify(poses));
