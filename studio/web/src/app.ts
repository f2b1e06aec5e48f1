/** Joins the network, the sound, the picture and the controls. */
import { type Address, readAddress } from "./address";
import { AudioPlayer, CONDUCTING_TARGET_S, LISTENING_TARGET_S } from "./audio/player";
import { CommentaryPanel } from "./commentary/panel";
import { Concert, type ShownPosition } from "./concert";
import type { Command, Event as ConcertEvent, NoteOn, Snapshot } from "./generated/protocol";
import { NOBODY } from "./generated/protocol";
import { Conducting } from "./input/conducting";
import { Hands } from "./interaction/hands";
import type { Connection, FromNetwork } from "./net/messages";
import { Network } from "./net/network";
import type { View } from "./scene/cameras";
import { Stage } from "./scene/stage";
import { Timeline } from "./timeline";
import { Awake } from "./ui/awake";
import { Controls } from "./ui/controls";
import { h } from "./ui/dom";
import { Hints } from "./ui/hints";
import { PartsPanel } from "./ui/parts_panel";
import { PeoplePanel } from "./ui/people_panel";
import { Piano } from "./ui/piano";
import { ScorePanel } from "./ui/score_panel";
import { type ShortcutActions, shortcut } from "./ui/shortcuts";
import { SoundLine } from "./ui/sound_line";
import { StatusLine } from "./ui/status_line";
import { Entrance } from "./xr/entrance";
import { ConductorView } from "./view/conductor_view";

const NAME_KEY = "tutti.name";
const SILENT_DB = -60;

export class App {
  private readonly address: Address;
  private readonly canvas = h("canvas", { class: "stage", "aria-label": "The orchestra on the stage. With the baton in hand, drag here to conduct.", role: "img", tabindex: "-1" });
  private readonly network = new Network((message) => this.heard(message));
  private readonly audio = new AudioPlayer({
    listen: (codec, port) => this.network.listen(codec, port),
    changed: () => this.showAudio(),
  });
  private readonly timeline = new Timeline(() => this.audio.heardS());
  private readonly concert: Concert;
  private readonly scorePanel = new ScorePanel((index) => this.command("seek", index));
  private readonly parts = new PartsPanel({
    mute: (part, on) => this.command("mute", part, on ? 1 : 0),
    solo: (part, on) => this.command("solo", part, on ? 1 : 0),
  });
  private readonly soundLine = new SoundLine();
  private readonly review = new ConductorView();
  private readonly commentary = new CommentaryPanel();
  private readonly piano = new Piano((samples) => this.network.send({ kind: "Keys", clock_offset_s: this.timeline.offsetS, samples: [...samples] }));
  private readonly people: PeoplePanel;
  private readonly status = new StatusLine(() => this.network.retry());
  private readonly hints = new Hints(() => void this.audio.unlock());
  private readonly controls: Controls;
  private readonly hands: Hands;
  private readonly conducting: Conducting;
  private readonly entrance: Entrance;
  private readonly calm = matchMedia("(prefers-reduced-motion: reduce)");
  private readonly awake = new Awake();
  private dock: HTMLElement | null = null;
  private stage: Stage | null = null;
  private connection: Connection = { state: "connecting" };
  private shown: ShownPosition | null = null;
  private wasHolding = false;
  private soundRateHz = -1;
  private toldPicture: (picture: string) => void = () => undefined;
  /** Which hall is to be seen, once the studio told it. */
  private readonly firstPicture = new Promise<string>((told) => void (this.toldPicture = told));
  private pictured = false;

  constructor(
    private readonly root: HTMLElement,
    url: URL,
  ) {
    this.address = readAddress(url);
    this.concert = new Concert({
      opened: (snapshot) => this.opened(snapshot),
      placed: (players) => this.stage?.place(players),
      entered: (picture) => this.enter(picture),
      present: () => this.showPresence(),
      event: (event) => this.event(event),
      sounding: (notes) => this.sounding(notes),
      pose: (pose) => this.stage?.pose(pose),
      ticked: (tick) => this.review.tick(tick),
      notice: (text) => {
        this.say(text);
        this.conducting.phone.noticed(text);
      },
      sounded: (status) => {
        this.parts.sound(status.parts);
        if (this.soundLine.show(status) && this.concert.controlling) this.hints.say(status.warning);
      },
      told: (message) => this.commentary.take(message),
      interacted: (message) => this.hands.take(message),
    });
    this.people = new PeoplePanel({
      rename: (name) => this.rename(name),
      grant: (viewer) => this.network.send({ kind: "Baton", action: "grant", viewer }),
    });
    this.controls = new Controls({
      conduct: () => this.askBaton(),
      startStop: () => this.command(this.running ? "stop" : "start"),
      listen: () => this.toggleSound(),
      volume: (loudness) => this.setVolume(loudness),
      look: (view) => this.look(view),
      fullscreen: () => void this.toggleFullscreen(),
      parts: () => this.toggleParts(),
      review: () => this.toggleReview(),
      point: () => this.point(!this.hands.pointing),
      menu: () => this.hands.pressMenu(),
      enterVr: () => this.entrance.enter(),
    });
    this.hands = new Hands(
      this.canvas,
      () => this.stage,
      (message) => this.network.send(message),
      () => this.timeline.offsetS,
    );
    this.conducting = new Conducting({
      root: this.root,
      canvas: this.canvas,
      stage: () => this.stage,
      holding: () => this.concert.holding,
      pointing: () => this.hands.pointing,
      presenting: () => this.entrance.presenting,
      makeHeadset: (sink) => this.entrance.make(sink),
      send: (message) => this.network.send(message),
      clockOffsetS: () => this.timeline.offsetS,
      sessionS: () => this.timeline.sessionS(),
      say: (text) => this.hints.say(text),
    });
    this.entrance = this.makeEntrance();
    this.controls.element.firstElementChild?.after(this.conducting.menu.element);
    this.lay();
  }

  /** Connects, and opens the hall beside it. */
  start(): void {
    this.network.open(this.address.socketUrl, this.address.name ?? storedName() ?? (this.address.display ? "Display" : ""), this.address.hostKey);
    void this.openStage();
    void this.entrance.find();
    setInterval(() => this.refresh(), 33);
    addEventListener("online", () => this.network.retry());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.network.retry());
    document.addEventListener("keydown", (event) => shortcut(event, this.shortcuts, this.concert.controlling));
    // Any first press or key lets the sound run, not only the pill.
    const unlock = (): void => void (this.audio.state === "blocked" && this.audio.unlock());
    for (const kind of ["pointerup", "keydown"] as const) document.addEventListener(kind, unlock);
  }

  /** Plain values about what goes on; see `tuttiDiagnostics` in `main.ts`. */
  diagnostics(): Record<string, unknown> {
    const levels = this.audio.levels;
    return {
      connection: this.connection.state,
      viewer: this.concert.snapshot?.viewer ?? null,
      viewers: this.concert.presence?.viewers.map(({ name }) => name) ?? [],
      holding: this.concert.holding,
      missedEvents: this.concert.missedEvents,
      position: this.shown,
      sessionS: this.timeline.sessionS(),
      roundTripS: this.timeline.roundTripS,
      audio: this.audio.state,
      codec: this.audio.usedCodec,
      heardS: this.audio.heardS(),
      ring: levels,
      stage: this.stage?.diagnostics() ?? null,
      picture: this.stage?.shown ?? "",
      review: this.review.diagnostics(),
      commentary: this.commentary.facts,
      hands: this.hands.diagnostics(),
      input: this.conducting.facts,
    };
  }

  private get running(): boolean {
    const state = this.shown?.state;
    return state !== undefined && state !== "waiting" && state !== "stopped" && state !== "ended";
  }

  private lay(): void {
    this.root.classList.toggle("display", this.address.display);
    const dock = h("footer", { class: "dock" }, this.scorePanel.heading, this.scorePanel.position, this.address.display ? null : this.controls.element, this.scorePanel.progress);
    new ResizeObserver(() => {
      this.stage?.setCovered(0.8 * dock.offsetHeight);
      this.root.style.setProperty("--dock", `${dock.offsetHeight}px`);
    }).observe(dock);
    this.dock = dock;
    this.parts.element.append(this.soundLine.element);
    this.root.append(this.canvas, h("div", { class: "vignette", "aria-hidden": "true" }), this.status.element, this.people.element, this.parts.element, this.review.element, this.commentary.element, this.piano.element, this.conducting.place, this.hints.element, dock);
    this.controls.showView("audience");
    if (this.address.review) this.toggleReview();
  }

  private async openStage(): Promise<void> {
    try {
      this.stage = new Stage(this.canvas, { timeS: () => this.timeline.timeS(), quarter: () => this.shown?.quarter ?? 0 }, () => this.calm.matches, this.address.quality);
    } catch (error) {
      console.warn("no WebGL 2", error);
      this.hints.noPicture("This browser cannot draw the hall (WebGL 2 is missing or switched off). Sound and score position work all the same.");
      return;
    }
    try {
      await this.stage.start("./models/", this.firstPicture, (share) => this.hints.loading(share));
    } catch (error) {
      console.warn("hall not loaded", error);
      this.hints.noPicture("The hall could not be loaded. Sound and score position work all the same; reload the page to try again.");
      return;
    }
    this.pictured = true;
    this.stage.add(this.hands.view.group);
    this.stage.setCovered(0.8 * (this.dock?.offsetHeight ?? 0));
    if (this.concert.snapshot !== null) this.stage.place(this.concert.snapshot.players);
    if (this.address.display) this.stage.cameras.direct();
    else if (this.address.view !== null) this.look(this.address.view);
    this.hints.open();
  }

  private heard(message: FromNetwork): void {
    switch (message.kind) {
      case "connection":
        this.connection = message.connection;
        this.status.show(message.connection);
        if (message.connection.state === "waiting") this.entrance.say("The studio does not answer: trying again. The orchestra plays on.");
        if (message.connection.state !== "live") {
          this.soundLine.clear();
          this.conducting.interrupt();
          this.hands.take(null);
        }
        this.showControls();
        break;
      case "clock":
        this.timeline.setClock(message.clock);
        break;
      case "message":
        if (message.message.kind === "PairingCode") this.conducting.phone.show(message.message);
        else this.concert.take(message.message);
        break;
      case "decoder":
        if (message.error !== null) this.audio.fallBackToPcm();
        break;
    }
  }

  private opened(snapshot: Snapshot): void {
    this.timeline.reset();
    this.stage?.reset();
    this.parts.open(snapshot.parts);
    this.scorePanel.open(snapshot);
    this.review.open(snapshot);
    this.commentary.open(snapshot);
    this.entrance.open(snapshot);
    this.stage?.place(snapshot.players);
    this.enter(snapshot.picture);
    if (snapshot.audio.rate_hz !== this.soundRateHz) {
      this.soundRateHz = snapshot.audio.rate_hz;
      void this.audio.open(snapshot.audio.rate_hz);
    }
  }

  /** Shows the hall in which the orchestra plays. */
  private enter(picture: string): void {
    this.toldPicture(picture);
    this.stage?.enter(picture).catch((error: unknown) => {
      console.warn("hall not loaded", error);
      if (this.pictured) this.say("The picture of this hall could not be loaded: you see the last one still.");
    });
  }

  private event(event: ConcertEvent): void {
    this.review.event(event);
    this.stage?.event(event);
    if (event.kind === "NoteOn") this.parts.note(event);
    else if (event.kind === "NoteOff") this.parts.release(event);
    else if (event.kind === "Silence") this.parts.silence();
  }

  private sounding(notes: readonly NoteOn[]): void {
    this.stage?.silence();
    this.parts.silence();
    for (const note of notes) this.event(note);
  }

  private makeEntrance(): Entrance {
    return new Entrance({
      stage: () => this.stage,
      snapshot: () => this.concert.snapshot,
      position: () => this.concert.position(this.timeline.timeS()),
      holding: () => this.concert.holding,
      holderName: () => this.concert.holderName,
      askBaton: () => this.askBaton(),
      cue: () => this.command("cue"),
      say: (text) => this.hints.say(text),
      offered: (there) => {
        this.conducting.menu.offer("headset", there && !this.address.display);
        this.controls.offerVr(there);
      },
      hands: this.hands,
      audio: this.audio,
      clockOffsetS: () => this.timeline.offsetS,
      current: () => this.conducting.current,
      choose: (kind) => this.conducting.choose(kind),
      prepare: () => this.conducting.prepareHeadset(),
    });
  }

  private say(text: string): void {
    this.hints.say(text);
    this.entrance.say(text);
  }

  private askBaton(): void {
    const action = this.concert.holding || this.concert.requested ? "release" : (this.concert.me?.host ?? false) ? "take" : "request";
    this.network.send({ kind: "Baton", action, viewer: NOBODY });
  }

  private command(action: Command["action"], target = 0, value = 0): void {
    this.network.send({ kind: "Command", action, target, value });
  }

  private rename(name: string): void {
    localStorage.setItem(NAME_KEY, name);
    this.network.send({ kind: "Rename", name });
  }

  private look(view: View): void {
    this.stage?.look(view);
    this.controls.showView(view);
    this.conducting.allow();
  }

  /** The mouse points at players and moves them, or conducts again. */
  private point(on: boolean): void {
    this.hands.pointing = on;
    this.root.classList.toggle("pointing", on);
    this.conducting.release();
    this.conducting.allow();
    this.showControls();
  }

  /** Who takes the baton means to beat: the menu closes, and the mouse moves no players. */
  private conductNow(): void {
    if (this.hands.menuOpen) this.hands.pressMenu();
    this.point(false);
  }

  private setVolume(loudness: number): void {
    this.audio.setVolume(loudness);
    if (this.audio.state === "muted" || this.audio.state === "blocked") void this.audio.mute(false);
  }

  private toggleSound(): void {
    const silent = this.audio.state === "muted" || this.audio.state === "blocked";
    void this.audio.mute(!silent);
  }

  private async toggleFullscreen(): Promise<void> {
    if (document.fullscreenElement !== null) await document.exitFullscreen();
    else if (document.documentElement.requestFullscreen === undefined) this.hints.say("This browser has no full screen for pages.");
    else await document.documentElement.requestFullscreen();
  }

  private toggleParts(): void {
    const open = this.root.classList.toggle("parts-open");
    this.controls.partsButton.setAttribute("aria-expanded", String(open));
  }

  private toggleReview(): void {
    const shown = this.review.toggle();
    this.root.classList.toggle("review-open", shown);
    this.controls.reviewButton.setAttribute("aria-expanded", String(shown));
  }

  /** What keys do. */
  private readonly shortcuts: ShortcutActions = {
    look: (view) => this.look(view),
    fullscreen: () => void this.toggleFullscreen(),
    sound: () => this.toggleSound(),
    baton: () => this.askBaton(),
    review: () => this.toggleReview(),
    why: () => this.commentary.toggle(),
    point: () => this.point(!this.hands.pointing),
    cue: () => this.command("cue"),
    menu: () => {
      if (!this.hands.pointing) this.point(true);
      this.hands.pressMenu();
    },
    startStop: () => this.command(this.running ? "stop" : "start"),
  };

  private showPresence(): void {
    const { holding } = this.concert;
    this.people.show(this.concert);
    if (holding !== this.wasHolding) {
      this.wasHolding = holding;
      this.audio.setTarget(holding ? CONDUCTING_TARGET_S : LISTENING_TARGET_S);
      if (holding) this.look("podium");
      if (holding && this.hands.pointing) this.conductNow();
      this.conducting.hold(holding);
    }
    this.conducting.allow();
    this.root.classList.toggle("holding", holding);
    this.showControls();
  }

  private showControls(): void {
    const { concert } = this;
    this.controls.show({
      holding: concert.holding,
      requested: concert.requested,
      controlling: concert.controlling,
      othersHold: concert.holderName !== "" && !concert.holding && !(concert.me?.host ?? false),
      running: this.running,
      over: this.shown?.state === "ended",
      live: this.connection.state === "live",
    });
    this.controls.showPointing(this.hands.pointing, concert.controlling && this.connection.state === "live");
    this.piano.show(concert.snapshot?.keyboard ?? null, concert.controlling && this.connection.state === "live" && !this.address.display);
    this.parts.allow(concert.controlling && this.connection.state === "live" && !this.address.display);
    this.scorePanel.allowSeeking(concert.controlling && this.connection.state === "live" && !this.address.display);
  }

  private showAudio(): void {
    const state = this.audio.state;
    this.controls.showAudio(state, this.audio.problem);
    this.hints.offerListening(state === "blocked" && !this.address.display);
  }

  private refresh(): void {
    const timeS = this.timeline.timeS();
    const before = this.shown?.state;
    this.shown = this.concert.position(timeS);
    if (this.shown !== null) {
      this.scorePanel.show(this.shown);
      this.commentary.show(this.shown);
    } else this.scorePanel.wait(this.connection.state === "live" ? "The orchestra is tuning" : "");
    if (before !== this.shown?.state) this.showControls();
    this.awake.want(this.connection.state === "live" && (this.running || this.concert.holding));
    this.parts.show(timeS);
    this.review.show(this.timeline.sessionS());
    const levels = this.audio.levels;
    const rms = levels === null ? 0 : Math.max(...levels.rms);
    this.controls.showLevel(rms > 0 ? 20 * Math.log10(rms) : SILENT_DB);
    this.hints.showHow(this.connection.state === "live" && this.conducting.idle && !this.running, this.shown?.state);
  }
}

function storedName(): string | null {
  return localStorage.getItem(NAME_KEY);
}
