/** The page's side of the network's thread. */
import type { ClientMessage } from "../generated/protocol";
import type { Codec, FromNetwork, ToNetwork } from "./messages";

export class Network {
  private readonly worker = new Worker(new URL("./network.worker.ts", import.meta.url), { type: "module", name: "tutti-network" });

  constructor(heard: (message: FromNetwork) => void) {
    this.worker.onmessage = (event: MessageEvent<FromNetwork>) => heard(event.data);
  }

  open(url: string, name: string, hostKey: string): void {
    this.post({ kind: "open", url, name, hostKey });
  }

  send(message: ClientMessage): void {
    this.post({ kind: "send", message });
  }

  /** Starts or stops the sound; `port` leads to the ring that plays it. */
  listen(codec: Codec, port: MessagePort | null): void {
    this.worker.postMessage({ kind: "listen", codec, port } satisfies ToNetwork, port === null ? [] : [port]);
  }

  retry(): void {
    this.post({ kind: "retry" });
  }

  private post(order: ToNetwork): void {
    this.worker.postMessage(order);
  }
}
