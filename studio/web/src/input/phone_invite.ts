/** A code on the host's screen that makes a phone the baton. */
import type { PairingCode } from "../generated/protocol";
import { h, setText } from "../ui/dom";
import type { GestureInput } from "./input";

/** White around the code, in modules, as the standard asks (ISO/IEC 18004: four). */
const MARGIN = 4;

export interface InviteActions {
  /** Ask the studio for a code. */
  pair(origin: string): void;
  /** The session's clock now, seconds; NaN before it is known. */
  sessionS(): number;
}

export class PhoneInvite implements GestureInput {
  private readonly code = h("div", { class: "qr", role: "img", "aria-label": "A code for your phone" });
  private readonly words = h("p", { class: "input-note", role: "status", "aria-live": "polite" });
  private readonly link = h("a", { class: "qr-address", hidden: true });
  private readonly again = h("button", { type: "button", class: "quiet", onclick: () => this.ask() }, "New code");
  readonly panel: HTMLElement;
  private shown: PairingCode | null = null;
  private waiting = false;
  private timer: ReturnType<typeof setInterval> | undefined;

  /** `touch`: this device may itself be the phone. */
  constructor(
    private readonly actions: InviteActions,
    touch: boolean,
  ) {
    const here = h("a", { class: "quiet", href: "./phone" }, "Use this phone");
    this.panel = h("section", { class: "input-panel phone", "aria-label": "Your phone as baton" }, this.code, this.words, this.link, h("div", { class: "qr-row" }, this.again, touch ? here : null));
  }

  start(): void {
    this.ask();
    this.timer = setInterval(() => this.refresh(), 1000);
  }

  stop(): void {
    clearInterval(this.timer);
    this.shown = null;
  }

  get facts(): Record<string, unknown> {
    return { address: this.shown?.address ?? null };
  }

  /** The studio's answer. */
  show(code: PairingCode): void {
    this.waiting = false;
    this.shown = code;
    this.code.replaceChildren(drawn(code));
    this.code.hidden = this.link.hidden = false;
    this.link.setAttribute("href", code.address);
    setText(this.link, code.address.replace(/^https:\/\//, "").replace(/#.*/, ""));
    this.refresh();
  }

  /** The studio's word where it gives no code. */
  noticed(text: string): void {
    if (!this.waiting) return;
    this.waiting = false;
    setText(this.words, text);
  }

  private ask(): void {
    this.waiting = true;
    this.shown = null;
    this.code.hidden = this.link.hidden = true;
    setText(this.words, "Asking the studio for a code …");
    this.actions.pair(location.origin);
  }

  private refresh(): void {
    if (this.shown === null) return;
    const leftS = this.shown.expires_s - this.actions.sessionS();
    if (leftS <= 0) {
      this.ask();
      return;
    }
    setText(this.words, leftS > 60 ? "Scan this with your phone’s camera. It is for one phone, once; the browser may warn about the studio’s certificate: go on." : `Scan this with your phone’s camera: good for ${Math.ceil(leftS / 5) * 5} s more.`);
  }
}

/** The code as one path: dark on light, whatever the page's colours, so that every camera reads it. */
function drawn({ size, modules }: PairingCode): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `${-MARGIN} ${-MARGIN} ${size + 2 * MARGIN} ${size + 2 * MARGIN}`);
  svg.setAttribute("shape-rendering", "crispEdges");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  let way = "";
  modules.forEach((dark, index) => {
    if (dark === 1) way += `M${index % size} ${Math.floor(index / size)}h1v1h-1z`;
  });
  path.setAttribute("d", way);
  svg.append(path);
  return svg;
}
