/** The buttons: conduct, start and stop, sound, where to watch from, full screen. */
import type { AudioState } from "../audio/player";
import { type View, VIEWS } from "../scene/cameras";
import { h, icon, setText } from "./dom";

export interface ControlActions {
  conduct(): void;
  startStop(): void;
  listen(): void;
  volume(loudness: number): void;
  look(view: View): void;
  fullscreen(): void;
  parts(): void;
  review(): void;
  enterVr(): void;
  point(): void;
  menu(): void;
}

export interface ControlState {
  readonly holding: boolean;
  readonly requested: boolean;
  readonly controlling: boolean;
  readonly othersHold: boolean;
  readonly running: boolean;
  /** The piece has ended. */
  readonly over: boolean;
  readonly live: boolean;
}

export class Controls {
  private readonly conductText = h("span", {}, "Conduct");
  private readonly conductButton: HTMLButtonElement;
  private readonly startButton: HTMLButtonElement;
  private readonly listenButton: HTMLButtonElement;
  private readonly meterBar = h("i");
  private readonly meter = h("span", { class: "meter", role: "meter", "aria-label": "Sound level", "aria-valuemin": "-60", "aria-valuemax": "0", "aria-valuenow": "-60" }, this.meterBar);
  private readonly volume = h("input", { type: "range", class: "volume", min: "0", max: "1", step: "0.02", value: "1", "aria-label": "Volume" });
  private readonly views: Map<View, HTMLButtonElement>;
  private readonly vrButton: HTMLButtonElement;
  private readonly pointButton: HTMLButtonElement;
  private readonly menuButton: HTMLButtonElement;
  readonly partsButton: HTMLButtonElement;
  readonly reviewButton: HTMLButtonElement;
  readonly element: HTMLElement;
  private listening: AudioState = "off";
  private shownDb = -60;

  constructor(actions: ControlActions) {
    const button = (className: string, label: string, act: () => void, ...inside: (Node | string)[]): HTMLButtonElement =>
      h("button", { type: "button", class: className, "aria-label": label, title: label, onclick: act }, ...inside);
    this.conductButton = h("button", { type: "button", class: "primary", onclick: () => actions.conduct() }, icon("baton"), this.conductText);
    this.vrButton = h("button", { type: "button", class: "primary enter-vr", hidden: true, onclick: () => actions.enterVr() }, icon("headset"), "Enter VR");
    this.startButton = button("round", "Start", () => actions.startStop(), icon("play"));
    this.listenButton = button("round", "Listen", () => actions.listen(), icon("muted"));
    this.volume.addEventListener("input", () => actions.volume(Number(this.volume.value)));
    this.views = new Map(VIEWS.map(({ view, label }) => [view, h("button", { type: "button", "aria-pressed": "false", onclick: () => actions.look(view) }, label)]));
    this.partsButton = button("round parts-toggle", "Show who plays", () => actions.parts(), icon("score"));
    this.partsButton.setAttribute("aria-controls", "parts");
    this.pointButton = button("round point", "Point at players, move them (E)", () => actions.point(), icon("hand"));
    this.pointButton.setAttribute("aria-pressed", "false");
    this.menuButton = button("round menu", "Menu in the hall (N)", () => actions.menu(), icon("menu"));
    this.menuButton.hidden = true;
    this.reviewButton = button("round review-toggle", "Conductor’s view", () => actions.review(), icon("curve"));
    this.reviewButton.setAttribute("aria-controls", "review");
    this.reviewButton.setAttribute("aria-expanded", "false");
    this.element = h(
      "nav",
      { class: "controls", "aria-label": "Controls" },
      this.conductButton,
      this.vrButton,
      this.startButton,
      h("div", { class: "sound" }, this.listenButton, h("div", { class: "levels" }, this.volume, this.meter)),
      h("div", { class: "views", role: "group", "aria-label": "Watch from" }, ...this.views.values()),
      h("div", { class: "tools" }, this.pointButton, this.menuButton, this.reviewButton, this.partsButton, button("round fullscreen", "Full screen", () => actions.fullscreen(), icon("expand"))),
    );
  }

  show(state: ControlState): void {
    const words = state.holding ? "Put down the baton" : state.requested ? "Asked – withdraw" : state.othersHold ? "Ask for the baton" : "Conduct";
    setText(this.conductText, words);
    this.conductButton.disabled = !state.live;
    this.conductButton.classList.toggle("holding", state.holding);
    this.startButton.hidden = !state.controlling;
    this.startButton.disabled = !state.live;
    const label = state.running ? "Stop" : state.over ? "Start from the beginning" : "Start";
    if (this.startButton.title !== label) {
      this.startButton.title = label;
      this.startButton.setAttribute("aria-label", label);
      this.startButton.replaceChildren(icon(state.running ? "stop" : "play"));
    }
  }

  /** There is a headset that can be entered. */
  offerVr(offered: boolean): void {
    this.vrButton.hidden = !offered;
  }

  /** The mouse points; who may control the concert gets the menu as well. */
  showPointing(pointing: boolean, menu: boolean): void {
    this.pointButton.setAttribute("aria-pressed", String(pointing));
    this.menuButton.hidden = !(pointing && menu);
  }

  showView(current: View): void {
    for (const [view, button] of this.views) button.setAttribute("aria-pressed", String(view === current));
  }

  showAudio(state: AudioState, problem: string | null): void {
    if (state === this.listening && state !== "unavailable") return;
    this.listening = state;
    const heard = state === "playing" || state === "waiting";
    const label = problem ?? (heard ? "Mute" : "Listen");
    this.listenButton.replaceChildren(icon(heard ? "sound" : "muted"));
    this.listenButton.title = label;
    this.listenButton.setAttribute("aria-label", label);
    this.listenButton.setAttribute("aria-pressed", String(heard));
    this.listenButton.disabled = state === "unavailable";
  }

  /** `levelDb`: relative to full scale. */
  showLevel(levelDb: number): void {
    // Falls 30 dB a second, as a peak programme meter does.
    this.shownDb = Math.max(levelDb, this.shownDb - 0.5, -60);
    this.meterBar.style.transform = `scaleX(${(1 + this.shownDb / 60).toFixed(3)})`;
    this.meter.setAttribute("aria-valuenow", String(Math.round(this.shownDb)));
  }
}
