/**
 * The hand detector's thread: MediaPipe Hands (Zhang et al., "MediaPipe Hands: On-device Real-time Hand Tracking",
 * 2020) beside the picture of the hall, so that neither waits for the other. Models and program come from the page's
 * own server; pictures go nowhere.
 *
 * A classic worker, not a module: the detector's program is made of plain scripts. Import nothing but types here.
 */
import type { Hands, Results } from "@mediapipe/hands";
import type { FromHands, HandsReading, SeenHand, ToHands } from "./webcam_hands";

const scope = self as unknown as Record<string, unknown> & { importScripts(url: string): void; Hands: typeof Hands };

/** More than this for one picture and the camera's rate is lost: the lighter model takes over. */
const SLOW_MS = 30;
const TRIED_PICTURES = 24;
const FULL = 1;
const LITE = 0;

let detector: Hands | null = null;
let results: Results | null = null;
let queue: Promise<void> = Promise.resolve();
let tookMs: number[] = [];
let model: 0 | 1 = FULL;

function post(message: FromHands): void {
  self.postMessage(message);
}

/** The little of a document that the detector's loader asks for: it adds scripts and makes one canvas. */
function pretendDocument(): void {
  class Script {
    src = "";
    private readonly listeners: Record<string, () => void> = {};
    setAttribute(name: string, value: string): void {
      if (name === "src") this.src = value;
    }
    addEventListener(kind: string, listener: () => void): void {
      this.listeners[kind] = listener;
    }
    run(): void {
      scope.importScripts(this.src);
      this.listeners["load"]?.();
    }
  }
  scope["window"] = self;
  scope["document"] = {
    currentScript: null,
    body: { appendChild: (script: Script) => script.run() },
    createElement: (kind: string) => (kind === "canvas" ? new OffscreenCanvas(1, 1) : new Script()),
  };
}

async function open(files: Readonly<Record<string, string>>): Promise<void> {
  pretendDocument();
  scope.importScripts(files["hands.js"]!);
  const hands = new scope.Hands({
    locateFile: (name) => {
      const address = files[name];
      if (address === undefined) throw new Error("this browser is too old for hand tracking (no WebAssembly SIMD)");
      return address;
    },
  });
  // Networks run on the processor: the graphics card draws the hall.
  const options = { maxNumHands: 2, modelComplexity: model, minDetectionConfidence: 0.5, minTrackingConfidence: 0.5, selfieMode: false, useCpuInference: true };
  hands.setOptions(options);
  hands.onResults((found) => {
    results = found;
  });
  await hands.initialize();
  detector = hands;
  post({ kind: "ready" });
}

async function look(picture: ImageBitmap, capturedS: number): Promise<void> {
  const aspect = picture.width / picture.height;
  const beganMs = performance.now();
  results = null;
  try {
    // It takes whatever WebGL takes for a texture; its types know of elements alone.
    await detector?.send({ image: picture as unknown as HTMLCanvasElement });
  } finally {
    picture.close();
  }
  const found = results as Results | null;
  if (found === null) return;
  if ("close" in found.image) found.image.close();
  const hands: SeenHand[] = found.multiHandedness.map(({ label, score }, index) => ({
    label,
    score,
    image: found.multiHandLandmarks[index]!,
    world: found.multiHandWorldLandmarks[index]!,
  }));
  const reading: HandsReading = { capturedS, aspect, hands };
  const took = performance.now() - beganMs;
  post({ kind: "seen", reading, tookMs: took });
  if (hands.length > 0) suit(took);
}

/** Goes over to the lighter model where this machine is too slow for the better one. */
function suit(took: number): void {
  if (model === LITE) return;
  tookMs.push(took);
  if (tookMs.length < TRIED_PICTURES) return;
  const median = tookMs.sort((a, b) => a - b)[TRIED_PICTURES / 2]!;
  tookMs = [];
  if (median < SLOW_MS) return;
  model = LITE;
  detector?.setOptions({ modelComplexity: LITE });
  post({ kind: "slow" });
}

self.onmessage = (event: MessageEvent<ToHands>) => {
  const order = event.data;
  queue = queue
    .then(() => (order.kind === "open" ? open(order.files) : look(order.picture, order.capturedS)))
    .catch((error: unknown) => post({ kind: "failed", reason: error instanceof Error ? error.message : String(error) }));
};
