/** The button that says with what one conducts, and the menu behind it. */
import { h, icon, setText } from "../ui/dom";
import type { InputKind } from "./input";

export interface Choice {
  readonly kind: InputKind;
  readonly label: string;
  readonly how: string;
}

const TOUCH = "Put a finger on the stage and beat";
const MOUSE = "Press on the stage and beat";

/** All ways to conduct, in the order of the menu. */
export function choices(touch: boolean): readonly Choice[] {
  return [
    { kind: "pad", label: touch ? "Finger" : "Mouse or finger", how: touch ? TOUCH : MOUSE },
    { kind: "tap", label: "Tap", how: "Tap each beat with a finger or the space key" },
    { kind: "webcam", label: "Webcam", how: "Beat with your hand before the camera" },
    { kind: "gamepad", label: "Gamepad", how: "Beat with a stick" },
    { kind: "phone", label: "Phone", how: "Swing your phone like a baton" },
    { kind: "headset", label: "VR headset", how: "Stand on the podium" },
  ];
}

const ICONS = { pad: "pointer", tap: "tap", webcam: "camera", gamepad: "gamepad", phone: "phone", headset: "headset" } as const;

/** So far the menu stays from the window's edges. */
const EDGE_PX = 12;

export class ChooserMenu {
  private readonly iconPlace = h("span", { class: "chooser-icon" });
  private readonly words = h("span", { class: "chooser-words" });
  private readonly button: HTMLButtonElement;
  private readonly menu: HTMLElement;
  private readonly items: ReadonlyMap<InputKind, HTMLButtonElement>;
  readonly element: HTMLElement;

  constructor(
    private readonly offered: readonly Choice[],
    choose: (kind: InputKind) => void,
  ) {
    this.button = h("button", { type: "button", class: "chooser-button", "aria-haspopup": "menu", "aria-expanded": "false", onclick: () => this.show(this.menu.hidden) }, this.iconPlace, this.words, h("span", { class: "chooser-arrow", "aria-hidden": "true" }));
    this.items = new Map(
      offered.map(({ kind, label, how }) => {
        const pick = (): void => {
          this.show(false);
          choose(kind);
        };
        return [kind, h("button", { type: "button", role: "menuitemradio", "aria-checked": "false", tabindex: "-1", onclick: pick }, icon(ICONS[kind]), h("span", {}, h("b", {}, label), h("small", {}, how)))];
      }),
    );
    this.menu = h("div", { class: "chooser-menu", role: "menu", "aria-label": "Conduct with", hidden: true }, h("p", { "aria-hidden": "true" }, "Conduct with"), ...this.items.values());
    this.element = h("div", { class: "chooser" }, this.button, this.menu);
    this.button.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
      event.preventDefault();
      this.show(true);
    });
    this.menu.addEventListener("keydown", (event) => this.key(event));
    this.element.addEventListener("focusout", (event) => {
      if (!this.element.contains(event.relatedTarget as Node | null)) this.show(false);
    });
    document.addEventListener("pointerdown", (event) => {
      if (!this.element.contains(event.target as Node)) this.show(false);
    });
  }

  showCurrent(current: InputKind): void {
    const choice = this.offered.find(({ kind }) => kind === current);
    if (choice === undefined) return;
    this.iconPlace.replaceChildren(icon(ICONS[current]));
    setText(this.words, choice.label);
    this.button.setAttribute("aria-label", `Conduct with: ${choice.label}`);
    this.button.title = `Conduct with: ${choice.label}`;
    for (const [kind, item] of this.items) item.setAttribute("aria-checked", String(kind === current));
  }

  /** Whether a way to conduct can be chosen here. */
  offer(kind: InputKind, offered: boolean): void {
    const item = this.items.get(kind);
    if (item !== undefined) item.hidden = !offered;
  }

  private show(open: boolean): void {
    if (this.menu.hidden === !open) return;
    const inside = this.menu.contains(document.activeElement);
    this.menu.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
    if (open) this.fit();
    if (open) (this.checked() ?? [...this.items.values()][0])?.focus();
    else if (inside) this.button.focus();
  }

  /** Within the window, whatever row of the controls the button came to. */
  private fit(): void {
    const style = this.menu.style;
    style.translate = "";
    style.maxHeight = `${Math.max(120, this.button.getBoundingClientRect().top - 2 * EDGE_PX)}px`;
    const { left, right } = this.menu.getBoundingClientRect();
    const over = Math.max(0, right - (innerWidth - EDGE_PX));
    style.translate = `${Math.max(-over, EDGE_PX - left)}px`;
  }

  private checked(): HTMLButtonElement | undefined {
    return [...this.items.values()].find((item) => item.getAttribute("aria-checked") === "true");
  }

  private key(event: KeyboardEvent): void {
    const items = [...this.items.values()].filter((item) => !item.hidden);
    const at = items.indexOf(document.activeElement as HTMLButtonElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 }[event.key];
    if (event.key === "Escape") this.show(false);
    else if (to !== undefined) items[to % items.length]!.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
