/** How the line to the studio stands, in one sentence, with the one thing to do about it. */
import { clientS } from "../net/clock";
import type { Connection } from "../net/messages";
import { h, setText } from "./dom";

export class StatusLine {
  private readonly text = h("span", {});
  private readonly action = h("button", { type: "button", class: "quiet", hidden: true });
  readonly element = h("div", { class: "status", role: "status", "aria-live": "polite" }, h("i", { "aria-hidden": "true" }), this.text);
  private readonly help = h("a", { class: "quiet", href: "./certificate", hidden: true }, "How to trust this studio");
  private connection: Connection = { state: "connecting" };
  private everLive = false;
  private failures = 0;

  constructor(private readonly retry: () => void) {
    this.element.append(this.help, this.action);
    this.action.addEventListener("click", () => (this.connection.state === "waiting" ? this.retry() : location.reload()));
    setInterval(() => this.refresh(), 500);
    this.refresh();
  }

  show(connection: Connection): void {
    this.connection = connection;
    if (connection.state === "live") this.everLive = true;
    else if (connection.state === "waiting") this.failures += 1;
    this.refresh();
  }

  private refresh(): void {
    this.element.dataset["state"] = this.connection.state;
    const untrusted = distrusted(this.everLive, this.failures, location.protocol) && this.connection.state === "waiting";
    setText(this.text, untrusted ? "This device does not trust the studio’s certificate, so no line opens." : sentence(this.connection, clientS()));
    this.help.hidden = !untrusted;
    this.action.hidden = this.connection.state === "live" || this.connection.state === "connecting";
    setText(this.action, this.connection.state === "waiting" ? "Try now" : "Reload");
  }
}

/** Safari shows a page whose certificate it does not trust, but opens no WebSocket to it. */
export function distrusted(everLive: boolean, failures: number, protocol: string): boolean {
  return !everLive && failures >= 2 && protocol === "https:";
}

const REASONS = {
  gone: "The studio does not answer.",
  full: "The hall is full.",
  stalled: "The line to the studio broke.",
  flood: "The studio asked for a pause.",
} as const;

/** One plain sentence for a state of the line at client time `nowS`. */
export function sentence(connection: Connection, nowS: number): string {
  switch (connection.state) {
    case "connecting":
      return "Connecting to the studio …";
    case "live":
      return "Connected";
    case "waiting": {
      const seconds = Math.max(1, Math.ceil(connection.retryAtS - nowS));
      return `${REASONS[connection.reason]} Trying again in ${seconds} s.`;
    }
    case "version":
      return "The studio was updated and this page is of another version. Reload it.";
    case "refused":
      return connection.reason;
  }
}
