// What this device remembers, and nobody else: the car, and the reservas that were made here.
import { expect, expectEqual, until } from "../until.mjs";
import { reserve } from "../reserve.mjs";

export default {
  "the car is remembered here until it is forgotten": async ({ suite, visit }) => {
    const driver = await visit();
    const [first, second] = [await suite.freePosto(), await suite.freePosto()];
    const placa = suite.placa();
    await reserve(driver, first, { placa, remember: true });
    await driver.openLive(`posto?server_id=${second.server_id}&posto_id=${second.id}`);
    const field = driver.page.locator("form#reserve [name=placa]");
    await until("the placa is filled in", async () => (await field.inputValue()) === placa);
    const other = await visit();
    await other.openLive(`posto?server_id=${second.server_id}&posto_id=${second.id}`);
    expectEqual(await other.page.locator("form#reserve [name=placa]").inputValue(), "", "placa in another browser");
    const before = driver.requests.slice(0, driver.requests.findIndex(({ url }) => url.endsWith("/reservar")));
    const leaked = before.filter(({ url, body, headers }) => !url.endsWith("/estimativa") && `${url}${body}${headers.referer}${headers.cookie}`.includes(placa));
    expectEqual(leaked.map(({ url }) => url), [], "requests with the placa before it reserves");
    expect(driver.requests.every(({ url, headers }) => !`${url}${headers.referer ?? ""}`.includes(placa)), "the placa is in an address");
    await driver.page.getByRole("button", { name: "Esquecer o carro deste aparelho" }).click();
    await driver.openLive(`posto?server_id=${second.server_id}&posto_id=${second.id}`);
    expectEqual(await field.inputValue(), "", "placa that was forgotten");
    return "filled in again here, empty elsewhere, in no address, and forgotten by its button";
  },

  "the car is not remembered unless that is asked for": async ({ suite, visit }) => {
    const driver = await visit();
    const [first, second] = [await suite.freePosto(), await suite.freePosto()];
    const placa = suite.placa();
    await reserve(driver, first, { placa, remember: false });
    await driver.openLive(`posto?server_id=${second.server_id}&posto_id=${second.id}`);
    expectEqual(await driver.page.locator("form#reserve [name=placa]").inputValue(), "", "placa that was not to be kept");
    const stored = await driver.page.evaluate(() => JSON.stringify({ ...localStorage }));
    expect(!/Dolphin|nivel_bateria/.test(stored), `a car is kept: ${stored}`);
    return "nothing of the car is kept";
  },

  "my reservas: countdown, change, cancel": async ({ suite, visit }) => {
    const driver = await visit();
    const posto = await suite.freePosto();
    const { requestId } = await reserve(driver, posto, { placa: suite.placa() });
    const countdown = driver.field("countdown");
    await until("a countdown", async () => /\d/.test(await countdown.innerText()));
    await driver.openLive();
    const mine = driver.page.locator("#mine-list > li").filter({ hasText: posto.nome });
    await mine.waitFor();
    expect(/\d/.test(await mine.innerText()), `#mine says ${await mine.innerText()}`);
    await mine.locator("a").first().click();
    await driver.page.waitForURL(/\/reserva\?/);
    await driver.page.locator("article#reserva[data-status=ativa]").waitFor();
    const before = await suite.reserva(posto.server_id, requestId);
    const fim = driver.page.locator("form#change [name=fim]");
    const later = await driver.page.evaluate((at) => {
      const moment = new Date(Date.parse(at) + 3_600_000);
      const two = (part) => String(part).padStart(2, "0");
      return `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}T${two(moment.getHours())}:${two(moment.getMinutes())}`;
    }, before.fim);
    if (!(await fim.isVisible())) await driver.page.locator("details:has(form#change) summary").click();
    await fim.fill(later);
    await driver.page.locator("form#change [type=submit]").click();
    const changed = await until("the change is made", async () => {
      const now = await suite.reserva(posto.server_id, requestId);
      return now.versao > before.versao && now;
    });
    expectEqual(Date.parse(changed.fim) > Date.parse(before.fim), true, "fim is later");
    await until("the page shows it", async () => Date.parse(await driver.page.locator("article#reserva").getAttribute("data-fim")) === Date.parse(changed.fim));
    await driver.page.locator("form#cancel [type=submit]").click();
    const dialog = driver.page.locator("dialog[open]");
    await dialog.waitFor();
    await dialog.locator("button").filter({ hasText: /cancelar a reserva|sim/i }).first().click();
    await driver.page.locator("article#reserva[data-status=cancelada]").waitFor();
    expectEqual((await suite.reserva(posto.server_id, requestId)).status, "cancelada", "status");
    return `until ${changed.fim}, then cancelled`;
  },

  "a reserva is known on this device alone": async ({ suite, visit }) => {
    const [driver, other] = [await visit(), await visit()];
    const posto = await suite.freePosto();
    await reserve(driver, posto, { placa: suite.placa() });
    await other.openLive();
    expectEqual(await other.page.locator("#mine").isVisible(), false, "#mine in another browser");
    return posto.nome;
  },

  "a double press reserves once": async ({ suite, visit }) => {
    const driver = await visit();
    const [posto, placa] = [await suite.freePosto(), suite.placa()];
    await driver.openLive(`posto?server_id=${posto.server_id}&posto_id=${posto.id}`);
    let [asked, release] = [0, null];
    const released = new Promise((resolve) => { release = resolve; });
    await driver.page.route("**/reservar", async (route) => {
      asked += 1;
      await released;
      await route.continue();
    });
    await driver.page.locator("form#reserve [name=placa]").fill(placa);
    await driver.page.locator("form#reserve [type=submit]").dblclick();
    await until("the first press asks", () => asked > 0);
    // What the second press asks for, if it does, is on its way by then. Both are held, so that the page
    // does not leave the form before.
    await driver.page.waitForTimeout(500);
    expectEqual(asked, 1, "requests of two presses");
    release();
    await driver.page.waitForURL(/\/reserva\?/);
    await driver.page.locator("article#reserva[data-status=ativa]").waitFor();
    const { reservas } = await suite.operate(`reservas?placa=${placa}`);
    expectEqual(reservas.length, 1, "reservas");
    return posto.nome;
  },
};
