// A first-time driver reserves the nearest free posto that fits, in four actions at most.
import { Actions } from "../actions.mjs";
import { reserve } from "../reserve.mjs";
import { TOLERANCE } from "../suite.mjs";
import { PHONE } from "../visit.mjs";
import { expect, expectEqual, until } from "../until.mjs";

export default {
  "nearest fitting free posto, reserved in four actions": async ({ suite, visit }) => {
    const driver = await visit({ viewport: PHONE, position: { latitude: -23.5577, longitude: -46.6396 } });
    const { page } = driver;
    const placa = suite.placa();
    await driver.openLive();
    const actions = new Actions();
    await actions.take("connector", () => page.locator("[name=tipo_conector]").selectOption("CCS"));
    await actions.take("nearest", () => page.locator("#nearest").click());
    await page.waitForURL(/\/posto\?/);
    await actions.take("placa", () => page.locator("form#reserve [name=placa]").fill(placa));
    await actions.take("reserve", () => page.locator("form#reserve [type=submit]").click());
    await page.waitForURL(/\/reserva\?/);
    const reserva = page.locator("article#reserva");
    await page.locator("article#reserva[data-status=ativa]").waitFor();
    const [server_id, request] = [await reserva.getAttribute("data-server-id"), await reserva.getAttribute("data-request-id")];
    const { posto_id, placa: stored } = await suite.reserva(server_id, request);
    expectEqual(stored, placa, "placa");
    actions.expectAtMost(4);
    expectEqual({ server_id, posto_id }, await nearest(suite, placa, { server_id, posto_id }), "the posto");
    await suite.cancelElsewhere({ server_id }, request);
    return `${actions.done.length} actions: ${actions.done.join(", ")}`;
  },

  "who reserves reads until when the posto waits": async ({ suite, visit }) => {
    const driver = await visit();
    const [waiting, patient] = [await suite.freePosto("server2"), await suite.freePosto("server1")];
    const { requestId } = await reserve(driver, waiting, { placa: suite.placa() });
    const { inicio } = await suite.reserva("server2", requestId);
    const limit = new Date(Date.parse(inicio) + TOLERANCE * 60_000);
    const time = limit.toLocaleTimeString("pt-BR", { timeZone: "America/Sao_Paulo", hour: "2-digit", minute: "2-digit" });
    const said = await driver.field("arrival").innerText();
    expect(said.includes(time), `${time} is not in "${said}"`);
    await reserve(driver, patient, { placa: suite.placa() });
    expectEqual(await driver.field("arrival").isHidden(), true, "a limit where there is none");
    await driver.openLive();
    const mine = driver.page.locator("#mine-list > li");
    await mine.filter({ hasText: waiting.nome }).filter({ hasText: said }).waitFor();
    expectEqual(await mine.filter({ hasText: patient.nome }).locator("[data-field=arrival]").isHidden(), true, "a limit where there is none");
    return said;
  },

  "a form that is sent before its module is there: the reserva is kept on the device all the same": async ({ suite, visit }) => {
    // Whose clock is not that of Brasília, which the form says.
    const driver = await visit({ timezoneId: "America/Manaus" });
    const { page } = driver;
    const posto = await suite.freePosto();
    await page.route("**/posto.js", (route) => route.abort());
    await driver.open(`posto?server_id=${posto.server_id}&posto_id=${posto.id}`);
    await page.locator("details:has([name=inicio]) > summary").click();
    const zone = await page.locator("form#reserve [data-zone]").innerText();
    await page.locator("form#reserve [name=placa]").fill(suite.placa());
    await page.locator("form#reserve [type=submit]").click();
    await page.waitForURL(/\/reserva\?/);
    await page.locator("#live[data-live=yes]").waitFor();
    const request = new URL(page.url()).searchParams.get("request_id");
    await until("it is kept", async () => (await page.evaluate(() => localStorage.getItem("postos.reservas")) ?? "").includes(request));
    await until("the address is the plain one", () => !page.url().includes("#"));
    expectEqual(await page.locator("#change [data-zone]").count(), 0, "the zone of a form without its module");
    await driver.openLive();
    await page.locator("#mine-list > li").filter({ hasText: posto.nome }).waitFor();
    return zone;
  },

  "where a browser refuses the position, the page says what to do instead": async ({ visit }) => {
    const [driver, early] = [await visit({ permissions: [] }), await visit({ permissions: [] })];
    await driver.openLive();
    // Before the first event.
    await early.page.route("**/eventos", () => {});
    await early.open();
    const said = [];
    for (const { page } of [driver, early]) {
      await page.locator("#near").click();
      const note = page.locator("#position-note");
      await until("it says why there is none, and what else to do", async () => /lista|mapa/.test(await note.innerText()));
      said.push(await note.innerText());
    }
    expectEqual(said[1], said[0], "the reason before the first event");
    return said[0];
  },

  "the position is asked for only after a press": async ({ visit }) => {
    const driver = await visit({ position: true });
    await driver.context.addInitScript(() => {
      globalThis.askedForPosition = 0;
      const { geolocation } = navigator;
      for (const name of ["getCurrentPosition", "watchPosition"]) {
        const original = geolocation[name].bind(geolocation);
        geolocation[name] = (...all) => { globalThis.askedForPosition += 1; return original(...all); };
      }
    });
    await driver.openLive();
    expectEqual(await driver.page.evaluate(() => globalThis.askedForPosition), 0, "times asked before a press");
    await driver.page.locator("#near").click();
    await driver.page.locator("li.posto [data-field=distance]").filter({ hasText: /\d/ }).first().waitFor();
    const distances = await driver.page.locator("li.posto").evaluateAll((all) => all.slice(0, 3).map((one) => one.querySelector("[data-field=distance]").textContent.trim()));
    const sent = driver.requests.filter(({ url, body }) => /23\.55|46\.63/.test(url + body));
    expectEqual(sent.length, 0, "requests with the position");
    return `the first three are ${distances.join(", ")} away`;
  },
};

/** The free posto with the connector that is nearest, as the API lists them; the one reserved counts as free. */
async function nearest(suite, placa, own) {
  const all = [];
  for (const server_id of ["server1", "server2"]) {
    for (const posto of await suite.postos(server_id, "elsewhere", "&tipo_conector=CCS")) {
      const isOwn = own.server_id === server_id && own.posto_id === posto.id;
      if (posto.disponivel || isOwn) all.push({ server_id, posto_id: posto.id, at: posto.localizacao.split(",").map(Number) });
    }
  }
  const metres = ({ at: [latitude, longitude] }) => Math.hypot(latitude + 23.5577, (longitude + 46.6396) * Math.cos((23.5577 * Math.PI) / 180));
  const [{ server_id, posto_id }] = all.toSorted((one, other) => metres(one) - metres(other));
  return { server_id, posto_id };
}
