/** How the studio's sound does, in one line: where it goes, how late it is, what was missed; a warning where it is due. */
import type { SoundStatus } from "../generated/protocol";
import { h, setText } from "./dom";

/** Less than this is no limiting that one hears. */
const LIMITING_DB = -0.1;
const SILENCE_DB = -100;

export class SoundLine {
  private readonly text = h("span", {});
  private readonly warning = h("strong", { hidden: true });
  readonly element = h("div", { class: "sound-line", hidden: true }, this.text, this.warning);

  /** Returns whether something is wrong that was not before. */
  show(status: SoundStatus): boolean {
    const news = status.warning !== "" && this.warning.hidden;
    this.element.hidden = false;
    setText(this.text, soundSentence(status));
    setText(this.warning, status.warning);
    this.warning.hidden = status.warning === "";
    return news;
  }

  /** Nothing is known any more: the line to the studio is gone. */
  clear(): void {
    this.element.hidden = true;
  }
}

/** `JACK dummy, 21 ms, 0 missed · load 34 % · −17.2 LUFS · peak −3.1 dB`. */
export function soundSentence(status: SoundStatus): string {
  const said = [status.device, `load ${(100 * status.load).toFixed(0)} %`];
  if (status.loudness_lufs > SILENCE_DB) said.push(`${minus(status.loudness_lufs)} LUFS`, `peak ${minus(status.true_peak_db)} dB`);
  if (status.limiting_db < LIMITING_DB) said.push(`limiter ${minus(status.limiting_db)} dB`);
  return said.join(" · ");
}

function minus(value: number): string {
  return value.toFixed(1).replace("-", "−");
}
