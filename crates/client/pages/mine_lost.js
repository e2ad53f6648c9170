// Requests for a reserva that were not answered, beside the reservas of this device.
import { byId, element } from "./dom.js";
import { messageParagraph } from "./messages.js";
import { moment } from "./format.js";
import { nameOf } from "./mine_item.js";
import { withToken } from "./tokens.js";
import { text } from "./texts.js";
import { ask, forgetRequest, lostRequests } from "./unanswered.js";

/** @typedef {import("./unanswered.js").Request} Request */

export class LostRequests {
  /** @param {{ onMade: (made: { server_id: string, request_id: string }) => void, onGone: () => void }} handlers */
  constructor({ onMade, onGone }) {
    this.onMade = onMade;
    this.onGone = onGone;
    this.list = element("ul", { class: "stack" });
    this.outcome = element("div", { role: "status" });
    byId("mine-list").before(this.outcome, this.list);
    /** @type {Map<string, HTMLElement>} */
    this.items = new Map();
  }

  /** Whether there is nothing to see. */
  isEmpty() {
    return this.items.size === 0 && this.outcome.childElementCount === 0;
  }

  /** Shows those that there are. */
  render() {
    const requests = lostRequests();
    for (const [key, item] of this.items) {
      if (requests.some((one) => one.key === key)) continue;
      item.remove();
      this.items.delete(key);
    }
    for (const request of requests) {
      if (this.items.has(request.key)) continue;
      const item = this.makeItem(request);
      this.items.set(request.key, item);
      this.list.append(item);
    }
  }

  /** @param {Request} request */
  makeItem(request) {
    const { key, body, at } = request;
    const problem = element("div", { role: "alert" });
    const repeat = element("button", { type: "button", text: text("lost.repeat"), onclick: () => this.repeat(key, problem, repeat) });
    const forget = element("button", { type: "button", text: text("lost.forget"), onclick: () => this.forget(key) });
    return element("li", { class: "reserva stack" },
      element("h3", { text: text("lost.heading", { posto: nameOf({ ...request, posto_id: body.posto_id }) }) }),
      element("p", { text: text("lost.sentence", { time: moment(at), placa: body.placa }) }),
      problem,
      element("div", { class: "row" }, repeat, forget));
  }

  /** @param {string} key @param {HTMLElement} problem @param {HTMLElement} button */
  async repeat(key, problem, button) {
    const request = lostRequests().find((one) => one.key === key);
    if (!request || button.getAttribute("aria-disabled")) return;
    problem.replaceChildren();
    this.outcome.replaceChildren();
    button.setAttribute("aria-disabled", "true");
    try {
      this.onMade(await withToken(() => ask(request)));
    } catch (error) {
      const isGone = !lostRequests().some((one) => one.key === key);
      (isGone ? this.outcome : problem).replaceChildren(messageParagraph(error, { class: "error" }));
      if (isGone) this.onGone();
    } finally {
      button.removeAttribute("aria-disabled");
    }
  }

  /** @param {string} key */
  forget(key) {
    forgetRequest(key);
    this.onGone();
  }
}
