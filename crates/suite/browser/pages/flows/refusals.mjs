// What the API refuses is said with its own sentence, and the form keeps what was typed.
import { expect, expectEqual, until } from "../until.mjs";

async function openForm(driver, posto) {
  await driver.openLive(`posto?server_id=${posto.server_id}&posto_id=${posto.id}`);
  return driver.page.locator("form#reserve");
}

/** The API's answer to the press, and what the page says of it. */
async function press(page, button) {
  const [answer] = await Promise.all([
    page.waitForResponse((response) => response.url().endsWith("/reservar")),
    button.click(),
  ]);
  const body = await answer.json();
  await until("the page says the refusal", async () => (await page.locator("#errors").innerText()) !== "");
  return { status: answer.status(), body, said: await page.locator("#errors").innerText() };
}

export default {
  "a posto that another has taken": async ({ suite, visit }) => {
    const driver = await visit();
    const posto = await suite.freePosto();
    const form = await openForm(driver, posto);
    await form.locator("[name=placa]").fill(suite.placa());
    await suite.reserveElsewhere(posto);
    await driver.sees(posto, "taken");
    const button = form.locator("[type=submit]");
    const { status, body, said } = await press(driver.page, button);
    expectEqual(status, 409, "status");
    expect(said.includes(body.mensagem), `${said} is not ${body.mensagem}`);
    const lang = await driver.page.locator("#errors").evaluate((part) => (part.querySelector("[lang]") ?? part.closest("[lang]")).lang);
    expectEqual(lang, "pt-BR", "language of the sentence");
    return body.mensagem;
  },

  "wrong fields are led to, and what was typed stays": async ({ suite, visit }) => {
    const driver = await visit();
    const posto = await suite.freePosto();
    const form = await openForm(driver, posto);
    await form.evaluate((one) => { one.noValidate = true; });
    await driver.page.locator("details:has([name=taxa_descarga]) > summary").click();
    await form.locator("[name=placa]").fill("??");
    await form.locator("[name=taxa_descarga]").fill("99");
    const { status, body, said } = await press(driver.page, form.locator("[type=submit]"));
    expectEqual(status, 422, "status");
    for (const { mensagem } of body.campos) expect(said.includes(mensagem), `${said} has not: ${mensagem}`);
    const isFocused = await driver.page.locator("#errors").evaluate((part) => part === document.activeElement || part.contains(document.activeElement));
    expect(isFocused, "#errors has not the focus");
    await driver.page.locator("#errors a").first().click();
    const first = await driver.page.evaluate(() => document.activeElement.name);
    expect(body.campos.some(({ campo }) => campo.endsWith(first)), `the link leads to ${first}`);
    const described = await form.locator("[name=placa]").evaluate((field) => [field.getAttribute("aria-invalid"), Boolean(field.getAttribute("aria-describedby"))]);
    expectEqual(described, ["true", true], "aria-invalid and a description of the placa");
    expectEqual(await form.locator("[name=placa]").inputValue(), "??", "the placa");
    return body.campos.map(({ campo }) => campo).join(", ");
  },

  "as many reservas as the servidor allows": async ({ suite, visit }) => {
    const driver = await visit();
    const placa = suite.placa();
    for (let count = 0; count < 3; count += 1) await suite.reserveElsewhere(await suite.freePosto(), { placa });
    const form = await openForm(driver, await suite.freePosto());
    await form.locator("[name=placa]").fill(placa);
    const { status, body, said } = await press(driver.page, form.locator("[type=submit]"));
    expectEqual([status, body.codigo], [409, "limite_de_reservas"], "the answer");
    expect(said.includes(body.mensagem), said);
    return body.mensagem;
  },

  "the estimate before, and again for another level": async ({ suite, visit }) => {
    const driver = await visit();
    const form = await openForm(driver, await suite.freePosto());
    const estimate = driver.page.locator("#estimate");
    await until("an estimate", async () => /R\$/.test(await estimate.innerText()));
    const before = await estimate.innerText();
    await driver.page.locator("details:has([name=taxa_descarga]) > summary").click();
    await form.locator("[name=nivel_bateria_atual]").fill("40");
    await until("another estimate", async () => {
      const now = await estimate.innerText();
      return now !== before && /R\$/.test(now);
    });
    expect(/4,5\s*kWh/.test(await estimate.innerText()), `4,5 kWh: ${await estimate.innerText()}`);
    return (await estimate.innerText()).replaceAll(/\s+/g, " ");
  },
};
