// A gateway that asks for tokens of apps: the page asks once, and no address ever has the token.
import { expectEqual, until } from "../until.mjs";

export default {
  "asked for once": async ({ suite, visit }) => {
    const driver = await visit({}, "closed");
    const { page } = driver;
    const [first, second] = [await suite.freePosto(), await suite.freePosto()];
    const form = page.locator("form#reserve");
    await driver.openLive(`posto?server_id=${first.server_id}&posto_id=${first.id}`);
    await form.locator("[name=placa]").fill(suite.placa());
    await form.locator("[name=token]").fill(suite.appToken);
    await form.locator("[type=submit]").click();
    await page.waitForURL(/\/reserva\?/);
    await page.locator("article#reserva[data-status=ativa]").waitFor();
    await driver.openLive(`posto?server_id=${second.server_id}&posto_id=${second.id}`);
    expectEqual(await form.locator("[name=token]").isVisible(), false, "the second form asks for the token");
    await form.locator("[name=placa]").fill(suite.placa());
    await form.locator("[type=submit]").click();
    await page.waitForURL(/\/reserva\?/);
    await page.locator("article#reserva[data-status=ativa]").waitFor();
    await page.locator("form#cancel [type=submit]").click();
    await page.locator("dialog[open] button").filter({ hasText: /cancelar a reserva|sim/i }).first().click();
    await page.locator("article#reserva[data-status=cancelada]").waitFor();
    driver.expectOnlyInHeaders(suite.appToken);
    return `${driver.requests.length} requests, the token in no address`;
  },

  "a wrong token is refused in words, and asked for again": async ({ suite, visit }) => {
    const driver = await visit({}, "closed");
    const posto = await suite.freePosto();
    await driver.openLive(`posto?server_id=${posto.server_id}&posto_id=${posto.id}`);
    const form = driver.page.locator("form#reserve");
    await form.locator("[name=placa]").fill(suite.placa());
    await form.locator("[name=token]").fill("posto_wrong");
    await form.locator("[type=submit]").click();
    const said = await until("the refusal", async () => (await driver.page.locator("#errors").innerText()).trim());
    expectEqual(await form.locator("[name=token]").isVisible(), true, "the form asks again");
    return said.replaceAll(/\s+/g, " ").slice(0, 100);
  },

  "a token that another tab has forgotten is asked for again": async ({ suite, visit }) => {
    const driver = await visit({}, "closed");
    const { page } = driver;
    const posto = await suite.freePosto();
    const token = page.locator("form#reserve [name=token]");
    await driver.open();
    await page.evaluate((given) => localStorage.setItem("postos.token /", given), suite.appToken);
    await driver.openLive(`posto?server_id=${posto.server_id}&posto_id=${posto.id}`);
    await token.waitFor({ state: "hidden" });
    await page.evaluate(() => localStorage.clear());
    await page.locator("form#reserve [name=placa]").fill(suite.placa());
    await page.locator("form#reserve [type=submit]").click();
    await token.waitFor();
    return (await page.locator("#errors").innerText()).replaceAll(/\s+/g, " ");
  },

  "where nothing can be kept, the page of a reserva asks once": async ({ suite, visit }) => {
    const posto = await suite.freePosto();
    const carro = { placa: suite.placa(), modelo: "BYD Dolphin", capacidade_bateria: 44.5, nivel_bateria_atual: 22.3, taxa_descarga: 0.19 };
    const asked = { ...carro, posto_id: posto.id, server_id: posto.server_id };
    const made = await suite.call("closed", "reservar", { method: "POST", body: asked, token: suite.appToken });
    expectEqual(made.status, 200, "the status of the answer");
    const driver = await visit({}, "closed");
    const { page } = driver;
    await page.addInitScript(() => {
      for (const name of ["localStorage", "sessionStorage"]) {
        Object.defineProperty(window, name, { get() { throw new DOMException("storage is forbidden", "SecurityError"); } });
      }
    });
    await driver.open(`reserva?server_id=${posto.server_id}&request_id=${made.body.request_id}`);
    for (const token of ["posto_wrong", suite.appToken]) {
      await page.locator("form#see [name=token]").fill(token);
      await page.locator("form#see [type=submit]").click();
      if (token === "posto_wrong") await page.locator("#errors:not([hidden])").waitFor();
    }
    await page.locator("article#reserva[data-status=ativa]").waitFor();
    expectEqual(await page.locator("form#see").count(), 0, "forms that ask for the token");
    const loads = driver.requests.filter(({ url }) => new URL(url).pathname === "/reserva");
    expectEqual(loads.length, 1, "times that the page was loaded");
    return posto.nome;
  },

  "without script": async ({ suite, visit }) => {
    const driver = await visit({ script: false }, "closed");
    const { page } = driver;
    const posto = await suite.freePosto();
    await driver.open(`posto?server_id=${posto.server_id}&posto_id=${posto.id}`);
    await page.locator("form#reserve [name=placa]").fill(suite.placa());
    await page.locator("form#reserve [name=token]").fill(suite.appToken);
    await page.locator("form#reserve [type=submit]").click();
    await page.waitForURL(/\/reserva\?/);
    await page.locator("form#see [name=token]").fill(suite.appToken);
    await page.locator("form#see [type=submit]").click();
    await page.locator("article#reserva[data-status=ativa]").waitFor();
    driver.expectOnlyInHeaders(suite.appToken);
    return posto.nome;
  },
};
