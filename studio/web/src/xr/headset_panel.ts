/** The flat page's panel of the headset: the way in, and what is set before putting it on. */
import { h, setText } from "../ui/dom";
import type { HeadsetSettings } from "./settings";

export class HeadsetPanel {
  readonly enterButton: HTMLButtonElement;
  private readonly status = h("p", { class: "input-status", role: "status", "aria-live": "polite" });
  readonly element: HTMLElement;

  constructor(settings: HeadsetSettings, actions: { enter: () => void; changed: (settings: HeadsetSettings) => void }) {
    let current = settings;
    const set = (change: Partial<HeadsetSettings>): void => actions.changed((current = { ...current, ...change }));
    const box = (label: string, on: boolean, act: (on: boolean) => void): HTMLElement => {
      const input = h("input", { type: "checkbox", onchange: () => act(input.checked) });
      input.checked = on;
      return h("label", { class: "headset-option" }, input, label);
    };
    this.enterButton = h("button", { type: "button", class: "primary", onclick: actions.enter }, "Enter VR");
    this.element = h(
      "section",
      { class: "input-panel headset", "aria-label": "VR headset" },
      this.status,
      this.enterButton,
      box("Baton in the left hand", settings.batonSide === "left", (on) => set({ batonSide: on ? "left" : "right" })),
      box("I sit: raise me to a standing conductor’s height", settings.seated, (seated) => set({ seated })),
      box("Feel the beat in the hand", settings.feel, (feel) => set({ feel })),
      h("p", { class: "input-note" }, "Stick left or right turns you, pressing it sets you before the orchestra. A or X cues the section you look at, B or Y opens the menu. To change hands, reach for the baton with the other and pull its trigger, or pinch."),
    );
  }

  say(text: string): void {
    setText(this.status, text);
  }
}
