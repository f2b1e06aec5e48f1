/** What the page's address asks for: `?display=1`, `?review=1`, `?view=podium`, `?quality=high`, `?name=…`, `?relay=ws://…`, `#host=KEY`. */
import { MAX_NAME_CHARACTERS, WEBSOCKET_PATH } from "./generated/protocol";
import { type View, VIEWS } from "./scene/cameras";

export interface Address {
  /** The classroom's screen: no controls, large text, a camera that moves by itself. */
  readonly display: boolean;
  /** Opens with the conductor's view. */
  readonly review: boolean;
  readonly view: View | null;
  /** `high` or `low` keep the picture's quality; `auto` fits it to the machine. */
  readonly quality: "auto" | "high" | "low";
  readonly name: string | null;
  readonly hostKey: string;
  readonly socketUrl: string;
}

export function readAddress(url: URL): Address {
  const query = url.searchParams;
  const quality = query.get("quality");
  const view = VIEWS.find((known) => known.view === query.get("view"))?.view ?? null;
  const socket = new URL(query.get("relay") ?? WEBSOCKET_PATH, url);
  socket.protocol = socket.protocol.replace("http", "ws");
  socket.hash = "";
  return {
    display: isYes(query.get("display")),
    review: isYes(query.get("review")),
    view,
    quality: quality === "high" || quality === "low" ? quality : "auto",
    name: query.get("name")?.slice(0, MAX_NAME_CHARACTERS) ?? null,
    hostKey: new URLSearchParams(url.hash.slice(1)).get("host") ?? "",
    socketUrl: socket.href,
  };
}

function isYes(value: string | null): boolean {
  return ["1", "true", "yes"].includes(value ?? "");
}
