import { describe, expect, it } from "vitest";
import { Concert } from "../src/concert";
import type { SoundStatus } from "../src/generated/protocol";
import { meterShare } from "../src/ui/parts_panel";
import { soundSentence } from "../src/ui/sound_line";

const STATUS: SoundStatus = {
  kind: "SoundStatus",
  device: "JACK dummy, 21 ms, 0 missed",
  warning: "",
  load: 0.336,
  missed: 0,
  latency_s: 0.021,
  limiting_db: 0,
  true_peak_db: -3.14,
  loudness_lufs: -17.25,
  parts: [{ peak_db: -10, rms_db: -20, muted: false, solo: true }],
};

describe("the sound's line", () => {
  it("says where the sound goes, the load and the levels", () => {
    expect(soundSentence(STATUS)).toBe("JACK dummy, 21 ms, 0 missed · load 34 % · −17.3 LUFS · peak −3.1 dB");
  });
  it("tells of the limiter where it works, and of no levels in silence", () => {
    expect(soundSentence({ ...STATUS, limiting_db: -1.5 })).toContain("limiter −1.5 dB");
    expect(soundSentence({ ...STATUS, loudness_lufs: -120, true_peak_db: -120 })).toBe("JACK dummy, 21 ms, 0 missed · load 34 %");
  });
});

describe("a meter", () => {
  it("goes from −60 dB to full scale and no farther", () => {
    expect([-120, -60, -30, 0, 3].map(meterShare)).toEqual([0, 0, 0.5, 1, 1]);
  });
});

describe("the concert", () => {
  it("hands on how the sound does", () => {
    const told: SoundStatus[] = [];
    const nothing = (): void => undefined;
    const concert = new Concert({ opened: nothing, placed: nothing, present: nothing, event: nothing, sounding: nothing, pose: nothing, ticked: nothing, notice: nothing, sounded: (status) => told.push(status) });
    concert.take(STATUS);
    expect(told).toEqual([STATUS]);
  });
});
