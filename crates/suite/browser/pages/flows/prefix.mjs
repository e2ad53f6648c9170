// Both pages behind a reverse proxy that serves the program under a prefix, and passes on another host.
import { prefixProxy } from "../../browser.mjs";
import { card, goTo, openPainel } from "../painel.mjs";
import { expectEqual } from "../until.mjs";
import { reserve } from "../reserve.mjs";

async function behind(target, use) {
  const proxy = await prefixProxy(target, "/estacionamento/postos");
  try {
    const result = await use(proxy.base);
    expectEqual(proxy.outside, [], "addresses outside the prefix that were asked for");
    return result;
  } finally {
    proxy.close();
  }
}

export default {
  "drivers": async ({ suite, visit }) => behind(suite.urls.gateway, async (base) => {
    const driver = await visit({}, base);
    await driver.openLive();
    await driver.untilWorker();
    const posto = await suite.freePosto();
    await reserve(driver, posto, { placa: suite.placa() });
    await driver.page.locator("form#cancel [type=submit]").click();
    await driver.page.locator("dialog[open] button").filter({ hasText: /cancelar a reserva|sim/i }).first().click();
    await driver.page.locator("article#reserva[data-status=cancelada]").waitFor();
    return new URL(driver.page.url()).pathname;
  }),

  "drivers without script": async ({ suite, visit }) => behind(suite.urls.gateway, async (base) => {
    const driver = await visit({ script: false }, base);
    const posto = await suite.freePosto();
    await driver.open(`?server_id=${posto.server_id}`);
    await driver.page.locator(`li[data-posto-id="${posto.id}"] h3 a`).click();
    await driver.page.locator("form#reserve [name=placa]").fill(suite.placa());
    await driver.page.locator("form#reserve [type=submit]").click();
    await driver.page.locator("article#reserva[data-status=ativa]").waitFor();
    await driver.page.locator("form#cancel [type=submit]").click();
    await driver.page.locator("article#reserva[data-status=cancelada]").waitFor();
    return new URL(driver.page.url()).pathname;
  }),

  "the operator's page": async ({ suite, visit }) => behind(suite.urls.server1, async (base) => {
    const operator = await visit({}, base);
    await openPainel(operator, suite.operatorToken);
    const posto = await suite.freePosto();
    await card(operator, posto).locator("[data-action=service]").click();
    await operator.page.locator("dialog[open] .effect:not([aria-busy])").waitFor();
    await operator.page.keyboard.press("Escape");
    await goTo(operator, "numeros");
    await operator.page.locator("#numeros-content svg").first().waitFor();
    return new URL(operator.page.url()).pathname;
  }),
};
