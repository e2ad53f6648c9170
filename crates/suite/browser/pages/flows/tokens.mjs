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
