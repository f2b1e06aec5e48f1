/**
 * Keeps the screen on while it is wanted: who watches, or beats before a camera, touches nothing for minutes. Browsers
 * take the lock away whenever the page is hidden.
 */
export class Awake {
  private lock: WakeLockSentinel | null = null;
  private wanted = false;
  private readonly seen = (): void => void (document.visibilityState === "visible" && this.take());

  want(wanted: boolean): void {
    if (wanted === this.wanted) return;
    this.wanted = wanted;
    if (wanted) {
      document.addEventListener("visibilitychange", this.seen);
      void this.take();
    } else {
      document.removeEventListener("visibilitychange", this.seen);
      void this.lock?.release();
      this.lock = null;
    }
  }

  private async take(): Promise<void> {
    if (!("wakeLock" in navigator)) return;
    try {
      const lock = await navigator.wakeLock.request("screen");
      if (this.wanted) this.lock = lock;
      else void lock.release();
    } catch (error) {
      console.info("the screen may go dark", error); // battery saver, or hidden again meanwhile
    }
  }
}
