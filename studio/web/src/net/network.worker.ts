/**
 * The network's thread: socket and sound decoding run beside the picture, so that a slow frame never starves the
 * sound. Talks `ToNetwork`/`FromNetwork`; decoded sound goes straight to the ring by the port it is given.
 */
import { SoundDecoder } from "../audio/decoder";
import { RelayConnection } from "./connection";
import type { FromNetwork, ToNetwork } from "./messages";

let connection: RelayConnection | null = null;
const decoder = new SoundDecoder((codec, error) => post({ kind: "decoder", codec, error }));

function post(message: FromNetwork): void {
  self.postMessage(message);
}

self.onmessage = (event: MessageEvent<ToNetwork>) => {
  const order = event.data;
  switch (order.kind) {
    case "open":
      connection = new RelayConnection(order.url, order.name, order.hostKey, decoder.codec, {
        connection: (state) => post({ kind: "connection", connection: state }),
        clock: (clock) => post({ kind: "clock", clock }),
        message: (message) => {
          if (message.kind === "Snapshot") decoder.configure(message.audio.rate_hz);
          post({ kind: "message", message });
        },
        audio: (packet) => decoder.decode(packet),
      });
      connection.open();
      break;
    case "send":
      connection?.send(order.message);
      break;
    case "listen":
      if (order.port !== null) decoder.connect(order.port);
      decoder.codec = order.codec;
      connection?.listen(order.codec);
      break;
    case "retry":
      connection?.retry();
      break;
  }
};
