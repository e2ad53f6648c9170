// What the operator does to a reserva is said on the driver's page while it is open.
import { expect, expectEqual, until } from "../until.mjs";
import { reserve } from "../reserve.mjs";

async function reserved({ suite, visit }, placa = suite.placa()) {
  const driver = await visit();
  const posto = await suite.freePosto();
  const { requestId } = await reserve(driver, posto, { placa });
  const { id } = await suite.reserva("server1", requestId);
  return { driver, posto, requestId, id, placa };
}

const said = async ({ page }) => (await page.locator("article#reserva").innerText()).replaceAll(/\s+/g, " ");

export default {
  "cancelled by the operator": async (scene) => {
    const { driver, id } = await reserved(scene);
    await scene.suite.operate(`reservas/${id}/cancelar`, { method: "POST" });
    await driver.page.locator("article#reserva[data-status=cancelada]").waitFor();
    await until("it says who has cancelled", async () => /operador/i.test(await said(driver)));
    return await driver.field("status").innerText();
  },

  "moved to another posto by maintenance": async (scene) => {
    const { driver, posto, requestId } = await reserved(scene);
    const { reservas } = await scene.suite.operate(`postos/${posto.id}/disponibilidade`, {
      method: "PUT", body: { disponivel: false, em_manutencao: true, reservas: "mover" },
    });
    expectEqual(reservas.map(({ resultado }) => resultado), ["movida"], "what became of the reserva");
    const { posto_id } = await scene.suite.reserva("server1", requestId);
    const there = (await scene.suite.postos("server1")).find(({ id }) => id === posto_id);
    await until("the page names the other posto", async () => (await driver.field("posto").innerText()) === there.nome);
    await until("it says that it was moved", async () => /mud|mov|transfer/i.test(await said(driver)));
    await scene.suite.operate(`postos/${posto.id}/disponibilidade`, { method: "PUT", body: { disponivel: true, em_manutencao: false } });
    return `${posto.nome} to ${there.nome}: ${await driver.field("notice").innerText()}`;
  },

  "cancelled by maintenance, seen among my reservas": async (scene) => {
    const { driver, posto } = await reserved(scene);
    await driver.openLive();
    const mine = driver.page.locator("#mine-list > li").filter({ hasText: posto.nome });
    await mine.waitFor();
    await scene.suite.operate(`postos/${posto.id}/disponibilidade`, {
      method: "PUT", body: { disponivel: false, em_manutencao: true, reservas: "cancelar" },
    });
    await until("it says maintenance", async () => /manutenção/i.test(await mine.innerText()));
    await driver.sees(posto, "maintenance");
    await scene.suite.operate(`postos/${posto.id}/disponibilidade`, { method: "PUT", body: { disponivel: true, em_manutencao: false } });
    await driver.sees(posto, "free");
    return (await mine.innerText()).replaceAll(/\s+/g, " ");
  },

  "charging begins and ends": async (scene) => {
    const { driver, posto, placa, requestId } = await reserved(scene);
    const { id } = await scene.suite.operate(`postos/${posto.id}/carregamentos`, { method: "POST", body: { placa } });
    await driver.page.locator("article#reserva[data-status=cumprida]").waitFor();
    await scene.suite.operate(`postos/${posto.id}/carregamentos/${id}`, { method: "PUT", body: { energia_fornecida: 0 } });
    const { livre_desde } = await until("the posto is free again", async () => {
      const now = await scene.suite.reserva("server1", requestId);
      return now.livre_desde && now;
    });
    await until("the page says that it has ended", async () => (await driver.page.locator("form#cancel, form#change").filter({ visible: true }).count()) === 0);
    expect(livre_desde, "livre_desde");
    return await driver.field("status").innerText();
  },
};
