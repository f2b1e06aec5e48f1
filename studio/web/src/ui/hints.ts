/** What to do next, said over the stage when it helps: how to start, how to hear, what went wrong. */
import type { PositionInfo } from "../generated/protocol";
import { h, setText } from "./dom";

export class Hints {
  private readonly listenPill = h("button", { type: "button", class: "listen-pill", hidden: true }, "Tap to listen");
  private readonly how = h("div", { class: "how", hidden: true, role: "note" });
  private readonly howTitle = h("strong", {});
  private readonly howText = h("p", {});
  private readonly raise: string;
  private readonly toast = h("p", { class: "toast", role: "status", "aria-live": "polite", hidden: true });
  private readonly cover = h("div", { class: "cover" });
  private readonly coverText = h("p", {}, "Opening the hall …");
  private readonly coverBar = h("i");
  readonly element = h("div", { class: "hints" }, this.cover, this.how, this.listenPill, this.toast);
  private toastTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(listen: () => void) {
    this.listenPill.addEventListener("click", listen);
    this.cover.append(h("div", { class: "wordmark", "aria-hidden": "true" }, "Tutti"), this.coverText, h("b", { class: "loading", "aria-hidden": "true" }, this.coverBar));
    const touch = matchMedia("(pointer: coarse)").matches;
    this.raise = touch ? "Put a finger on the stage, slide it up, and beat down in the tempo you want. The orchestra comes in on the beat after your upbeat." : "Press on the stage, raise the baton, and beat down in the tempo you want. The orchestra comes in on the beat after your upbeat.";
    this.how.append(
      pattern(),
      h("div", {}, this.howTitle, this.howText),
    );
  }

  loading(share: number): void {
    this.coverBar.style.transform = `scaleX(${share.toFixed(3)})`;
  }

  /** The hall is there. */
  open(): void {
    this.cover.classList.add("gone");
    this.cover.addEventListener("transitionend", () => (this.cover.hidden = true), { once: true });
    setTimeout(() => (this.cover.hidden = true), 1200);
  }

  /** The hall cannot be drawn here: says so once; everything else goes on. */
  noPicture(reason: string): void {
    this.cover.hidden = true;
    this.element.append(h("p", { class: "no-picture", role: "alert" }, reason));
  }

  offerListening(offered: boolean): void {
    this.listenPill.hidden = !offered;
  }

  /** How to begin; where the orchestra was stopped, or the piece is over, it has to be made ready first. */
  showHow(shown: boolean, state: PositionInfo["state"] | undefined): void {
    const first = state === "ended" ? "Press ▶ to begin again" : state === "stopped" ? "Press ▶, then beat to go on" : "";
    setText(this.howTitle, first || "Raise, then beat");
    setText(this.howText, first === "" ? this.raise : "The orchestra gets ready. Then raise the baton and beat.");
    this.how.hidden = !shown;
  }

  say(text: string): void {
    setText(this.toast, text);
    this.toast.hidden = false;
    clearTimeout(this.toastTimer);
    this.toastTimer = setTimeout(() => (this.toast.hidden = true), 4200);
  }
}

/** The way of the hand in an upbeat and a downbeat. */
function pattern(): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "20 4 38 54");
  svg.setAttribute("class", "pattern");
  svg.setAttribute("aria-hidden", "true");
  svg.innerHTML =
    '<path class="way" d="M44 46 C52 34 46 12 32 12 C30 24 32 40 32 52 C34 44 40 42 46 40"/>' +
    '<circle class="point" r="4" cx="32" cy="12"/><path class="arrow" d="m27.500 47 4.500 5.500 4.500-5.500"/>';
  return svg;
}
