/** What the phone shows: one step at a time, then where the music is, large enough for a glance at arm's length. */
import type { ShownPosition } from "../concert";
import type { Snapshot } from "../generated/protocol";
import { clientS } from "../net/clock";
import type { Connection } from "../net/messages";
import { h, icon, setText } from "../ui/dom";
import { STATES } from "../ui/score_panel";
import { sentence } from "../ui/status_line";
import type { Step } from "./phone_app";
import { BatonTrace } from "./phone_trace";

export interface PhoneActions {
  begin(): void;
  /** Calibrate anew. */
  again(): void;
  rest(): void;
  ask(): void;
  startStop(): void;
  release(): void;
  vibrate(on: boolean): void;
}

export interface PhoneAbilities {
  readonly canVibrate: boolean;
  readonly vibrates: boolean;
  readonly secureUrl: string;
}

export interface PhoneState {
  readonly step: Step;
  readonly connection: Connection;
  readonly distrusted: boolean;
  readonly holding: boolean;
  readonly requested: boolean;
  readonly holderName: string;
  readonly resting: boolean;
  readonly claiming: boolean;
  readonly refused: string;
  readonly owner: string;
}

const TOAST_MS = 4200;

export class PhoneScreen {
  private readonly line = h("p", { class: "p-line", role: "status", "aria-live": "polite" });
  private readonly title = h("h1", { class: "p-title" }, "Tutti");
  private readonly composer = h("p", { class: "p-composer" });
  private readonly measure = h("b", { class: "p-measure" }, "–");
  private readonly tempo = h("b", { class: "p-tempo" }, "–");
  private readonly beats = h("span", { class: "beats", "aria-hidden": "true" });
  private readonly state = h("p", { class: "p-state", role: "status", "aria-live": "polite" });
  private readonly heading = h("h2", { class: "p-heading" });
  private readonly words = h("p", { class: "p-words" });
  private readonly ring = ringOf();
  private readonly button: HTMLButtonElement;
  private readonly help = h("a", { class: "p-help", href: "/certificate", hidden: true }, "How to let this phone trust the studio");
  private readonly card: HTMLElement;
  private readonly score: HTMLElement;
  private readonly dock: HTMLElement;
  private readonly restButton: HTMLButtonElement;
  private readonly startButton: HTMLButtonElement;
  private readonly toggle: HTMLInputElement;
  private readonly toast = h("p", { class: "p-toast", role: "status", hidden: true });
  private readonly baton = new BatonTrace();
  private act: () => void = () => undefined;
  private toastTimer: ReturnType<typeof setTimeout> | undefined;
  private shown: PhoneState | null = null;

  constructor(
    private readonly root: HTMLElement,
    private readonly actions: PhoneActions,
    private readonly abilities: PhoneAbilities,
  ) {
    this.button = h("button", { type: "button", class: "primary p-main", onclick: () => this.act() });
    this.card = h("section", { class: "p-card" }, this.ring.element, this.heading, this.words, this.button, this.help);
    this.score = h(
      "section",
      { class: "p-score", "aria-label": "Score position", hidden: true },
      this.baton.element,
      h("div", { class: "p-figure" }, h("span", { class: "caption" }, "Bar"), this.measure),
      this.beats,
      this.state,
      h("div", { class: "p-figure p-small" }, this.tempo, h("span", { class: "caption" }, "beats a minute")),
    );
    this.restButton = h("button", { type: "button", class: "primary p-main", onclick: () => actions.rest() });
    this.startButton = h("button", { type: "button", class: "p-quiet", onclick: () => actions.startStop() }, "From the beginning");
    this.toggle = h("input", { type: "checkbox", role: "switch", onchange: () => actions.vibrate(this.toggle.checked) });
    this.toggle.checked = abilities.vibrates;
    this.dock = h(
      "nav",
      { class: "p-dock", "aria-label": "Controls", hidden: true },
      abilities.canVibrate ? h("label", { class: "p-switch" }, "Feel the beat", this.toggle) : null,
      this.restButton,
      h(
        "div",
        { class: "p-row" },
        this.startButton,
        h("button", { type: "button", class: "p-quiet", onclick: () => actions.again() }, "Calibrate"),
        h("button", { type: "button", class: "p-quiet", onclick: () => actions.release() }, "Give back"),
      ),
    );
    root.append(h("header", { class: "p-head" }, this.line, this.title, this.composer), this.card, this.score, this.dock, this.toast);
    setInterval(() => this.shown !== null && this.showLine(this.shown), 500);
  }

  get vibrates(): boolean {
    return this.abilities.canVibrate && this.toggle.checked;
  }

  open(snapshot: Snapshot): void {
    setText(this.title, snapshot.title || "Untitled");
    setText(this.composer, snapshot.composer);
  }

  say(text: string): void {
    setText(this.toast, text);
    this.toast.hidden = false;
    clearTimeout(this.toastTimer);
    this.toastTimer = setTimeout(() => (this.toast.hidden = true), TOAST_MS);
  }

  progress(share: number): void {
    this.ring.show(share);
  }

  trace(x: number, y: number, timeS: number): void {
    this.baton.add(x, y, timeS);
  }

  show(state: PhoneState): void {
    this.shown = state;
    this.showLine(state);
    const conducts = state.step === "ready" && state.holding;
    this.root.classList.toggle("beating", conducts && !state.resting);
    this.card.hidden = conducts;
    this.score.hidden = this.dock.hidden = !conducts;
    if (conducts) setText(this.restButton, state.resting ? "Conduct" : "Rest the baton");
    this.restButton.classList.toggle("holding", !state.resting);
    this.ring.element.toggleAttribute("hidden", state.step !== "still");
    this.help.hidden = !state.distrusted;
    const [heading, words, label, act] = this.advice(state);
    setText(this.heading, heading);
    setText(this.words, words);
    this.button.hidden = label === "";
    this.button.replaceChildren(...(state.step === "welcome" ? [icon("baton"), label] : [label]));
    this.act = act;
  }

  /** Called for every picture. */
  draw(position: ShownPosition | null, running: boolean): void {
    if (this.score.hidden) return;
    this.baton.draw(clientS());
    if (position === null) return;
    setText(this.measure, position.measure);
    setText(this.tempo, position.bpm > 0 ? String(Math.round(position.bpm)) : "–");
    setText(this.state, this.shown?.resting ? "The baton rests" : STATES[position.state] || "Playing");
    setText(this.startButton, running ? "Stop" : "From the beginning");
    const count = Math.min(12, position.beats);
    while (this.beats.childElementCount > count) this.beats.lastElementChild!.remove();
    while (this.beats.childElementCount < count) this.beats.append(h("i"));
    [...this.beats.children].forEach((dot, index) => dot.classList.toggle("on", running && index === position.beat - 1));
  }

  private showLine(state: PhoneState): void {
    const live = state.connection.state === "live";
    this.line.dataset["state"] = live ? "live" : "away";
    setText(this.line, live && state.owner !== "" ? `${state.owner}’s baton` : sentence(state.connection, clientS()));
  }

  private advice(state: PhoneState): [heading: string, words: string, button: string, act: () => void] {
    const { actions } = this;
    if (state.distrusted) return ["The studio is not trusted yet", "This phone opened the page, but its browser does not let it talk to the studio. iPhones and iPads need the studio’s certificate once.", "Try again", () => location.reload()];
    switch (state.step) {
      case "welcome":
        return ["Your phone is the baton", "Hold it like a stick, its top towards the orchestra on the screen.", "Take the baton", actions.begin];
      case "asking":
        return ["One moment", "Allow “motion and orientation” if the phone asks.", "", actions.begin];
      case "insecure":
        return ["A secure address is needed", "Browsers give the motion sensors to secure pages only.", "Open the secure page", () => location.assign(this.abilities.secureUrl)];
      case "denied":
        return ["The sensors were refused", "Reload this page and choose “Allow”. On an iPhone that was refused before: close the tab, and scan the code again.", "Ask again", actions.begin];
      case "missing":
        return ["No motion sensors here", "This device has none, or its browser keeps them to itself: switch on “Motion sensors” in the site’s settings, or take a phone.", "Try again", actions.begin];
      case "still":
        return ["Hold it still", "Point the phone at the orchestra, as if the music were about to begin.", "", actions.again];
      case "ready":
        return this.waiting(state);
    }
  }

  private waiting(state: PhoneState): [heading: string, words: string, button: string, act: () => void] {
    const { ask } = this.actions;
    if (state.claiming || state.connection.state !== "live") return ["One moment", "The studio is being asked for the baton.", "", ask];
    if (state.refused !== "") return ["This code is no longer good", `${state.refused} Or ask for the baton like everybody else.`, "Ask for the baton", ask];
    const whose = state.holderName === "" ? "The baton lies on the podium." : `${state.holderName.charAt(0).toUpperCase()}${state.holderName.slice(1)} conducts.`;
    if (state.requested) return ["You asked for the baton", `${whose} It is handed to you from the studio’s page.`, "Withdraw", ask];
    return ["You do not have the baton", whose, "Ask for the baton", ask];
  }
}

/** A ring that closes while the phone is held still. */
function ringOf(): { readonly element: SVGSVGElement; show(share: number): void } {
  const element = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  element.setAttribute("viewBox", "0 0 120 120");
  element.setAttribute("class", "p-ring");
  element.setAttribute("aria-hidden", "true");
  element.innerHTML = '<circle cx="60" cy="60" r="52" class="way"/><circle cx="60" cy="60" r="52" class="done" pathLength="1" transform="rotate(-90 60 60)"/>';
  const done = element.querySelector<SVGCircleElement>(".done")!;
  return { element, show: (share) => void (done.style.strokeDashoffset = (1 - share).toFixed(3)) };
}
