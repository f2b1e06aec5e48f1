/** What the hand detector tells, as values: shared by its worker, the pose computation and the preview. */

/** Indices of MediaPipe's 21 hand landmarks that are used here. */
export const WRIST = 0;
export const INDEX_TIP = 8;
export const KNUCKLES = [5, 9, 13, 17] as const;
export const INDEX_KNUCKLE = 5;
export const MIDDLE_KNUCKLE = 9;
export const LITTLE_KNUCKLE = 17;
export const LANDMARKS = 21;

/** Which landmarks a line is drawn between. */
export const BONES: readonly (readonly [number, number])[] = [
  [0, 1], [1, 2], [2, 3], [3, 4], [0, 5], [5, 6], [6, 7], [7, 8], [5, 9], [9, 10], [10, 11], [11, 12],
  [9, 13], [13, 14], [14, 15], [15, 16], [13, 17], [0, 17], [17, 18], [18, 19], [19, 20],
];

export interface Landmark {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

export interface SeenHand {
  /** As MediaPipe calls it, which takes the picture for a mirror's: the person's other hand in a plain picture. */
  readonly label: "Left" | "Right";
  /** 0–1: how sure it is which hand it is. */
  readonly score: number;
  /** In the picture: 0–1 from the left and from the top. */
  readonly image: readonly Landmark[];
  /** Metres from the middle of the hand: x right and y down in the picture, z away from the camera. */
  readonly world: readonly Landmark[];
}

/** What was seen in one picture. */
export interface HandsReading {
  /** When the camera took it, client clock. */
  readonly capturedS: number;
  /** Width over height of the picture. */
  readonly aspect: number;
  readonly hands: readonly SeenHand[];
}

export type ToHands =
  /** `files`: addresses of the detector's files by their names. */
  | { readonly kind: "open"; readonly files: Readonly<Record<string, string>> }
  | { readonly kind: "picture"; readonly picture: ImageBitmap; readonly capturedS: number };

export type FromHands =
  | { readonly kind: "ready" }
  | { readonly kind: "failed"; readonly reason: string }
  /** This machine is too slow for the better model: smaller pictures, please. */
  | { readonly kind: "slow" }
  | { readonly kind: "seen"; readonly reading: HandsReading; readonly tookMs: number };
