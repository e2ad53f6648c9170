// The operator's page, against a servidor that asks for tokens.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { Actions } from "../actions.mjs";
import { card, goTo, openPainel, signIn } from "../painel.mjs";
import { expect, expectEqual, until } from "../until.mjs";
import { reserve } from "../reserve.mjs";

/** What the page says was done. */
const said = ({ page }) => page.locator("#said").innerText();

/** An operator whose page is open. */
async function operator(scene, { token = scene.suite.operatorToken, view, ...options } = {}) {
  const visit = await scene.visit(options, "server1");
  await openPainel(visit, token, view);
  return visit;
}

export default {
  "the token is asked for once, and only for the tab": async (scene) => {
    const { suite } = scene;
    const visit = await scene.visit({}, "server1");
    await visit.open("painel");
    await signIn(visit, "posto_wrong");
    const refusal = await until("the refusal", async () => (await visit.page.locator("#sign-in-problem").innerText()).trim());
    await signIn(visit, suite.operatorToken);
    await visit.page.locator("dialog#sign-in").waitFor({ state: "hidden" });
    await visit.page.reload();
    await visit.page.locator("[data-action=service]").first().waitFor();
    expectEqual(await visit.page.locator("dialog#sign-in[open]").count(), 0, "questions for a token after a reload");
    const tab = await visit.context.newPage();
    await tab.goto(`${visit.base}/painel`);
    await tab.locator("dialog#sign-in[open]").waitFor();
    visit.expectOnlyInHeaders(suite.operatorToken);
    return refusal;
  },

  "a token kept on this device is gone after Sair, and so is what it showed": async (scene) => {
    const { suite } = scene;
    const placa = suite.placa();
    await suite.reserveElsewhere(await suite.freePosto(), { placa });
    const visit = await scene.visit({}, "server1");
    await visit.open("painel#hoje");
    await visit.page.locator("#remember").check();
    await signIn(visit, suite.operatorToken);
    await visit.page.locator("#hoje-reservas tr").filter({ hasText: placa }).waitFor();
    const again = await visit.context.newPage();
    await again.goto(`${visit.base}/painel`);
    await again.locator("[data-action=service]").first().waitFor();
    await again.close();
    await visit.page.locator("#sign-out").click();
    await visit.page.locator("dialog#sign-in[open]").waitFor();
    const { shown, kept } = await visit.page.evaluate(() => ({
      shown: document.body.textContent, kept: JSON.stringify([{ ...localStorage }, { ...sessionStorage }]),
    }));
    expect(!shown.includes(placa), "a placa is still in the page");
    expect(!kept.includes(suite.operatorToken), "the token is still kept");
    return "nothing is left";
  },

  "postos as they are now, followed while the page is open": async (scene) => {
    const { suite } = scene;
    const posto = await suite.freePosto();
    const visit = await operator(scene);
    const state = () => card(visit, posto).getAttribute("data-state");
    const free = await state();
    const placa = suite.placa();
    await suite.reserveElsewhere(posto, { placa });
    await until("it is reserved", async () => (await state()) !== free);
    const reserved = await state();
    const { id } = await suite.operate(`postos/${posto.id}/carregamentos`, { method: "POST", body: { placa } });
    await until("its carro charges", async () => (await card(visit, posto).textContent()).includes(placa) && (await state()) !== reserved);
    const charging = await state();
    await suite.operate(`postos/${posto.id}/carregamentos/${id}`, { method: "PUT", body: { energia_fornecida: 0 } });
    await until("it is free", async () => (await state()) === free);
    expectEqual(visit.requests.filter(({ url }) => url.endsWith("/painel")).length, 1, "times that the page was loaded");
    return `${free}, ${reserved}, ${charging}, ${free}`;
  },

  "maintenance in three actions, who was notified, and back": async (scene) => {
    const { suite } = scene;
    const driver = await scene.visit();
    const posto = await suite.freePosto();
    const placa = suite.placa();
    const { requestId } = await reserve(driver, posto, { placa });
    const visit = await operator(scene);
    const { page } = visit;
    const actions = new Actions();
    // The token was the first, which openPainel has typed.
    await actions.take("token", () => {});
    await actions.take("take out of service", () => card(visit, posto).locator("[data-action=service]").click());
    const dialog = page.locator("dialog[open]");
    await dialog.locator(".effect").filter({ hasText: placa }).waitFor();
    const look = (await dialog.locator(".effect").innerText()).replaceAll(/\s+/g, " ");
    expectEqual((await suite.operate(`postos/${posto.id}`)).em_manutencao, false, "in maintenance after only looking");
    await actions.take("confirm", () => dialog.locator("[type=submit]").click());
    const outcome = dialog.filter({ hasText: "cliente1" });
    await outcome.waitFor();
    expect((await outcome.innerText()).includes(placa), "the result does not name the reserva");
    actions.expectAtMost(3);
    await until("the driver sees the other posto", async () => (await driver.field("posto").innerText()) !== posto.nome);
    const moved = await suite.reserva("server1", requestId);
    expect(moved.posto_id !== posto.id, "the reserva was not moved");
    await dialog.locator("button").last().click();
    await card(visit, posto).and(page.locator("[data-state=maintenance]")).waitFor();
    await card(visit, posto).locator("[data-action=service]").click();
    await page.locator("dialog[open] button").last().click();
    await until("it is in service again", async () => (await suite.operate(`postos/${posto.id}`)).disponivel);
    return `${actions.done.join(", ")}: ${look}`;
  },

  "a reserva of today is cancelled after a question": async (scene) => {
    const { suite } = scene;
    const posto = await suite.freePosto();
    const placa = suite.placa();
    const { request_id } = await suite.reserveElsewhere(posto, { placa });
    const visit = await operator(scene, { view: "hoje" });
    const row = visit.page.locator("#hoje-reservas tr").filter({ hasText: placa });
    await row.locator("button").click();
    const dialog = visit.page.locator("dialog[open]");
    await dialog.filter({ hasText: placa }).waitFor();
    await dialog.locator("button.danger").click();
    await until("it is cancelled", async () => (await suite.reserva("server1", request_id)).status === "cancelada");
    await row.locator("button").waitFor({ state: "detached" });
    return said(visit);
  },

  "a reserva of another day is found by its placa and cancelled": async (scene) => {
    const { suite } = scene;
    const [posto, other] = [await suite.freePosto(), await suite.freePosto()];
    const [placa, elsewhere] = [suite.placa(), suite.placa()];
    const inDays = (days, hours = 0) => new Date(Date.now() + days * 86_400_000 + hours * 3_600_000).toISOString();
    const { request_id } = await suite.reserveElsewhere(posto, { placa, inicio: inDays(3), fim: inDays(3, 1) });
    await suite.reserveElsewhere(other, { placa: elsewhere });
    const visit = await operator(scene, { view: "hoje" });
    const rows = visit.page.locator("#hoje-reservas tr");
    await rows.filter({ hasText: elsewhere }).waitFor();
    expectEqual(await rows.filter({ hasText: placa }).count(), 0, "rows of another day");
    await visit.page.locator("#hoje-search").fill(other.nome);
    await until("only that posto is shown", async () => (await rows.allInnerTexts()).every((row) => row.includes(other.nome)));
    await visit.page.locator("#hoje-search").fill(placa.toLowerCase());
    const row = rows.filter({ hasText: placa });
    await row.waitFor();
    expectEqual(await rows.count(), 1, "rows of this placa");
    const said = (await row.innerText()).replaceAll(/\s+/g, " ");
    await row.locator("button").click();
    await visit.page.locator("dialog[open] button.danger").click();
    await until("it is cancelled", async () => (await suite.reserva("server1", request_id)).status === "cancelada");
    await row.waitFor({ state: "detached" });
    return said;
  },

  "many chargers that are out of service are one line": async (scene) => {
    const { suite } = scene;
    const postos = [];
    for (let count = 0; count < 5; count += 1) postos.push(await suite.freePosto());
    await suite.reserveElsewhere(postos[3]);
    const say = (id, disponivel) => execFileSync("mosquitto_pub", ["-p", String(suite.brokerPort), "-q", "1", "-t", `pontos/${id}/disponibilidade`,
      "-m", JSON.stringify({ server_id: "server1", ponto_id: id, disponivel })]);
    for (const { id } of postos) say(id, false);
    const visit = await operator(scene);
    const group = visit.page.locator('#attention > [data-key="group/charger"]');
    await group.waitFor();
    const says = await group.locator("summary").innerText();
    expectEqual(await visit.page.locator('#attention > [data-key^="charger/"]').count(), 0, "lines of single chargers");
    await group.locator("summary").click();
    const first = group.locator("li").first();
    expect((await first.innerText()).includes(postos[3].nome), "the one with a reserva is not the first");
    // A round later what was opened is open.
    await visit.page.waitForResponse((response) => response.url().includes("carregamentos?status=ativo"));
    await visit.page.waitForTimeout(500);
    expectEqual(await first.isVisible(), true, "the open list after a round");
    for (const { id } of postos) say(id, true);
    await group.waitFor({ state: "detached" });
    return says;
  },

  "what is wrong with a posto is said by the names of its fields": async (scene) => {
    const posto = await scene.suite.freePosto();
    const visit = await operator(scene);
    const dialog = visit.page.locator("dialog[open]");
    await card(visit, posto).locator("[data-action=more]").click();
    await dialog.locator("button").filter({ hasText: /preço/i }).click();
    await dialog.locator("[name=preco_kwh]").fill("-1");
    await dialog.locator("[type=submit]").click();
    const problem = dialog.locator("[role=alert]");
    await problem.waitFor();
    const text = (await problem.innerText()).replaceAll(/\s+/g, " ");
    expect(text.includes("Preço do kWh, em reais: ") && !text.includes("preco_kwh"), text);
    return text;
  },

  "a session begins and ends": async (scene) => {
    const { suite } = scene;
    const posto = await suite.freePosto();
    const placa = suite.placa();
    const visit = await operator(scene);
    const { page } = visit;
    await card(visit, posto).locator("[data-action=more]").click();
    await page.locator("dialog[open] button").filter({ hasText: /carregamento/i }).first().click();
    await page.locator("dialog[open] [name=placa]").fill(placa);
    await page.locator("dialog[open] [type=submit]").click();
    await card(visit, posto).and(page.locator("[data-state=charging]")).waitFor();
    await goTo(visit, "hoje");
    const row = page.locator("#hoje-sessions tr").filter({ hasText: placa });
    await row.locator("button").click();
    await page.locator("dialog[open] [name=energia_fornecida]").fill("0,0");
    await page.locator("dialog[open] [type=submit]").click();
    await row.locator("button").waitFor({ state: "detached" });
    return (await row.innerText()).replaceAll(/\s+/g, " ");
  },

  "numbers as plots and tables": async (scene) => {
    // A refusal, so that there is one to count.
    const posto = await scene.suite.freePosto();
    await scene.suite.reserveElsewhere(posto);
    await scene.suite.reserveElsewhere(posto).catch(() => {});
    const visit = await operator(scene, { view: "numeros" });
    const { page } = visit;
    const seen = [];
    for (const period of ["24h", "7d", "30d", "12m"]) {
      await page.locator(`#periods [data-period="${period}"]`).click();
      await page.locator(`#periods [data-period="${period}"][aria-current=true]`).waitFor();
      await until(`plots of ${period}`, async () => (await page.locator("#numeros-content:not([aria-busy]) figure svg").count()) >= 2);
      const plots = await page.locator("#numeros-content figure").count();
      const rows = await page.locator("#numeros-content table").first().locator("tbody tr").count();
      expect(plots >= 3 && rows > 0, `${period}: ${plots} plots, ${rows} rows`);
      seen.push(`${period}: ${rows} rows`);
    }
    expect(page.url().includes("12m"), `the address has no period: ${page.url()}`);
    return seen.join(", ");
  },

  "CSV out, and in after a look": async (scene) => {
    const { suite } = scene;
    const visit = await operator(scene, { view: "arquivos" });
    const { page } = visit;
    const [file] = await Promise.all([page.waitForEvent("download"), page.locator("#exports button").first().click()]);
    const content = readFileSync(await file.path());
    expect(content.length > 100, "the file is empty");
    const choose = (text) => page.locator("#import-file").setInputFiles({ name: "postos.csv", mimeType: "text/csv", buffer: Buffer.from(text) });
    const head = "id,nome,latitude,longitude,status,preco_kwh\n";
    await choose(`${head}900,Novo,-23.5,-46.6,disponivel,2.5\n901,Errado,-93.5,-46.6,disponivel,abc\n`);
    await page.locator("#import-effect table").waitFor();
    const wrong = await page.locator("#import-effect tbody tr").count();
    await choose(`${head}900,Posto do arquivo,-23.5,-46.6,disponivel,2.5\n`);
    const yes = page.locator("#import-effect button");
    await yes.waitFor();
    expectEqual((await suite.call("server1", "postos/900")).status, 404, "posto 900 after only looking");
    await yes.click();
    await page.locator("#import-effect .good").waitFor();
    expectEqual((await suite.call("server1", "postos/900")).status, 200, "posto 900 after the import");
    const done = await page.locator("#import-effect").innerText();
    await suite.operate("postos/900", { method: "DELETE" });
    return `${file.suggestedFilename()}, ${content.length} bytes; ${wrong} wrong cells; ${done}`;
  },

  "what was changed by whom": async (scene) => {
    const { suite } = scene;
    const { id, preco_kwh } = await suite.freePosto();
    await suite.operate(`postos/${id}`, { method: "PATCH", body: { preco_kwh: preco_kwh + 0.07 } });
    const visit = await operator(scene, { view: "auditoria" });
    const changes = visit.page.locator("#auditoria-list > li");
    await changes.first().waitFor();
    const first = (await changes.first().innerText()).replaceAll(/\s+/g, " ");
    const price = (value) => String(Math.round(value * 100) / 100).replace(".", ",");
    expect(first.includes(price(preco_kwh)) && first.includes(price(preco_kwh + 0.07)), first);
    await visit.page.locator("#auditoria-filters [name=alvo]").fill(`posto/${id}`);
    await visit.page.locator("#auditoria-filters [type=submit]").click();
    await until("the filter is in the address", () => /alvo=posto/.test(decodeURIComponent(visit.page.url())));
    await until("only changes of that posto", async () => (await changes.allInnerTexts()).every((one) => one.includes(`posto/${id}`)) && (await changes.count()) > 0);
    return first;
  },

  "a token is made, shown once and revoked; one of leitura may only look": async (scene) => {
    const { suite } = scene;
    const visit = await operator(scene, { view: "tokens" });
    const { page } = visit;
    await page.locator("#token-form [name=nome]").fill("painel-teste");
    await page.locator("#token-form [name=papel]").selectOption("leitura");
    await page.locator("#token-form button").click();
    const made = await page.locator("#token-made input").inputValue();
    expect(made.length > 30, `the token is ${made.length} long`);
    await goTo(visit, "agora");
    await goTo(visit, "tokens");
    expectEqual(await page.locator("#token-made input").count(), 0, "times that the token is shown again");

    const reader = await operator(scene, { token: made });
    await reader.page.locator("li.posto").first().waitFor();
    await until("its role is said", async () => (await reader.page.locator("#role").innerText()) !== "");
    const actions = await reader.page.locator("[data-action], #attention button, [data-operators]").filter({ visible: true }).count();
    expectEqual(actions, 0, "actions that leitura is offered");
    await goTo(reader, "hoje");
    expectEqual(await reader.page.locator("#hoje-reservas button, #hoje-sessions button").count(), 0, "actions of today that leitura is offered");

    await page.locator("#token-list tr").filter({ hasText: "painel-teste" }).locator("button").click();
    await page.locator("dialog[open] button.danger").click();
    await page.locator("#token-list tr").filter({ hasText: "painel-teste" }).waitFor({ state: "detached" });
    expectEqual((await suite.call("server1", "reservas", { token: made })).status, 401, "the revoked token");
    await reader.page.locator("dialog#sign-in[open]").waitFor();
    visit.expectOnlyInHeaders(suite.operatorToken);
    reader.expectOnlyInHeaders(made);
    return await reader.page.locator("#sign-in-problem").innerText();
  },

  "a servidor without tokens asks for none": async (scene) => {
    const visit = await scene.visit({}, "server2");
    await visit.open("painel");
    await visit.page.locator("[data-action=service]").first().waitFor();
    expectEqual(await visit.page.locator("dialog#sign-in[open]").count(), 0, "questions for a token");
    return `${await visit.page.locator("li.posto").count()} postos`;
  },

  "the servidor stops and starts again while the page is open": async (scene) => {
    const { suite } = scene;
    const visit = await operator(scene);
    await suite.server1.end();
    const stale = await until("it says that it is stale", async () => (await visit.page.locator("#stale").innerText()).trim());
    await suite.start();
    // It asks less and less often.
    await visit.page.locator("#live[data-live=yes]").waitFor({ timeout: 60_000 });
    expectEqual(await visit.page.locator("#stale").isVisible(), false, "#stale when it is back");
    return stale;
  },

  "the broker is away: what needs attention says so": async (scene) => {
    const visit = await operator(scene);
    const before = await visit.page.locator("#attention").innerText();
    await scene.suite.broker.end("SIGKILL");
    const says = await until("it says so", async () => {
      const now = await visit.page.locator("#attention").innerText();
      return now !== before && /broker/i.test(now) && now;
    });
    await scene.suite.start();
    await until("it says so no more", async () => !/broker/i.test(await visit.page.locator("#attention").innerText()));
    return says.replaceAll(/\s+/g, " ").slice(0, 160);
  },

  "without script: the postos, and what is needed": async ({ visit }) => {
    const reader = await visit({ script: false }, "server1");
    await reader.open("painel");
    const postos = await reader.page.locator("li.posto").count();
    expect(postos >= 120, `${postos} postos`);
    return (await reader.page.locator("noscript").first().innerText()).replaceAll(/\s+/g, " ").trim();
  },
};
