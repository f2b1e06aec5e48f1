/** What keys of the keyboard do. */
import type { View } from "../scene/cameras";

export interface ShortcutActions {
  look(view: View): void;
  fullscreen(): void;
  sound(): void;
  baton(): void;
  review(): void;
  /** Why this chord. */
  why(): void;
  point(): void;
  /** Cue, menu in the hall, start and stop: for who controls the concert. */
  cue(): void;
  menu(): void;
  startStop(): void;
}

const VIEWS: Readonly<Record<string, View>> = { "1": "podium", "2": "audience", "3": "balcony", "4": "orbit" };

/** Acts on a key, unless it is typed into a field or meant for the browser. */
export function shortcut(event: KeyboardEvent, actions: ShortcutActions, controlling: boolean): void {
  const target = event.target as HTMLElement;
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (target.closest("input, select, textarea, [role=menu]") !== null) return;
  const view = VIEWS[event.key];
  if (view !== undefined) actions.look(view);
  else if (event.key === "f") actions.fullscreen();
  else if (event.key === "m") actions.sound();
  else if (event.key === "b") actions.baton();
  else if (event.key === "v") actions.review();
  else if (event.key === "w") actions.why();
  else if (event.key === "e") actions.point();
  else if (!controlling) return;
  else if (event.key === "c") actions.cue();
  else if (event.key === "n") actions.menu();
  else if (event.key === " " && target.closest("button, summary, [role=button]") === null) {
    event.preventDefault();
    actions.startStop();
  }
}
