/**
 * Conducting before the webcam: camera → hand detector (a thread of its own) → poses. The newest picture is looked at
 * when the detector is free; those between are left out, so that nothing queues up.
 */
import { clientS } from "../net/clock";
import type { GestureInput, GestureSink } from "./input";
import { CameraError, capturedS, openCamera } from "./webcam_camera";
import { detectorFiles } from "./webcam_files";
import type { FromHands, HandsReading, ToHands } from "./webcam_hands";
import { WebcamPanel } from "./webcam_panel";
import { HandPoses, type WebcamSettings } from "./webcam_poses";
import { sentence } from "./webcam_sentences";

const SETTINGS_KEY = "tutti.webcam";
const PLAIN: WebcamSettings = { hand: "auto", point: "knuckles", mirrored: false };
/** Hands look much the same to the detector in small pictures, which are quicker to hand over. */
const PICTURE_HEIGHT = 360;
const SLOW_PICTURE_HEIGHT = 240;
/** After this long without an answer the next picture is sent all the same. */
const PATIENCE_MS = 4000;
const FIGURES_MS = 500;
/** What is expected of a camera before its rate is known. */
const PLAIN_RATE_HZ = 30;

export class Webcam implements GestureInput {
  private settings = storedSettings();
  private readonly view = new WebcamPanel(this.settings, {
    changed: (settings) => this.change(settings),
    calibrate: () => this.calibrate(),
    retry: () => this.start(),
  });
  readonly panel = this.view.element;
  private readonly hands = new HandPoses(this.settings);
  private worker: Worker | null = null;
  private stream: MediaStream | null = null;
  /** Which start this is: what an earlier one still waits for is not for us. */
  private turn = 0;
  private ready = false;
  private pictureHeight = PICTURE_HEIGHT;
  private askedMs = -Infinity;
  private seenS = -Infinity;
  private place: readonly number[] | null = null;
  private pictures = 0;
  private readings = 0;
  private rateHz = PLAIN_RATE_HZ;
  private latencyS = 0;
  private figuresMs = 0;

  constructor(private readonly sink: GestureSink) {}

  /** What the tests and people who report a fault want to know. */
  get facts(): Record<string, unknown> {
    return { open: this.stream !== null, ready: this.ready, latencyS: this.latencyS, seenS: this.seenS, place: this.place, pictures: this.pictures };
  }

  start(): void {
    this.stop();
    void this.open(this.turn);
  }

  stop(): void {
    this.turn += 1;
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.view.video.srcObject = null;
    this.worker?.terminate();
    this.worker = null;
    this.ready = false;
    this.view.show(null, null);
  }

  private async open(turn: number): Promise<void> {
    this.view.say("Opening the camera …");
    this.calibrate();
    let stream: MediaStream;
    try {
      stream = await openCamera();
    } catch (error) {
      if (turn === this.turn) this.fail(error instanceof CameraError ? error.message : String(error));
      return;
    }
    if (turn !== this.turn) {
      for (const track of stream.getTracks()) track.stop();
      return;
    }
    this.stream = stream;
    stream.getVideoTracks()[0]?.addEventListener("ended", () => turn === this.turn && this.fail("The camera is gone: the orchestra plays on. Connect it again, or choose another way."));
    this.view.video.srcObject = stream;
    this.view.say("Getting ready to see your hands …");
    this.worker = new Worker(new URL("./webcam.worker.ts", import.meta.url), { name: "tutti-hands" });
    this.worker.onmessage = (event: MessageEvent<FromHands>) => this.heard(event.data);
    this.worker.onerror = (event) => this.fail(`Hand tracking does not work in this browser (${event.message}). Choose another way to conduct.`);
    this.tell({ kind: "open", files: detectorFiles() });
    this.watch(turn);
  }

  /** Every picture of the camera, with the time when it was taken. */
  private watch(turn: number): void {
    const { video } = this.view;
    const next = (nowMs: number, metadata: VideoFrameCallbackMetadata): void => {
      if (turn !== this.turn) return;
      video.requestVideoFrameCallback(next);
      const free = this.ready && (this.askedMs < 0 || nowMs - this.askedMs > PATIENCE_MS);
      if (!free || video.videoHeight === 0) return;
      this.askedMs = nowMs;
      const takenS = capturedS(nowMs, metadata, performance.timeOrigin);
      const resizeHeight = Math.min(this.pictureHeight, video.videoHeight);
      const resizeWidth = Math.round((resizeHeight * video.videoWidth) / video.videoHeight);
      createImageBitmap(video, { resizeWidth, resizeHeight, resizeQuality: "low" }).then(
        (picture) => (turn === this.turn ? this.tell({ kind: "picture", picture, capturedS: takenS }, [picture]) : picture.close()),
        // The video had no picture just then, as while a camera is switched: the next one comes.
        () => (this.askedMs = -Infinity),
      );
    };
    if (typeof video.requestVideoFrameCallback !== "function") this.fail("This browser is too old to conduct by webcam: update it, or choose another way.");
    else video.requestVideoFrameCallback(next);
  }

  private tell(order: ToHands, transfer: Transferable[] = []): void {
    this.worker?.postMessage(order, transfer);
  }

  private heard(message: FromHands): void {
    switch (message.kind) {
      case "ready":
        this.ready = true;
        break;
      case "failed":
        this.fail(`Hand tracking does not work here (${message.reason}). Choose another way to conduct.`);
        break;
      case "slow":
        this.pictureHeight = SLOW_PICTURE_HEIGHT;
        break;
      case "seen":
        this.askedMs = -Infinity;
        this.seen(message.reading);
        break;
    }
  }

  private seen(reading: HandsReading): void {
    const poses = this.hands.read(reading);
    if (poses.samples.length > 0) this.sink.poses(poses.samples);
    this.pictures += 1;
    this.place = poses.samples[0]?.position_m ?? null;
    if (poses.batonHand !== null) this.seenS = reading.capturedS;
    this.view.show(reading, poses.batonHand);
    this.view.showProgress(poses.calibrated);
    this.view.say(sentence(poses, reading.capturedS - this.seenS, this.rateHz, this.settings));
    this.readings += 1;
    this.latencyS += 0.1 * (clientS() - reading.capturedS - this.latencyS);
    const nowMs = performance.now();
    const passedMs = nowMs - this.figuresMs;
    if (passedMs < FIGURES_MS) return;
    const rateHz = (1000 * this.readings) / passedMs;
    // Slowly, so that the words below do not flicker.
    this.rateHz = passedMs < 4 * FIGURES_MS ? this.rateHz + 0.2 * (rateHz - this.rateHz) : PLAIN_RATE_HZ;
    this.view.showFigures(`${Math.round(rateHz)} pictures a second · ${Math.round(1000 * this.latencyS)} ms`);
    this.figuresMs = nowMs;
    this.readings = 0;
  }

  private change(settings: WebcamSettings): void {
    this.settings = settings;
    localStorage.setItem(SETTINGS_KEY, JSON.stringify(settings));
    this.calibrate();
  }

  private calibrate(): void {
    this.hands.restart(this.settings);
    this.seenS = -Infinity;
    this.view.showProgress(0);
  }

  private fail(text: string): void {
    this.stop();
    this.view.say(text, true);
  }
}

function storedSettings(): WebcamSettings {
  let stored: Partial<WebcamSettings>;
  try {
    stored = (JSON.parse(localStorage.getItem(SETTINGS_KEY) ?? "{}") ?? {}) as Partial<WebcamSettings>;
  } catch {
    stored = {}; // not ours, or broken: as if nothing had been chosen
  }
  return {
    hand: stored.hand === "left" || stored.hand === "right" ? stored.hand : PLAIN.hand,
    point: stored.point === "fingertip" ? "fingertip" : PLAIN.point,
    mirrored: stored.mirrored === true,
  };
}
