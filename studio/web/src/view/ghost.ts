/** The ideal figure, fitted to how large, where and with which hand this conductor beats. */
import type { FigureInfo } from "../generated/protocol";
import type { IctusPoint, WayPoint } from "./review";

export interface Ghost {
  /** The ideal way in metres, right and up, closed; `icti[k]` is the place of beat `k + 1`. */
  readonly way: readonly (readonly [number, number])[];
  readonly icti: readonly (readonly [number, number])[];
  readonly mirrored: boolean;
}

/** Below this the hand rests: nothing to compare. */
const LEAST_SIZE_M = 0.02;

/**
 * As high as the way is, with the icti at their places; a figure beaten with the left hand is mirrored. Null where
 * the hand hardly moves.
 */
export function fitGhost(figure: FigureInfo, way: readonly WayPoint[], icti: readonly IctusPoint[], beatOf: (beatIndex: number) => number): Ghost | null {
  if (way.length < 8 || figure.way.length < 2) return null;
  const heights = way.map(({ y }) => y);
  const ideal = figure.way.map(([, y]) => y);
  const low = Math.min(...heights);
  const size = Math.max(...heights) - low;
  if (size < LEAST_SIZE_M) return null;
  const scale = size / (Math.max(...ideal) - Math.min(...ideal));
  const perBeat = (figure.way.length - 1) / figure.beats;
  const ideals = Array.from({ length: figure.beats }, (_, beat) => figure.way[beat * perBeat]!);
  const pairs = icti.flatMap((ictus) => {
    const place = ideals[beatOf(ictus.beatIndex) - 1];
    return ictus.beatIndex >= 0 && place !== undefined ? [{ seen: ictus, place }] : [];
  });
  const [seenX, idealX] = [mean(pairs.map(({ seen }) => seen.x)), mean(pairs.map(({ place }) => place[0]))];
  const agreement = pairs.reduce((sum, { seen, place }) => sum + (seen.x - seenX) * (place[0] - idealX), 0);
  const mirrored = agreement < 0;
  const side = mirrored ? -1 : 1;
  const middle = mean(figure.way.map(([x]) => x));
  const x0 = pairs.length > 0 ? seenX - side * scale * idealX : mean(way.map(({ x }) => x)) - side * scale * middle;
  const y0 = pairs.length > 0 ? mean(pairs.map(({ seen, place }) => seen.y - scale * place[1])) : low - scale * Math.min(...ideal);
  const fitted = ([x, y]: readonly [number, number]): readonly [number, number] => [x0 + side * scale * x, y0 + scale * y];
  return { way: figure.way.map(fitted), icti: ideals.map(fitted), mirrored };
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
