/** The way of the baton's tip over the last second, seen from behind: the orchestra's own view of the gesture. */
import { h } from "../ui/dom";

const KEPT_S = 1.1;
/** What is seen, metres from the middle to the edge of the shorter side. */
const SEEN_M = 0.42;

interface Point {
  readonly x: number;
  readonly y: number;
  readonly timeS: number;
}

export class BatonTrace {
  readonly element = h("canvas", { class: "p-trace", "aria-hidden": "true" });
  private readonly context = this.element.getContext("2d");
  private points: Point[] = [];

  /** `x` to the right, `y` up, metres from the place of rest. */
  add(x: number, y: number, timeS: number): void {
    this.points.push({ x, y, timeS });
  }

  draw(nowS: number): void {
    const { element, context } = this;
    this.points = this.points.filter(({ timeS }) => nowS - timeS < KEPT_S);
    if (context === null) return;
    const ratio = Math.min(2, devicePixelRatio);
    const [width, height] = [Math.round(element.clientWidth * ratio), Math.round(element.clientHeight * ratio)];
    if (element.width !== width || element.height !== height) [element.width, element.height] = [width, height];
    context.clearRect(0, 0, width, height);
    const scale = Math.min(width, height) / 2 / SEEN_M;
    const at = ({ x, y }: Point): [number, number] => [width / 2 + x * scale, height / 2 - y * scale];
    context.lineCap = "butt"; // round ends overlap and look like beads
    for (let i = 1; i < this.points.length; i++) {
      const [from, to] = [this.points[i - 1]!, this.points[i]!];
      const share = 1 - (nowS - to.timeS) / KEPT_S;
      context.strokeStyle = `rgb(224 187 120 / ${(0.9 * share * share).toFixed(3)})`;
      context.lineWidth = ratio * (1.5 + 6 * share);
      context.beginPath();
      context.moveTo(...at(from));
      context.lineTo(...at(to));
      context.stroke();
    }
    const tip = this.points[this.points.length - 1];
    if (tip === undefined) return;
    context.fillStyle = "#f6eee0";
    context.beginPath();
    context.arc(...at(tip), 8 * ratio, 0, 2 * Math.PI);
    context.fill();
  }
}
