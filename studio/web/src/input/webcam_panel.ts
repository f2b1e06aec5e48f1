/** What the conductor sees of the webcam: themselves as in a mirror, the landmarks, and what to do. */
import { h, setText } from "../ui/dom";
import { BONES, type HandsReading, INDEX_TIP, KNUCKLES } from "./webcam_hands";
import type { WebcamSettings } from "./webcam_poses";

const GOLD = "#e0bb78";
const IVORY = "#f6eee0";

export interface PanelActions {
  changed(settings: WebcamSettings): void;
  calibrate(): void;
  retry(): void;
}

export class WebcamPanel {
  readonly video = h("video", { autoplay: true, playsinline: true, muted: true, "aria-hidden": "true" });
  private readonly overlay = h("canvas", { "aria-hidden": "true" });
  private readonly figures = h("span", { class: "camera-figures", "aria-hidden": "true" });
  private readonly bar = h("i");
  private readonly progress = h("b", { class: "camera-progress", "aria-hidden": "true" }, this.bar);
  private readonly picture = h("div", { class: "camera-picture" }, this.video, this.overlay, this.figures, this.progress);
  private readonly status = h("p", { class: "input-status", role: "status", "aria-live": "polite" });
  private readonly retry = h("button", { type: "button", class: "quiet", hidden: true }, "Try again");
  private readonly again = h("button", { type: "button", class: "quiet" }, "Set anew");
  private readonly hand: HTMLSelectElement;
  private readonly point: HTMLSelectElement;
  private readonly mirrored = h("input", { type: "checkbox", id: "webcam-mirrored" });
  readonly element: HTMLElement;
  private readonly draw = this.overlay.getContext("2d");

  constructor(
    settings: WebcamSettings,
    actions: PanelActions,
  ) {
    this.video.muted = true; // the attribute alone does not mute an element made by script
    this.hand = select("webcam-hand", [["auto", "the one that beats"], ["right", "right"], ["left", "left"]], settings.hand);
    this.point = select("webcam-point", [["knuckles", "knuckles (steady)"], ["fingertip", "finger tip"]], settings.point);
    this.mirrored.checked = settings.mirrored;
    this.picture.classList.toggle("as-it-is", settings.mirrored);
    const changed = (): void => {
      this.picture.classList.toggle("as-it-is", this.mirrored.checked);
      actions.changed({ hand: this.hand.value as WebcamSettings["hand"], point: this.point.value as WebcamSettings["point"], mirrored: this.mirrored.checked });
    };
    for (const control of [this.hand, this.point, this.mirrored]) control.addEventListener("change", changed);
    // A wide camera's picture stays wide.
    this.video.addEventListener("resize", () => (this.picture.style.aspectRatio = `${this.video.videoWidth} / ${this.video.videoHeight}`));
    this.retry.addEventListener("click", () => actions.retry());
    this.again.addEventListener("click", () => actions.calibrate());
    this.element = h(
      "section",
      { class: "input-panel webcam", "aria-label": "Webcam" },
      this.picture,
      h("div", { class: "camera-line" }, this.status, this.retry, this.again),
      h(
        "details",
        {},
        h("summary", {}, "Settings"),
        h("div", { class: "camera-settings" }, h("label", { for: "webcam-hand" }, "Hand"), this.hand, h("label", { for: "webcam-point" }, "Follow the"), this.point, this.mirrored, h("label", { for: "webcam-mirrored" }, "The camera mirrors its picture")),
      ),
      h("p", { class: "input-note" }, "The camera's pictures stay on this device."),
    );
  }

  /** `problem`: the camera does not work, so there is nothing to see. */
  say(text: string, problem = false): void {
    setText(this.status, text);
    this.retry.hidden = !problem;
    this.again.hidden = problem;
    this.picture.hidden = problem;
    this.element.classList.toggle("problem", problem);
  }

  /** `calibrated` 0–1; the bar goes when it is done. */
  showProgress(calibrated: number): void {
    this.progress.hidden = calibrated >= 1;
    this.bar.style.transform = `scaleX(${calibrated.toFixed(2)})`;
  }

  showFigures(text: string): void {
    setText(this.figures, text);
  }

  /** Draws the landmarks of one reading; those of hand `baton` in gold. */
  show(reading: HandsReading | null, baton: number | null): void {
    const { overlay, draw } = this;
    if (draw === null) return;
    const [width, height] = [overlay.clientWidth, overlay.clientHeight];
    if (overlay.width !== width || overlay.height !== height) [overlay.width, overlay.height] = [width, height];
    draw.clearRect(0, 0, width, height);
    reading?.hands.forEach((hand, index) => {
      const at = (landmark: number): [number, number] => [hand.image[landmark]!.x * width, hand.image[landmark]!.y * height];
      const colour = index === baton ? GOLD : IVORY;
      draw.strokeStyle = colour;
      draw.lineWidth = 2;
      draw.globalAlpha = 0.75;
      draw.beginPath();
      for (const [from, to] of BONES) {
        draw.moveTo(...at(from));
        draw.lineTo(...at(to));
      }
      draw.stroke();
      draw.globalAlpha = 1;
      draw.fillStyle = colour;
      for (const landmark of [...KNUCKLES, INDEX_TIP]) {
        draw.beginPath();
        draw.arc(...at(landmark), 3, 0, 2 * Math.PI);
        draw.fill();
      }
    });
  }
}

function select(id: string, options: readonly (readonly [string, string])[], chosen: string): HTMLSelectElement {
  return h("select", { id }, ...options.map(([value, words]) => h("option", { value, selected: value === chosen }, words)));
}
