/** The WebSocket to the relay: hello, acknowledgements, clock, and coming back after a loss. */
import {
  type Ack,
  type Audio,
  CLOSE_FLOOD,
  CLOSE_FULL,
  CLOSE_STALLED,
  CLOSE_VERSION,
  type ClientMessage,
  decodeServer,
  encodeClient,
  type Pong,
  type ServerMessage,
  SUBPROTOCOL,
} from "../generated/protocol";
import { Backoff } from "./backoff";
import { ClockEstimate, clientS } from "./clock";
import type { ClockReport, Codec, Connection } from "./messages";

export interface ConnectionEvents {
  connection(connection: Connection): void;
  clock(clock: ClockReport): void;
  message(message: Exclude<ServerMessage, Audio | Pong>): void;
  audio(packet: Audio): void;
}

const QUICK_PINGS = 10;
const QUICK_PING_MS = 200;
const SLOW_PING_MS = 2000;
/** A live relay ticks 30 times a second; this long without any message, the line is taken for dead. */
const SILENCE_MS = 6000;
/** A line that is not open by then will not be: the laptop slept, or packets get lost. */
const OPENS_WITHIN_MS = 8000;
/** Who asks to try again does not wait for a line that is older than this. */
const IMPATIENT_MS = 2000;
const TOO_LARGE = 1009;

export class RelayConnection {
  private socket: WebSocket | null = null;
  private readonly clock = new ClockEstimate();
  private readonly backoff = new Backoff();
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private pingTimer: ReturnType<typeof setTimeout> | undefined;
  private openTimer: ReturnType<typeof setTimeout> | undefined;
  private beganMs = 0;
  private pings = 0;
  private audioEnd = 0;
  private heardMs = 0;
  private live = false;

  constructor(
    private readonly url: string,
    private name: string,
    private readonly hostKey: string,
    private codec: Codec,
    private readonly events: ConnectionEvents,
  ) {}

  open(): void {
    clearTimeout(this.retryTimer);
    this.drop();
    this.events.connection({ state: "connecting" });
    const socket = new WebSocket(this.url, SUBPROTOCOL);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.greet(socket);
    socket.onmessage = (event: MessageEvent<ArrayBuffer>) => this.receive(socket, event.data);
    socket.onclose = (event) => this.closed(socket, event);
    this.socket = socket;
    this.beganMs = performance.now();
    this.openTimer = setTimeout(() => this.lost("gone"), OPENS_WITHIN_MS);
  }

  /**
   * Sends a message if the line is open; says whether it was. Late gestures are worth nothing, so none are kept; a new
   * name is, for every reconnection.
   */
  send(message: ClientMessage): boolean {
    if (message.kind === "Rename") this.name = message.name;
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(encodeClient(message));
    return true;
  }

  /** Asks for sound in `codec`, now and after every reconnection. */
  listen(codec: Codec): void {
    this.codec = codec;
    this.audioEnd = 0;
    if (this.live) this.send({ kind: "Listen", codec });
  }

  /** Tries at once if it is waiting to try, or for a line that does not open. */
  retry(): void {
    const opens = this.socket?.readyState === WebSocket.CONNECTING && performance.now() - this.beganMs < IMPATIENT_MS;
    if (opens || this.socket?.readyState === WebSocket.OPEN) return;
    this.backoff.reset();
    this.open();
  }

  private greet(socket: WebSocket): void {
    clearTimeout(this.openTimer);
    this.heardMs = performance.now();
    socket.send(encodeClient({ kind: "Hello", name: this.name, codec: this.codec, host_key: this.hostKey }));
    this.clock.reset();
    this.audioEnd = 0;
    this.pings = 0;
    this.ping();
  }

  private ping(): void {
    clearTimeout(this.pingTimer);
    if (performance.now() - this.heardMs > SILENCE_MS) {
      this.lost("stalled");
      return;
    }
    this.send({ kind: "Ping", client_s: clientS() });
    this.pings += 1;
    this.pingTimer = setTimeout(() => this.ping(), this.pings < QUICK_PINGS ? QUICK_PING_MS : SLOW_PING_MS);
  }

  private receive(socket: WebSocket, data: ArrayBuffer): void {
    if (socket !== this.socket) return;
    this.heardMs = performance.now();
    let message: ServerMessage;
    try {
      message = decodeServer(new Uint8Array(data));
    } catch (error) {
      this.refuse(`The studio sent what this page cannot read (${String(error)}).`);
      return;
    }
    switch (message.kind) {
      case "Pong": {
        const now = clientS();
        this.clock.add(message.client_s, now, message.server_s);
        const best = this.clock.best(now);
        if (best !== null) this.events.clock({ offsetS: best.offsetS, roundTripS: best.roundTripS });
        return;
      }
      case "Audio":
        this.audioEnd = message.first_sample + message.samples;
        this.events.audio(message);
        return;
      case "Tick":
        this.send({ kind: "Ack", tick: message.tick, audio_end: this.audioEnd } satisfies Ack);
        break;
      case "Snapshot":
        this.live = true;
        this.backoff.reset();
        this.events.connection({ state: "live" });
        break;
    }
    this.events.message(message);
  }

  private closed(socket: WebSocket, event: CloseEvent): void {
    if (socket !== this.socket) return;
    switch (event.code) {
      case CLOSE_VERSION:
        this.drop();
        this.events.connection({ state: "version" });
        return;
      case CLOSE_FULL:
        return this.lost("full");
      case CLOSE_FLOOD:
        return this.lost("flood");
      case CLOSE_STALLED:
        return this.lost("stalled");
      case TOO_LARGE:
        return this.refuse("The studio refused a message of this page as too large.");
      default:
        // 4000 and up are the relay's own words for a fault of this page.
        if (event.code >= 4000 && event.code < 5000) return this.refuse(`The studio closed the line: ${event.reason || event.code}.`);
        return this.lost("gone");
    }
  }

  private lost(reason: "gone" | "full" | "stalled" | "flood"): void {
    this.drop();
    const waitS = reason === "full" ? 8 : this.backoff.next();
    this.events.connection({ state: "waiting", reason, retryAtS: clientS() + waitS });
    this.retryTimer = setTimeout(() => this.open(), waitS * 1000);
  }

  private refuse(reason: string): void {
    this.drop();
    this.events.connection({ state: "refused", reason });
  }

  private drop(): void {
    clearTimeout(this.pingTimer);
    clearTimeout(this.openTimer);
    const socket = this.socket;
    this.socket = null;
    this.live = false;
    if (socket !== null && socket.readyState <= WebSocket.OPEN) socket.close();
  }
}
