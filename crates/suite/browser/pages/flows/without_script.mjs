// The pages with JavaScript turned off: the list is in the HTML, and forms do the rest.
import { expect, expectEqual } from "../until.mjs";

export default {
  "the list of both servidores, filtered by the form": async ({ visit }) => {
    const { page, base } = await visit({ script: false });
    await page.goto(`${base}/`);
    const all = await page.locator("ul#postos > li.posto").count();
    expect(all > 100, `${all} postos are in the HTML`);
    expectEqual(await page.locator("#map, #near, #nearest, #mine").filter({ visible: true }).count(), 0, "what needs script and shows");
    expectEqual(await page.locator("#live").innerText(), "", "what #live says");
    await page.locator("[name=tipo_conector]").selectOption("CHAdeMO");
    await page.locator("#filters [type=submit]").first().click();
    const shown = await page.locator("ul#postos > li.posto").evaluateAll((all) => all.map((one) => one.dataset.connector));
    expect(shown.length > 0 && shown.every((one) => one === "CHAdeMO"), `filtered: ${shown}`);
    expect(new URL(page.url()).searchParams.get("tipo_conector") === "CHAdeMO", page.url());
    return `${all} postos, ${shown.length} of them CHAdeMO`;
  },

  "pages of a long list": async ({ visit }) => {
    const { page, base } = await visit({ script: false });
    await page.goto(`${base}/`);
    const seen = new Set();
    for (let pages = 1; ; pages += 1) {
      const ids = await page.locator("ul#postos > li.posto").evaluateAll((all) => all.map((one) => `${one.dataset.serverId} ${one.dataset.postoId}`));
      ids.forEach((id) => seen.add(id));
      const next = page.locator("a[rel=next]");
      if (await next.count() === 0) {
        expectEqual(seen.size, 240, "postos on all pages");
        return `${seen.size} postos on ${pages} pages`;
      }
      await next.first().click();
    }
  },

  "reserve, see, change and cancel": async ({ suite, visit }) => {
    const { page, base } = await visit({ script: false });
    const posto = await suite.freePosto();
    await page.goto(`${base}/?server_id=${posto.server_id}`);
    await page.locator(`li[data-posto-id="${posto.id}"] h3 a`).click();
    await page.locator("form#reserve [name=placa]").fill(suite.placa());
    await page.locator("form#reserve [type=submit]").click();
    await page.waitForURL(/\/reserva\?/);
    const article = page.locator("article#reserva");
    expectEqual(await article.getAttribute("data-status"), "ativa", "status");
    const request = await article.getAttribute("data-request-id");
    const before = await suite.reserva(posto.server_id, request);
    // An hour later than it was agreed, as it is typed in Brasília.
    const later = new Date(Date.parse(before.fim) + 3_600_000);
    const typed = new Date(later.getTime() - 3 * 3_600_000).toISOString().slice(0, 16);
    await page.locator("form#change [name=fim]").fill(typed);
    await page.locator("form#change [type=submit]").click();
    await page.waitForURL(/\/reserva\?/);
    const changed = await suite.reserva(posto.server_id, request);
    expectEqual(Math.floor(Date.parse(changed.fim) / 60_000), Math.floor(later / 60_000), "fim after the change");
    await page.locator("form#cancel [type=submit]").click();
    await page.locator("article#reserva[data-status=cancelada]").waitFor();
    expectEqual((await suite.reserva(posto.server_id, request)).status, "cancelada", "status after cancelling");
    expectEqual(await page.locator("form#cancel, form#change").filter({ visible: true }).count(), 0, "forms of a reserva that has ended");
    return posto.nome;
  },

  "wrong fields and refusals, values kept": async ({ suite, visit }) => {
    const { page, base } = await visit({ script: false });
    const posto = await suite.freePosto();
    await page.goto(`${base}/posto?server_id=${posto.server_id}&posto_id=${posto.id}`);
    const form = page.locator("form#reserve");
    await page.locator("details:has([name=taxa_descarga]) > summary").click();
    await form.locator("[name=placa]").fill("TST0000");
    await form.locator("[name=nivel_bateria_atual]").fill("99");
    // What the browser would check by itself is left to the program.
    await form.evaluate((one) => { one.noValidate = true; });
    await form.locator("[type=submit]").click();
    await page.locator("#errors a").first().waitFor();
    expectEqual(await form.locator("[name=placa]").inputValue(), "TST0000", "placa after an error");
    expectEqual(await form.locator("[name=nivel_bateria_atual]").inputValue(), "99", "the wrong value");
    const wrong = await page.locator("#errors a").evaluateAll((all) => all.map((one) => document.querySelector(one.getAttribute("href"))?.getAttribute("name")));
    expectEqual(wrong, ["nivel_bateria_atual"], "fields that #errors leads to");
    await suite.reserveElsewhere(posto);
    await form.locator("[name=nivel_bateria_atual]").fill("20,5");
    const [answer] = await Promise.all([
      page.waitForResponse((response) => response.request().method() === "POST"),
      form.locator("[type=submit]").click(),
    ]);
    expectEqual(answer.status(), 409, "status");
    const said = await page.locator("#errors").innerText();
    expect(/reservado/.test(said), `the refusal says: ${said}`);
    return `${answer.status()}: ${said.trim().split("\n").at(-1)}`;
  },

  "a link to a posto that does not exist": async ({ visit }) => {
    const { page, base } = await visit({ script: false });
    const answer = await page.goto(`${base}/posto?server_id=server1&posto_id=99999`);
    expectEqual(answer.status(), 404, "status");
    const text = await page.locator("main").innerText();
    expect(text.includes("O posto 99999 não existe no servidor server1"), text);
    return "404 as a page";
  },
};
