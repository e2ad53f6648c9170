// Each drivers' page and state: axe-core finds nothing, in light and dark, on phone and desktop; 320 px
// wide, at 200 % zoom, and without motion.
import { expectNoFinding, expectNoMotion, expectNoSidewaysScrolling } from "../accessibility.mjs";
import { reserve } from "../reserve.mjs";
import { DESKTOP, PHONE } from "../visit.mjs";
import { until } from "../until.mjs";

const LOOKS = [
  { colorScheme: "light", viewport: PHONE }, { colorScheme: "dark", viewport: PHONE },
  { colorScheme: "light", viewport: DESKTOP }, { colorScheme: "dark", viewport: DESKTOP },
];

/** The states of the pages, each with how a driver comes to it. */
const STATES = {
  "the list": async ({ driver }) => driver.openLive(),
  "the list by distance": async ({ driver }) => {
    await driver.openLive();
    await driver.page.locator("#near").click();
    await driver.page.locator("li.posto [data-field=distance]").filter({ hasText: /\d/ }).first().waitFor();
  },
  "a filter that fits nothing": async ({ driver }) => driver.openLive("?potencia_minima=999"),
  "a posto": async ({ driver, posto }) => {
    await driver.openLive(posto);
    await until("an estimate", async () => /R\$/.test(await driver.page.locator("#estimate").innerText()));
    await driver.page.locator("details:has([name=taxa_descarga]) > summary").click();
  },
  "a form with errors": async ({ driver, posto }) => {
    await driver.openLive(posto);
    const form = driver.page.locator("form#reserve");
    await form.evaluate((one) => { one.noValidate = true; });
    await form.locator("[name=placa]").fill("??");
    await form.locator("[type=submit]").click();
    await driver.page.locator("#errors a").first().waitFor();
  },
  "a reserva": async ({ driver, reserva }) => driver.openLive(reserva),
  "the question before a cancellation": async ({ driver, reserva }) => {
    await driver.openLive(reserva);
    await driver.page.locator("form#cancel [type=submit]").click();
    await driver.page.locator("dialog[open]").waitFor();
  },
  "a reserva that was cancelled": async ({ driver, cancelled }) => driver.open(cancelled),
  "a posto that does not exist": async ({ driver }) => driver.open("posto?server_id=server1&posto_id=99999"),
  "offline": async ({ driver }) => driver.open("offline"),
};

async function places({ suite, visit }) {
  const [free, held] = [await suite.freePosto(), await suite.freePosto()];
  const driver = await visit();
  const reserva = await reserve(driver, held, { placa: suite.placa() });
  const ended = await suite.reserveElsewhere(free);
  await suite.cancelElsewhere(free, ended.request_id);
  const of = (server_id, request_id) => `reserva?server_id=${server_id}&request_id=${request_id}`;
  return {
    posto: `posto?server_id=${free.server_id}&posto_id=${free.id}`,
    reserva: of(reserva.serverId, reserva.requestId),
    cancelled: of(free.server_id, ended.request_id),
  };
}

/** Runs `look` on each state, in a browser with these options. */
async function each(scene, options, look) {
  const known = await places(scene);
  const driver = await scene.visit({ position: true, ...options });
  for (const [state, come] of Object.entries(STATES)) {
    await come({ driver, ...known });
    await look(driver.page, state);
  }
}

const looks = Object.fromEntries(LOOKS.map((look) => [
  `axe-core, ${look.colorScheme}, ${look.viewport.width} px`,
  async (scene) => {
    await each(scene, look, (page, state) => expectNoFinding(page, state));
    return `no finding in ${Object.keys(STATES).length} states`;
  },
]));

export default {
  ...looks,
  "without script, axe-core and 320 px": async (scene) => {
    const { posto, cancelled } = await places(scene);
    const driver = await scene.visit({ viewport: { width: 320, height: 640 } });
    // Scripts of the page do not run, those of the test do.
    await driver.context.route("**/static/**/*.js", (route) => route.fulfill({ contentType: "text/javascript", body: "" }));
    for (const path of ["", posto, cancelled, "offline"]) {
      await driver.open(path);
      await expectNoFinding(driver.page, path || "the list");
      await expectNoSidewaysScrolling(driver.page, path || "the list");
    }
    return "4 pages";
  },

  "320 px wide": async (scene) => {
    await each(scene, { viewport: { width: 320, height: 640 } }, expectNoSidewaysScrolling);
    return "nothing scrolls sideways";
  },

  "200 % zoom, and text of twice the size": async (scene) => {
    await each(scene, { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 }, expectNoSidewaysScrolling);
    await each(scene, { viewport: DESKTOP }, async (page, state) => {
      await page.evaluate(() => { document.documentElement.style.fontSize = "200%"; });
      await expectNoSidewaysScrolling(page, `${state}, text of twice the size`);
    });
    return "nothing scrolls sideways";
  },

  "reduced motion": async (scene) => {
    await each(scene, { reducedMotion: "reduce" }, expectNoMotion);
    return "nothing moves";
  },

  "English for a browser that prefers it": async ({ visit }) => {
    const driver = await visit({ locale: "en-GB" });
    await driver.openLive();
    const { lang } = await driver.page.evaluate(() => ({ lang: document.documentElement.lang }));
    if (lang !== "en") throw new Error(`lang is ${lang}`);
    await expectNoFinding(driver.page, "the list in English");
    return await driver.page.locator("h1").innerText();
  },
};
