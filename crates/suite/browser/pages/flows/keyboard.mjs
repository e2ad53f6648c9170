// Drivers who have only a keyboard: the focus goes in the order of the page, and can always be seen.
import { Keyboard } from "../keyboard.mjs";
import { expect, expectEqual } from "../until.mjs";
import { reserve } from "../reserve.mjs";
import { PHONE } from "../visit.mjs";

const FILTERS = "form#filters input, form#filters select, form#filters button";

/** The names of the controls that show, in the order of the document. */
const visibleControls = (page, selector) => page.locator(selector).filter({ visible: true })
  .evaluateAll((all) => all.filter((one) => !one.disabled && one.type !== "hidden").map((one) => one.id || one.name || one.textContent.trim().slice(0, 40)));

export default {
  "filter, nearest, reserve and cancel": async ({ suite, visit }) => {
    const driver = await visit({ position: true });
    const { page } = driver;
    await driver.openLive();
    const keys = new Keyboard(page);
    const first = await keys.next();
    expectEqual(first.href, "#main", "the first stop, a link to the main part");
    const controls = await visibleControls(page, FILTERS);
    await keys.to("[name=tipo_conector]");
    await keys.type("CCS");
    await page.waitForURL(/tipo_conector=CCS/);
    await keys.to("#nearest");
    const passed = keys.order.filter((name) => controls.includes(name));
    const until = controls.slice(0, controls.indexOf("nearest") + 1);
    expectEqual(passed, until, "the order of focus in the filters");
    await keys.press("Enter");
    await page.waitForURL(/\/posto\?/);
    await page.locator("#live[data-live=yes]").waitFor();
    const form = new Keyboard(page);
    await form.to("form#reserve [name=placa]");
    await form.type(suite.placa());
    const rest = await form.to("form#reserve [type=submit]");
    const wanted = await visibleControls(page, "form#reserve input, form#reserve select, form#reserve button, form#reserve summary");
    expectEqual(form.order.filter((name) => wanted.includes(name)), wanted.slice(0, wanted.indexOf(rest.at(-1)) + 1), "the order of focus in the form");
    await form.press("Enter");
    await page.waitForURL(/\/reserva\?/);
    await page.locator("article#reserva[data-status=ativa]").waitFor();
    const last = new Keyboard(page);
    await last.to("form#cancel [type=submit]");
    await last.press("Enter");
    await page.locator("dialog[open]").waitFor();
    expect(await page.evaluate(() => document.activeElement.closest("dialog") !== null), "the focus is not in the dialog");
    // Escape changes nothing, and gives the focus back.
    await last.press("Escape");
    expect(await last.isAt("form#cancel [type=submit]"), "Escape does not give the focus back");
    await page.locator("article#reserva[data-status=ativa]").waitFor();
    await last.press("Enter");
    await page.locator("dialog[open]").waitFor();
    const confirm = /cancelar a reserva|sim/i;
    for (let presses = 0; presses < 5; presses += 1) {
      if (confirm.test(await page.evaluate(() => document.activeElement.textContent))) break;
      await last.press("Tab");
    }
    await last.press("Enter");
    await page.locator("article#reserva[data-status=cancelada]").waitFor();
    return `${keys.presses + form.presses + last.presses} keys`;
  },
  "choose the posto at the centre of the map": async ({ visit }) => {
    const driver = await visit({ position: true });
    const { page } = driver;
    await driver.openLive();
    const surface = page.locator(".surface");
    await surface.focus();
    await surface.press("Enter");
    const card = page.locator(".chosen-posto");
    await card.locator("a").waitFor();
    const beside = await card.evaluate((one) => [...one.childNodes].filter((child) => child.nodeType === Node.TEXT_NODE).map(({ data }) => data));
    expectEqual(beside, [], "words beside the elements of the card");
    return card.locator("a").textContent();
  },

  "the map by keyboard": async ({ visit }) => {
    const driver = await visit({ viewport: PHONE });
    const { page } = driver;
    await driver.openLive();
    const keys = new Keyboard(page);
    await keys.to("#map button, #map [tabindex='0']");
    const before = await page.locator("#map svg").first().innerHTML();
    const zoom = page.locator("#map button").filter({ visible: true }).first();
    await zoom.focus();
    await keys.press("Enter");
    await page.waitForFunction((old) => document.querySelector("#map svg").innerHTML !== old, before);
    const order = [];
    for (let stops = 0; stops < 40; stops += 1) {
      const at = await keys.next();
      order.push(at.name);
      if (!(await page.evaluate(() => document.activeElement.closest("#map") !== null))) break;
    }
    expect(order.length < 40, "the map is a trap for the focus, or has too many stops");
    return `${order.length} stops`;
  },

  "the focus of every page goes in the order of the document": async ({ suite, visit }) => {
    const driver = await visit();
    const { page } = driver;
    const posto = await suite.freePosto();
    const { serverId, requestId } = await reserve(driver, posto, { placa: suite.placa() });
    const stops = [];
    for (const path of [`reserva?server_id=${serverId}&request_id=${requestId}`, `posto?server_id=${posto.server_id}&posto_id=${posto.id}`, "offline"]) {
      await driver.open(path);
      const keys = new Keyboard(page);
      await page.evaluate(() => document.querySelectorAll("body *").forEach((one, index) => { one.dataset.place = index; }));
      let last = -1;
      for (let presses = 0; presses < 60; presses += 1) {
        const at = await keys.next();
        const place = Number(await page.evaluate(() => document.activeElement.dataset.place ?? -1));
        if (at.tag === "body" || place < 0) break;
        // A field for a date has several stops.
        expect(place >= last, `${path}: ${at.name} has the focus after something that is below it`);
        last = place;
      }
      stops.push(keys.order.length);
    }
    return `${stops.join(", ")} stops`;
  },
};
