// Answers that never reach the page: what was asked for may have been done, and its driver finds it.
import { expect, expectEqual, until } from "../until.mjs";

/** The next answer to a reservation is lost, once it was carried out, or before it was sent. */
async function loseNext(driver, { isDone = true, delay = 0 } = {}) {
  const lost = { isLost: false };
  await driver.page.route("**/reservar", async (route) => {
    if (isDone) await route.fetch();
    await new Promise((resolve) => setTimeout(resolve, delay));
    lost.isLost = true;
    await route.abort("connectionreset");
  }, { times: 1 });
  return lost;
}

/** Reserves by the page of a posto; its answer is lost. */
async function loseAnswer(driver, posto, placa, options) {
  await driver.openLive(`posto?server_id=${posto.server_id}&posto_id=${posto.id}`);
  const lost = await loseNext(driver, options);
  await driver.page.locator("form#reserve [name=placa]").fill(placa);
  await driver.page.locator("form#reserve [type=submit]").click();
  await until("the page says that there was no answer", async () => /Não houve resposta/.test(await driver.page.locator("#errors").innerText()));
  expect(lost.isLost, "the answer was not lost");
}

const made = async (suite, placa) => (await suite.operate(`reservas?placa=${placa}`)).reservas;
const kept = (driver) => driver.page.evaluate(() => localStorage.getItem("postos.sem_resposta"));

export default {
  "the same press again finds what was done": async ({ suite, visit }) => {
    const driver = await visit();
    const [posto, placa] = [await suite.freePosto(), suite.placa()];
    await loseAnswer(driver, posto, placa);
    await driver.page.locator("form#reserve [type=submit]").click();
    await driver.page.waitForURL(/\/reserva\?/);
    await driver.page.locator("article#reserva[data-status=ativa]").waitFor();
    expectEqual((await made(suite, placa)).length, 1, "reservas");
    expectEqual(await kept(driver), null, "what is kept of a request that was answered");
    return posto.nome;
  },

  "a shorter stay at the same posto leads to what was done": async ({ suite, visit }) => {
    const driver = await visit();
    const [posto, placa] = [await suite.freePosto(), suite.placa()];
    await loseAnswer(driver, posto, placa);
    await driver.page.locator("form#reserve [name=duracao]").selectOption("30");
    await driver.page.locator("form#reserve [type=submit]").click();
    const link = driver.page.locator("#errors a[href^='reserva?']");
    await link.waitFor();
    const said = await driver.page.locator("#errors p").first().innerText();
    await link.click();
    await driver.page.locator("article#reserva[data-status=ativa]").waitFor();
    const reservas = await made(suite, placa);
    expectEqual(reservas.map(({ request_id }) => request_id), [new URL(driver.page.url()).searchParams.get("request_id")], "reservas");
    expectEqual(await kept(driver), null, "what is kept of requests that were answered");
    return said;
  },

  "a longer stay leads to the request without an answer, which nobody has asked for again": async ({ suite, visit }) => {
    const driver = await visit();
    const [posto, placa] = [await suite.freePosto(), suite.placa()];
    await loseAnswer(driver, posto, placa, { isDone: false });
    const inHours = (hours) => new Date(Date.now() + hours * 3_600_000).toISOString();
    await suite.reserveElsewhere(posto, { placa, inicio: inHours(2), fim: inHours(3) });
    await driver.page.locator("form#reserve [name=duracao]").selectOption("240");
    await driver.page.locator("form#reserve [type=submit]").click();
    await driver.page.locator("#errors a[href='./#mine']").waitFor();
    const said = await driver.page.locator("#errors p").first().innerText();
    expectEqual((await made(suite, placa)).length, 1, "reservas");
    await driver.page.locator("#errors a").click();
    await driver.page.locator("#mine li").filter({ hasText: posto.nome }).waitFor();
    return said;
  },

  "after a reload it is among my reservas, and asked for again": async ({ suite, visit }) => {
    const driver = await visit();
    const [posto, placa] = [await suite.freePosto(), suite.placa()];
    await loseAnswer(driver, posto, placa);
    await driver.openLive();
    const item = driver.page.locator("#mine li").filter({ hasText: posto.nome });
    await item.waitFor();
    const said = await item.innerText();
    expect(said.includes(placa) && /sem resposta/.test(said), said);
    const lost = await loseNext(driver, { isDone: true, delay: 2500 });
    await item.getByRole("button", { name: "Repetir o pedido" }).click();
    await item.locator("[role=alert] .error").waitFor();
    expect(lost.isLost && /Não houve resposta/.test(await item.innerText()), await item.innerText());
    await item.getByRole("button", { name: "Repetir o pedido" }).click();
    await driver.page.locator("#mine-list li[data-status=ativa]").filter({ hasText: posto.nome }).waitFor();
    expectEqual(await driver.page.locator("#mine li").filter({ hasText: posto.nome }).count(), 1, "items of this posto");
    const focused = await driver.page.evaluate(() => document.activeElement?.textContent);
    expectEqual(focused, "Ver ou alterar", "what has the focus");
    expectEqual((await made(suite, placa)).length, 1, "reservas");
    return said.split("\n")[0];
  },

  "what never arrived is forgotten, or refused with the reason": async ({ suite, visit }) => {
    const driver = await visit();
    const [first, second] = [await suite.freePosto(), await suite.freePosto()];
    const [placa, other] = [suite.placa(), suite.placa()];
    await loseAnswer(driver, first, placa, { isDone: false });
    await loseAnswer(driver, second, other, { isDone: false });
    await suite.reserveElsewhere(second);
    await driver.openLive();
    const item = (posto) => driver.page.locator("#mine li").filter({ hasText: posto.nome });
    await item(first).getByRole("button", { name: "Esquecer o pedido" }).click();
    await item(second).getByRole("button", { name: "Repetir o pedido" }).click();
    const outcome = driver.page.locator("#mine [role=status] .error").first();
    await outcome.waitFor();
    const said = await outcome.innerText();
    expectEqual(await driver.page.locator("#mine li").count(), 0, "items");
    expectEqual((await made(suite, placa)).length, 0, "reservas of the first");
    expectEqual(await kept(driver), null, "what is kept");
    return said;
  },

  "an action sent without a script while its servidor is away leads back to the reserva": async ({ suite, visit }) => {
    const driver = await visit();
    const [posto, placa] = [await suite.freePosto("server2"), suite.placa()];
    const { request_id } = await suite.reserveElsewhere(posto, { placa });
    await driver.openLive(`reserva?server_id=server2&request_id=${request_id}`);
    await suite.server2.end("SIGKILL");
    await until("the gateway knows", async () => (await suite.call("gateway", "postos?server_id=server2")).status === 503);
    // As a browser does before the script is loaded.
    await driver.page.evaluate(() => document.querySelector("form#change").submit());
    await until("the error page", async () => /tenta de novo sozinha/.test(await driver.page.locator("main").innerText()));
    await suite.start();
    await driver.page.locator("article#reserva[data-status=ativa]").waitFor({ timeout: 40_000 });
    return (await driver.page.locator("h1").innerText());
  },
};
