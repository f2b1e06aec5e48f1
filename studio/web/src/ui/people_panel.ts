/** Who is here, and who holds the baton. */
import { MAX_NAME_CHARACTERS } from "../generated/protocol";
import type { Concert } from "../concert";
import { h, icon } from "./dom";

const SHOWN = 7;

export interface PeopleActions {
  rename(name: string): void;
  /** The holder or a host hands the baton to a viewer. */
  grant(viewer: number): void;
}

export class PeoplePanel {
  private readonly chips = h("ul", { class: "chips" });
  private readonly summary = h("p", { class: "conducting", role: "status", "aria-live": "polite" });
  readonly element = h("section", { class: "people", "aria-label": "Who is here" }, this.summary, this.chips);

  constructor(private readonly actions: PeopleActions) {}

  show(concert: Concert): void {
    const { presence, me, holding } = concert;
    if (presence === null) return;
    const holder = concert.holderName;
    const words = holding ? "You hold the baton" : holder === "" ? "The baton lies on the podium" : `${capitalised(holder)} conducts`;
    this.summary.replaceChildren(icon("baton"), words);
    const mayGrant = holding || (me?.host ?? false);
    const order = [...presence.viewers].sort((a, b) => rank(b.viewer) - rank(a.viewer));
    function rank(viewer: number): number {
      if (viewer === presence!.baton_holder) return 3;
      if (viewer === me?.viewer) return 2;
      return presence!.requests.includes(viewer) ? 1 : 0;
    }
    const items = order.slice(0, SHOWN).map(({ viewer, name, colour }) => {
      const own = viewer === me?.viewer;
      const asks = presence.requests.includes(viewer);
      const holds = viewer === presence.baton_holder;
      const label = `${name}${own ? " (you)" : ""}${holds ? ", holds the baton" : asks ? ", asks for the baton" : ""}`;
      const dot = h("span", { class: "dot", style: `--colour:#${colour.toString(16).padStart(6, "0")}`, "aria-hidden": "true" }, initials(name));
      const chip = h("button", { class: `chip${holds ? " holds" : ""}${asks ? " asks" : ""}`, type: "button", title: own ? `${label}: change your name` : label, "aria-label": label }, dot, h("span", { class: "name" }, own ? `${name} (you)` : name), holds ? icon("baton") : null);
      if (own) chip.addEventListener("click", () => this.edit(chip, name));
      else if (mayGrant && !holds) {
        chip.title = `Hand the baton to ${name}`;
        chip.addEventListener("click", () => this.actions.grant(viewer));
      } else chip.disabled = true;
      return h("li", {}, chip);
    });
    const more = order.length - SHOWN;
    if (more > 0) items.push(h("li", { class: "more" }, `and ${more} more`));
    if (!this.chips.contains(document.activeElement) || document.activeElement?.tagName !== "INPUT") this.chips.replaceChildren(...items);
  }

  private edit(chip: HTMLElement, name: string): void {
    const input = h("input", { class: "rename", value: name, maxlength: String(MAX_NAME_CHARACTERS), "aria-label": "Your name" });
    const finish = (keep: boolean): void => {
      const chosen = input.value.trim();
      input.replaceWith(chip);
      if (keep && chosen !== "" && chosen !== name) this.actions.rename(chosen);
    };
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") input.blur();
      if (event.key === "Escape") {
        input.value = name;
        input.blur();
      }
      event.stopPropagation();
    });
    input.addEventListener("blur", () => finish(true), { once: true });
    chip.replaceWith(input);
    input.select();
  }
}

function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  return ((words[0]?.[0] ?? "?") + (words.length > 1 ? (words[words.length - 1]![0] ?? "") : "")).toUpperCase();
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
