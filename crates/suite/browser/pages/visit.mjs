// A person who visits the pages: a browser context of its own, in which everything that the browser
// complains of is noted, and every request that leaves it.
import { expect, expectEqual, until } from "./until.mjs";

export const PHONE = { width: 390, height: 844 };
export const DESKTOP = { width: 1280, height: 800 };
const SAO_PAULO = { latitude: -23.5505, longitude: -46.6333 };

// A refused call is a line of the console too, which says nothing of the page.
const NETWORK = /^Failed to load resource: /;

export class Visit {
  /**
   * @param {import("playwright-core").Browser} browser
   * @param {string} base The program whose pages are visited.
   * @param {{ script?: boolean, position?: boolean | object } & import("playwright-core").BrowserContextOptions} options
   */
  static async begin(browser, base, { script = true, position = false, ...options } = {}) {
    const visit = new Visit();
    const place = position === true ? SAO_PAULO : position;
    visit.base = base;
    visit.problems = [];
    visit.requests = [];
    /** When each request that is not over was sent. */
    visit.pending = new Map();
    visit.failures = [];
    visit.context = await browser.newContext({
      locale: "pt-BR",
      timezoneId: "America/Sao_Paulo",
      viewport: DESKTOP,
      javaScriptEnabled: script,
      ...(place ? { geolocation: place, permissions: ["geolocation"] } : {}),
      ...options,
    });
    visit.context.setDefaultTimeout(20_000);
    visit.context.on("request", (request) => visit.noteRequest(request));
    visit.context.on("response", (response) => visit.noteResponse(response));
    visit.context.on("requestfinished", (request) => visit.pending.delete(request));
    visit.context.on("requestfailed", (request) => visit.noteFailure(request));
    visit.context.on("weberror", (error) => visit.problems.push(`error in the page: ${error.error().message}`));
    visit.context.on("console", (line) => visit.noteConsole(line));
    visit.page = await visit.context.newPage();
    return visit;
  }

  noteRequest(request) {
    const url = request.url();
    this.pending.set(request, Date.now());
    this.requests.push({
      url, method: request.method(), headers: request.headers(), body: request.postData() ?? "",
    });
    if (!url.startsWith(`${this.base}/`) && !/^(data|blob):/.test(url)) this.problems.push(`it asked for ${url}`);
  }

  noteResponse(response) {
    const isStatic = new URL(response.url()).pathname.startsWith("/static/");
    if (isStatic && response.status() >= 400) this.problems.push(`${response.status()}: ${response.url()}`);
  }

  noteFailure(request) {
    this.pending.delete(request);
    this.failures.push(`${request.method()} ${request.url()}: ${request.failure()?.errorText}`);
  }

  noteConsole(line) {
    const text = line.text();
    const isError = line.type() === "error" && !NETWORK.test(text);
    if (isError || /Content Security Policy|Permissions.Policy/i.test(text)) this.problems.push(`console: ${text}`);
  }

  /** What tells why a page does not show what is waited for. */
  async describe() {
    const look = () => `${location.href} is ${document.readyState} and ${document.visibilityState}`;
    const late = () => new Promise((resolve) => setTimeout(resolve, 5000, "the page does not answer"));
    const pages = await Promise.all(this.context.pages().map((page) => (
      Promise.race([page.evaluate(look).catch((error) => error.message), late()])
    )));
    const now = Date.now();
    return {
      pages,
      pending: [...this.pending].map(([request, since]) => `${request.method()} ${request.url()} for ${now - since} ms`),
      failures: this.failures.slice(-10),
      problems: this.problems,
    };
  }

  /** Opens a page of the program; returns the answer. */
  async open(path = "") {
    return this.page.goto(`${this.base}/${path}`, { waitUntil: "domcontentloaded" });
  }

  /** Opens a drivers' page, and waits until it is live. */
  async openLive(path = "") {
    await this.open(path);
    await this.page.locator("#live[data-live=yes]").waitFor();
  }

  /** The card of a posto in the list, or the article of its page. */
  posto({ server_id, id }) {
    return this.page.locator(`li.posto[data-server-id="${server_id}"][data-posto-id="${id}"], article#posto[data-posto-id="${id}"]`);
  }

  /** Waits until the page shows this posto in this state. */
  async sees(posto, state) {
    await this.posto(posto).and(this.page.locator(`[data-state=${state}]`)).waitFor();
  }

  /** Waits until the service worker is there, which has a page for where there is no network. */
  async untilWorker() {
    await until("the service worker is active", () => this.page.evaluate(async () => {
      const registration = await navigator.serviceWorker.getRegistration();
      return registration?.active?.state === "activated";
    }));
  }

  field(name) {
    return this.page.locator(`[data-field="${name}"]`).first();
  }

  /** A secret was sent, and is in no address, which histories, logs and other sites may see. */
  expectOnlyInHeaders(secret) {
    const leaks = this.requests.filter(({ url, headers }) => `${url} ${headers.referer ?? ""}`.includes(secret));
    expectEqual(leaks.map(({ url }) => url), [], "addresses and referers with what is secret");
    const sent = this.requests.some(({ headers, body }) => `${headers.authorization ?? ""}${body}`.includes(secret));
    expect(sent, "the secret was never sent");
  }

  async end() {
    const cookies = await this.context.cookies();
    await this.context.close();
    expectEqual(cookies.map(({ name }) => name), [], "cookies, which would send by themselves what a person typed");
    const problems = [...new Set(this.problems)];
    expect(problems.length === 0, `the browser complains: ${problems.join("; ")}`);
  }
}
