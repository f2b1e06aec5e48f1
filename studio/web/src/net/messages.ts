/** What the page's thread and the network's thread say to each other. */
import type { Audio, ClientMessage, Hello, Pong, ServerMessage } from "../generated/protocol";

export type Codec = Hello["codec"];

/** Where the connection stands. `retryAt` is on the client clock (`clientS`). */
export type Connection =
  | { readonly state: "connecting" }
  | { readonly state: "live" }
  | { readonly state: "waiting"; readonly reason: "gone" | "full" | "stalled" | "flood"; readonly retryAtS: number }
  | { readonly state: "version" }
  | { readonly state: "refused"; readonly reason: string };

/** Session − client clock, seconds. */
export interface ClockReport {
  readonly offsetS: number;
  readonly roundTripS: number;
}

export type ToNetwork =
  | { readonly kind: "open"; readonly url: string; readonly name: string; readonly hostKey: string }
  | { readonly kind: "send"; readonly message: ClientMessage }
  | { readonly kind: "listen"; readonly codec: Codec; readonly port: MessagePort | null }
  | { readonly kind: "retry" };

export type FromNetwork =
  | { readonly kind: "connection"; readonly connection: Connection }
  | { readonly kind: "clock"; readonly clock: ClockReport }
  | { readonly kind: "message"; readonly message: Exclude<ServerMessage, Audio | Pong> }
  | { readonly kind: "decoder"; readonly codec: Codec; readonly error: string | null };

/** A run of decoded samples on its way to the ring. The transfer empties the arrays on the sender's side. */
export interface SoundChunk {
  readonly firstSample: number;
  /** Session time of the first sample. */
  readonly timeS: number;
  readonly left: Float32Array<ArrayBuffer>;
  readonly right: Float32Array<ArrayBuffer>;
}
