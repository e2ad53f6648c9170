// Says whether the page shows what is true now.
import { now } from "./api.js";
import { byId, setText } from "./dom.js";
import { moment } from "./format.js";
import { text } from "./texts.js";

/** A connection that is back within this time is not reported as lost. */
const PATIENCE = 3000;

export class Live {
  constructor() {
    this.element = byId("live");
    this.isLive = false;
    this.isAway = false;
    this.since = now();
    this.timer = 0;
    addEventListener("online", () => this.show());
    addEventListener("offline", () => this.show());
    this.showLater();
  }

  set(/** @type {boolean} */ live) {
    if (live !== this.isLive) this.since = now();
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

  showLater() {
    clearTimeout(this.timer);
    // A hidden page reads no events, and nobody looks at it.
    this.timer = setTimeout(() => document.hidden || this.show(), PATIENCE);
  }

  show() {
    clearTimeout(this.timer);
    const isOffline = navigator.onLine === false;
    const isLive = this.isLive && !this.isAway && !isOffline;
    this.element.dataset.live = isLive ? "yes" : "no";
    const since = moment(this.since, new Date(now()));
    if (isLive) setText(this.element, text("live.yes"));
    else if (isOffline) setText(this.element, text("live.offline", { since }));
    else if (this.isLive) setText(this.element, text("live.away"));
    else setText(this.element, text("live.no", { since }));
  }
}
