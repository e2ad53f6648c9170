// The list follows what happens elsewhere, without reloading.
import { expect, expectEqual, until } from "../until.mjs";
import { DESKTOP } from "../visit.mjs";

export default {
  "a posto reserved and freed elsewhere": async ({ suite, visit }) => {
    const driver = await visit();
    const posto = await suite.freePosto();
    await driver.openLive();
    await driver.sees(posto, "free");
    const began = Date.now();
    const { request_id } = await suite.reserveElsewhere(posto);
    await driver.sees(posto, "taken");
    const taken = Date.now() - began;
    await suite.cancelElsewhere(posto, request_id);
    await driver.sees(posto, "free");
    expectEqual(driver.requests.filter(({ url }) => url === `${driver.base}/`).length, 1, "times that the page was loaded");
    return `the reserva was seen ${taken} ms after it was asked for`;
  },

  "the page of a posto follows too": async ({ suite, visit }) => {
    const driver = await visit();
    const posto = await suite.freePosto("server2");
    await driver.openLive(`posto?server_id=server2&posto_id=${posto.id}`);
    await driver.sees(posto, "free");
    await suite.reserveElsewhere(posto);
    await driver.sees(posto, "taken");
    return posto.nome;
  },

  "a new posto appears, a removed one goes, a new name is shown as text": async ({ suite, visit }) => {
    const driver = await visit();
    await driver.openLive();
    const nome = "Praça <b>& Cia</b>";
    const body = { nome, localizacao: "-23.5600,-46.6400", potencia_maxima: 50, tipo_conector: "CCS", preco_kwh: 1.9 };
    const made = { server_id: "server1", ...(await suite.operate("postos", { method: "POST", body })) };
    await driver.sees(made, "free");
    expectEqual(await driver.posto(made).locator("h3 a").textContent(), nome, "the name");
    await suite.operate(`postos/${made.id}`, { method: "DELETE" });
    // A removal has no event of its own: it is found when the gateway lists all postos again.
    await driver.posto(made).waitFor({ state: "detached", timeout: 45_000 });
    return nome;
  },

  "what has the focus keeps it while the list changes": async ({ suite, visit }) => {
    const driver = await visit();
    const [posto, other] = [await suite.freePosto(), await suite.freePosto()];
    await driver.openLive("?disponivel=true");
    await driver.posto(posto).locator("h3 a").focus();
    const place = () => driver.posto(posto).evaluate((one) => Math.round(one.getBoundingClientRect().top));
    // Postos that earlier flows have freed may still move the list.
    let places = [];
    const before = await until("nothing moves any more", async () => {
      places = [...places.slice(-9), await place()];
      const [is] = places;
      return places.length === 10 && places.every((one) => one === is) && is > 0 && is < DESKTOP.height && is;
    });
    await suite.reserveElsewhere(other);
    await driver.posto(other).waitFor({ state: "hidden" });
    const isFocused = await driver.posto(posto).locator("h3 a").evaluate((link) => link === document.activeElement);
    expect(isFocused, "the focus was lost");
    const moved = Math.abs((await place()) - before);
    // Cards of a row are as high as the highest of them, so that a row may be a line higher now.
    expect(moved < 50, `it moved by ${moved} px`);
    return `it moved by ${moved} px`;
  },
};
