// The operator's page that stays open: what it shows is of now, and what it does is what it shows.
import { card, goTo, openPainel, signIn } from "../painel.mjs";
import { expect, expectEqual, until } from "../until.mjs";

async function operator({ suite, visit }, view, token = suite.operatorToken) {
  const opened = await visit({}, "server1");
  await openPainel(opened, token, view);
  return opened;
}

/** The first answer to a question of this kind is a refusal. */
const refuseOnce = ({ page }, address) => page.route(address, (route) => route.fulfill({
  status: 503, contentType: "application/json", body: JSON.stringify({ status: "erro", codigo: "sobrecarregado", mensagem: "Ocupado." }),
}), { times: 1 });

const isBusy = (dialog) => dialog.locator(".effect[aria-busy], [type=submit][aria-disabled]").count();

export default {
  "numbers are counted again, and what is open stays so": async (scene) => {
    const { page } = await operator(scene, "numeros");
    const content = page.locator("#numeros-content:not([aria-busy])");
    await content.locator("figure svg").first().waitFor();
    const counted = await content.locator("[data-field=counted]").innerText();
    await content.locator("summary").first().click();
    const totals = await content.locator(".totals").innerText();
    await scene.suite.reserveElsewhere(await scene.suite.freePosto());
    // As when a screen is looked at again; it would ask by itself within a minute.
    await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await until("the reserva is counted", async () => (await content.locator(".totals").innerText()) !== totals);
    const { isOpen, focused } = await page.evaluate(() => ({
      isOpen: document.querySelector("#numeros-content details").open, focused: document.activeElement.tagName,
    }));
    expectEqual({ isOpen, focused }, { isOpen: true, focused: "SUMMARY" }, "the table that was opened");
    await until("the plots are drawn", async () => (await content.locator("figure svg").count()) >= 2);
    return counted;
  },

  "an error of a view goes when its tab is pressed again": async (scene) => {
    const visit = await operator(scene);
    const { page } = visit;
    const views = { numeros: "#numeros-problem .notice", auditoria: "#auditoria-more .notice", tokens: "#token-list .notice" };
    const filled = { numeros: "#numeros-content figure", auditoria: "#auditoria-list > li", tokens: "#token-list table" };
    for (const [view, problem] of Object.entries(views)) {
      const address = { numeros: "estatisticas", auditoria: "auditoria", tokens: "tokens" }[view];
      await refuseOnce(visit, new RegExp(`/${address}(\\?.*)?$`));
      await goTo(visit, view);
      await page.locator(problem).waitFor();
      await goTo(visit, view);
      await page.locator(problem).waitFor({ state: "detached" });
      await page.locator(filled[view]).first().waitFor();
    }
    await goTo(visit, "numeros");
    await page.locator("#periods [data-period='24h']").click();
    await page.locator("#numeros-content:not([aria-busy]) figure").first().waitFor();
    await Promise.all([page.waitForResponse(/estatisticas/), page.locator("#periods [data-period='24h']").click()]);
    return Object.keys(views).join(", ");
  },

  "what a revoked token has emptied is shown again": async (scene) => {
    const { suite } = scene;
    const filled = { auditoria: "#auditoria-list > li", numeros: "#numeros-content figure", tokens: "#token-list table" };
    for (const [view, place] of Object.entries(filled)) {
      const { nome, token } = await suite.operate("tokens", { method: "POST", body: { nome: `painel-${view}`, papel: "operador" } });
      const visit = await operator(scene, view, token);
      await visit.page.locator(place).first().waitFor();
      await suite.operate(`tokens/${nome}`, { method: "DELETE" });
      await visit.page.locator("dialog#sign-in[open]").waitFor();
      expectEqual(await visit.page.locator(place).count(), 0, `${view} without a token`);
      await signIn(visit, suite.operatorToken);
      await visit.page.locator(place).first().waitFor();
    }
    return Object.keys(filled).join(", ");
  },

  "a dialog cancels what it shows, and no reserva that came meanwhile": async (scene) => {
    const { suite } = scene;
    const posto = await suite.freePosto();
    const at = (hours) => new Date(Date.now() + hours * 3_600_000).toISOString();
    const first = await suite.reserveElsewhere(posto, { inicio: at(2), fim: at(3) });
    const visit = await operator(scene);
    const dialog = visit.page.locator("dialog[open]");
    const confirm = dialog.locator("[type=submit]");
    await card(visit, posto).locator("[data-action=service]").click();
    await dialog.locator("[name=reservas][value=cancelar]").check();
    await until("one is cancelled", async () => (await isBusy(dialog)) === 0 && /\b1\b/.test(await confirm.innerText()));
    const second = await suite.reserveElsewhere(posto, { inicio: at(4), fim: at(5) });
    await confirm.click();
    await dialog.locator(".notice.bad").waitFor();
    const says = await dialog.locator(".notice.bad").innerText();
    await until("two would be cancelled", async () => (await isBusy(dialog)) === 0 && /\b2\b/.test(await confirm.innerText()));
    for (const { request_id } of [first, second]) {
      expectEqual((await suite.reserva("server1", request_id)).status, "ativa", "before it is confirmed");
    }
    await confirm.click();
    await dialog.locator(".notice.good").waitFor();
    for (const { request_id } of [first, second]) {
      expectEqual((await suite.reserva("server1", request_id)).status, "cancelada", "after it is confirmed");
    }
    await suite.operate(`postos/${posto.id}/disponibilidade`, { method: "PUT", body: { disponivel: true, em_manutencao: false } });
    return says;
  },

  "an action without an answer leaves a dialog that looks again": async (scene) => {
    const { suite } = scene;
    const posto = await suite.freePosto();
    await suite.reserveElsewhere(posto);
    const visit = await operator(scene);
    const dialog = visit.page.locator("dialog[open]");
    await card(visit, posto).locator("[data-action=service]").click();
    await until("its effect is shown", async () => (await isBusy(dialog)) === 0);
    await visit.page.route(`**/postos/${posto.id}/disponibilidade`, async (route) => {
      if (route.request().postDataJSON().simular) return route.continue();
      await route.fetch();
      return route.abort("connectionreset");
    });
    await dialog.locator("[type=submit]").click();
    await dialog.locator(".notice.bad").waitFor();
    const effect = await until("what it would do now is shown", async () => (await isBusy(dialog)) === 0 && dialog.locator(".effect").innerText());
    expect(/nenhuma/i.test(effect), `the reserva was moved already, but the effect is: ${effect}`);
    await suite.operate(`postos/${posto.id}/disponibilidade`, { method: "PUT", body: { disponivel: true, em_manutencao: false } });
    return effect;
  },
};
