// Takes the screenshots of the docs: each page on a phone and on a desktop. Arguments: the folder of the
// programs, a folder for their data, and where the pictures go.
import { mkdirSync, statSync } from "node:fs";
import { launch } from "../browser.mjs";
import { card, goTo, openPainel } from "./painel.mjs";
import { reserve } from "./reserve.mjs";
import { beginMonthAgo, fill } from "./site.mjs";
import { Suite } from "./suite.mjs";
import { until } from "./until.mjs";
import { DESKTOP, PHONE, Visit } from "./visit.mjs";

const LARGEST = 160_000;
const here = new URL(".", import.meta.url).pathname;
const [programs, folder, pictures] = process.argv.slice(2);
const suite = new Suite({ folder, programs, postos: `${here}postos` });
const looks = { phone: { viewport: PHONE }, desktop: { viewport: DESKTOP } };

/** What a driver sees, each with how it is opened. */
const DRIVERS = {
  list: async (driver) => {
    await driver.openLive();
    await driver.page.locator("#near").click();
    await driver.page.locator("li.posto [data-field=distance]").filter({ hasText: /\d/ }).first().waitFor();
  },
  posto: async (driver) => {
    await driver.openLive("posto?server_id=server1&posto_id=1");
    await driver.page.locator("form#reserve [name=placa]").fill("BRA2E19");
    await until("an estimate", async () => /R\$/.test(await driver.page.locator("#estimate").innerText()));
  },
  reserva: async (driver, look) => {
    await reserve(driver, { server_id: "server1", id: look === "phone" ? 1 : 3 }, { placa: "BRA2E19" });
    await until("a countdown", async () => /\d/.test(await driver.field("countdown").innerText()));
  },
};

/** What an operator sees. */
const PAINEL = {
  agora: async (operator) => goTo(operator, "agora"),
  manutencao: async (operator) => {
    await goTo(operator, "agora");
    await card(operator, { id: 10 }).locator("[data-action=service]").click();
    await operator.page.locator("dialog[open] .effect:not([aria-busy])").waitFor();
  },
  hoje: async (operator) => {
    await operator.page.keyboard.press("Escape");
    await goTo(operator, "hoje");
    await operator.page.locator("#hoje-reservas tr").first().waitFor();
  },
  numeros: async (operator) => {
    await goTo(operator, "numeros");
    await operator.page.locator("#periods [data-period='30d']").click();
    await operator.page.locator("#periods [data-period='30d'][aria-current=true]").waitFor();
    await operator.page.locator("#numeros-content:not([aria-busy]) svg").first().waitFor();
    // The plots, which are below the totals.
    await operator.page.setViewportSize({ ...operator.page.viewportSize(), height: 1600 });
  },
};

async function take({ page }, name) {
  const path = `${pictures}/${name}.png`;
  await page.mouse.move(0, 0);
  await page.evaluate(() => { document.activeElement.blur(); scrollTo(0, 0); });
  await page.screenshot({ path, animations: "disabled" });
  const { size } = statSync(path);
  console.log(`${name}.png: ${Math.round(size / 1000)} KB`);
  if (size > LARGEST) throw new Error(`${name}.png is larger than ${LARGEST / 1000} KB`);
}

const browser = await launch();
try {
  mkdirSync(pictures, { recursive: true });
  await fill(suite, await beginMonthAgo(suite));
  for (const [look, options] of Object.entries(looks)) {
    const driver = await Visit.begin(browser, suite.urls.gateway, { position: { latitude: -23.5614, longitude: -46.6559 }, ...options });
    for (const [name, open] of Object.entries(DRIVERS)) {
      await open(driver, look);
      await take(driver, `drivers-${name}-${look}`);
    }
    await driver.end();
    const operator = await Visit.begin(browser, suite.urls.server1, options);
    await openPainel(operator, suite.operatorToken);
    for (const [name, open] of Object.entries(PAINEL)) {
      await open(operator);
      await take(operator, `painel-${name}-${look}`);
    }
    await operator.end();
  }
} finally {
  await browser.close();
  await suite.end();
}
