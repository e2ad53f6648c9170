// Asks again and again while the page is seen, and says since when there was no answer.
import { ApiError } from "./api.js";

const LONGEST_WAIT = 60_000;

export class Poll {
  /**
   * @param {number} every Milliseconds from an answer to the next question.
   * @param {(signal: AbortSignal) => Promise<void>} load
   * @param {(error: unknown) => void} [onError] `null` when it has succeeded.
   */
  constructor(every, load, onError = () => {}) {
    this.every = every;
    this.load = load;
    this.onError = onError;
    this.failures = 0;
    this.timer = 0;
    /** @type {AbortController | null} */
    this.loading = null;
    this.isRunning = false;
    document.addEventListener("visibilitychange", () => this.pollNow());
    addEventListener("online", () => this.pollNow());
  }

  start() {
    this.isRunning = true;
    this.pollNow();
  }

  stop() {
    this.isRunning = false;
    clearTimeout(this.timer);
    this.loading?.abort();
    this.loading = null;
  }

  /** Asks now, unless the page is not seen; a question under way is replaced by a newer one. */
  async pollNow() {
    clearTimeout(this.timer);
    if (!this.isRunning || document.hidden) return;
    this.loading?.abort();
    const loading = new AbortController();
    this.loading = loading;
    let wait = this.every;
    try {
      await this.load(loading.signal);
      this.failures = 0;
      if (this.loading === loading) this.onError(null);
    } catch (error) {
      if (this.loading !== loading) return;
      this.failures += 1;
      const asked = error instanceof ApiError && error.retryAfter ? error.retryAfter * 1000 : 0;
      // A proxy may ask for more than a timer can wait, which would then not wait at all.
      wait = Math.min(Math.max(asked, this.every * 2 ** (this.failures - 1)), LONGEST_WAIT);
      this.onError(error);
    }
    if (this.loading !== loading) return;
    this.loading = null;
    if (this.isRunning) this.timer = setTimeout(() => this.pollNow(), wait);
  }
}
