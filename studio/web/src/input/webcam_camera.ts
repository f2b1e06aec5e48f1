/** The camera: opening it, saying plainly why it does not open, and when each of its pictures was taken. */

/** A picture must be this young, or its capture time is not believed. */
const MAX_AGE_S = 0.5;

export class CameraError extends Error {}

/** Opens the camera that faces the person. Throws `CameraError` with one line that says what to do. */
export async function openCamera(): Promise<MediaStream> {
  if (!isSecureContext || navigator.mediaDevices === undefined) {
    throw new CameraError("Browsers give the camera to secure pages only: open the studio's https address, or http://localhost on its own machine.");
  }
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { facingMode: "user", width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 60 } },
    });
  } catch (error) {
    throw new CameraError(reason(error instanceof Error ? error.name : ""));
  }
}

/** What a failure of `getUserMedia` means, by the error's name. */
export function reason(name: string): string {
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      return "The camera is not allowed here: allow it for this page in the browser's address bar, then try again.";
    case "NotFoundError":
    case "OverconstrainedError":
      return "No camera was found: connect one, then try again.";
    case "NotReadableError":
    case "AbortError":
      return "The camera does not answer: close other programs that use it, then try again.";
    default:
      return "The camera could not be opened: try again, or choose another way to conduct.";
  }
}

/**
 * When a picture was taken, client clock in seconds. The browser knows for a camera of this machine (`captureTime`); else
 * the time when it was ready to be shown is the nearest there is. `nowMs` and the metadata are on `performance.now()`.
 */
export function capturedS(nowMs: number, metadata: { readonly captureTime?: number; readonly presentationTime: number }, originMs: number): number {
  const { captureTime, presentationTime } = metadata;
  const age = captureTime === undefined ? NaN : (nowMs - captureTime) / 1000;
  const takenMs = age >= 0 && age < MAX_AGE_S ? captureTime! : Math.min(nowMs, presentationTime);
  return (originMs + takenMs) / 1000;
}
