// Says whether the page shows what is true now.
import { now } from "./api.js";
import { byId, setText } from "./dom.js";
import { moment } from "./format.js";
import { text } from "./texts.js";

/** A connection that is back within this time is not reported as lost. */
const REPORT_LOSS_AFTER = 2000;
/** The first connection waits for all that the page loads. */
const FIRST_REPORT_LOSS_AFTER = 6000;
/** After midnight the time alone would be of another day. */
const SHOW_AGAIN = 60_000;

export class Live {
  constructor() {
    this.element = byId("live");
    this.isLive = false;
    this.isAway = false;
    this.isLossShown = false;
    /** When the page was last known to be true: when its HTML came, and then what came after it. */
    this.since = htmlTime();
    this.timer = 0;
    addEventListener("online", () => this.showLater());
    addEventListener("offline", () => this.showLater());
    // While it was hidden, nothing was said of what was lost.
    document.addEventListener("visibilitychange", () => this.isLive || this.showLater());
    setInterval(() => this.isLossShown && !document.hidden && this.show(), SHOW_AGAIN);
    this.showLater(FIRST_REPORT_LOSS_AFTER);
  }

  /** @param {boolean} live @param {number} heard When the last event came. */
  set(live, heard) {
    this.since = heard;
    this.isLive = live;
    if (live) this.show();
    else this.showLater();
  }

  /** Says whether the gateway itself hears nothing of any posto. */
  setAway(/** @type {boolean} */ away) {
    if (away === this.isAway) return;
    this.isAway = away;
    this.show();
  }

  showLater(patience = REPORT_LOSS_AFTER) {
    clearTimeout(this.timer);
    // A hidden page reads no events, and nobody looks at it.
    this.timer = setTimeout(() => document.hidden || this.show(), patience);
  }

  show() {
    clearTimeout(this.timer);
    this.isLossShown = !this.isLive;
    this.element.dataset.live = this.isLive && !this.isAway ? "yes" : "no";
    const since = moment(this.since, new Date(now()));
    if (this.isLive) setText(this.element, text(this.isAway ? "live.away" : "live.yes"));
    // A device without a network may still be the one that the gateway runs on.
    else setText(this.element, text(navigator.onLine === false ? "live.offline" : "live.no", { since }));
  }
}

/** When the HTML came, by the clock of the device. */
function htmlTime() {
  const [navigation] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
  return performance.timeOrigin + (navigation?.responseEnd ?? 0);
}
