// The operator's page in each view and state: axe-core, narrow screens, zoom, motion, and the keyboard.
import { expectNoFinding, expectNoMotion, expectNoSidewaysScrolling } from "../accessibility.mjs";
import { Keyboard } from "../keyboard.mjs";
import { VIEWS, card, goTo, openPainel } from "../painel.mjs";
import { DESKTOP, PHONE } from "../visit.mjs";
import { expect, expectEqual, until } from "../until.mjs";

/** Runs `look` in each view and dialog. */
async function each({ suite, visit }, options, look) {
  const asked = await visit(options, "server1");
  await asked.open("painel");
  await asked.page.locator("dialog#sign-in[open]").waitFor();
  await look(asked.page, "the question for a token");
  const posto = await suite.freePosto();
  await suite.reserveElsewhere(posto);
  const operator = await visit(options, "server1");
  await openPainel(operator, suite.operatorToken);
  for (const view of VIEWS) {
    await goTo(operator, view);
    if (view === "numeros") await operator.page.locator("#numeros-content svg").first().waitFor();
    if (view === "auditoria") await operator.page.locator("#auditoria-list > li").first().waitFor();
    if (view === "tokens") await operator.page.locator("#token-list table").waitFor();
    await look(operator.page, view);
  }
  await goTo(operator, "agora");
  for (const [state, open] of Object.entries(DIALOGS)) {
    await open(operator, posto);
    await look(operator.page, state);
    await operator.page.keyboard.press("Escape");
    await operator.page.locator("dialog[open]").waitFor({ state: "detached" });
  }
}

const press = ({ page }, words) => page.locator("dialog[open] button").filter({ hasText: words }).first().click();

/** The dialogs, each with how it is opened. */
const DIALOGS = {
  "what can be done with a posto": async (operator, posto) => card(operator, posto).locator("[data-action=more]").click(),
  "change of a posto": async (operator, posto) => {
    await card(operator, posto).locator("[data-action=more]").click();
    await press(operator, /nome, preço/i);
    await operator.page.locator("dialog[open] [name=preco_kwh]").waitFor();
  },
  "removal": async (operator, posto) => {
    await card(operator, posto).locator("[data-action=more]").click();
    await press(operator, /remover/i);
    await operator.page.locator("dialog[open] .effect:not([aria-busy])").waitFor();
  },
  "maintenance": async (operator, posto) => {
    await card(operator, posto).locator("[data-action=service]").click();
    await operator.page.locator("dialog[open] .effect:not([aria-busy])").waitFor();
  },
};

const looks = [["light", PHONE], ["dark", PHONE], ["light", DESKTOP], ["dark", DESKTOP]].map(([colorScheme, viewport]) => [
  `axe-core, ${colorScheme}, ${viewport.width} px`,
  async (scene) => {
    await each(scene, { colorScheme, viewport }, expectNoFinding);
    return `no finding in ${VIEWS.length + Object.keys(DIALOGS).length + 1} states`;
  },
]);

export default {
  ...Object.fromEntries(looks),

  "320 px wide": async (scene) => {
    await each(scene, { viewport: { width: 320, height: 640 } }, expectNoSidewaysScrolling);
    return "nothing scrolls sideways";
  },

  "200 % zoom": async (scene) => {
    await each(scene, { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 }, expectNoSidewaysScrolling);
    return "nothing scrolls sideways";
  },

  "reduced motion": async (scene) => {
    await each(scene, { reducedMotion: "reduce" }, expectNoMotion);
    return "nothing moves";
  },

  "numbers in print": async (scene) => {
    const operator = await scene.visit({}, "server1");
    await openPainel(operator, scene.suite.operatorToken, "numeros");
    await operator.page.locator("#numeros-content svg").first().waitFor();
    await operator.page.emulateMedia({ media: "print" });
    const shown = await operator.page.locator("#views, #tools, button").filter({ visible: true }).count();
    expectEqual(shown, 0, "controls in print");
    expectEqual(await operator.page.locator("#numeros-content svg").first().isVisible(), true, "a plot in print");
    return "plots and no controls";
  },

  "maintenance by keyboard": async ({ suite, visit }) => {
    const posto = await suite.freePosto();
    await suite.reserveElsewhere(posto);
    const operator = await visit({}, "server1");
    const { page } = operator;
    await operator.open("painel");
    await page.locator("dialog#sign-in[open]").waitFor();
    const keys = new Keyboard(page);
    if (!(await keys.isAt("#token"))) await keys.to("#token", { limit: 4 });
    await keys.type(suite.operatorToken);
    await keys.press("Enter");
    await page.locator("dialog#sign-in").waitFor({ state: "hidden" });
    await card(operator, posto).locator("[data-action=service]").waitFor();
    const search = new Keyboard(page);
    await search.to("#search");
    await search.type(posto.nome);
    await until("only that posto is shown", async () => (await page.locator("li.posto").first().getAttribute("data-posto-id")) === String(posto.id));
    await search.to(`li.posto[data-posto-id="${posto.id}"] [data-action=service]`);
    const views = search.order.filter((name) => name === "search").length;
    expectEqual(views, 1, "times that the search had the focus");
    await search.press("Enter");
    await page.locator("dialog[open] .effect:not([aria-busy])").waitFor();
    expect(await page.evaluate(() => document.activeElement.closest("dialog") !== null), "the focus is not in the dialog");
    const dialog = new Keyboard(page);
    await dialog.to("dialog[open] [type=submit]");
    expectEqual(dialog.order.filter((name) => ["estado", "reservas", "ate"].includes(name)), ["reservas", "estado", "ate"], "the order of focus in the dialog");
    await dialog.press("Enter");
    await page.locator("dialog[open]").filter({ hasText: "cliente2" }).waitFor();
    await dialog.press("Escape");
    await page.locator("dialog[open]").waitFor({ state: "detached" });
    expect(await dialog.isAt(`li.posto[data-posto-id="${posto.id}"] [data-action=service]`), "the focus is not back on the button");
    await suite.operate(`postos/${posto.id}/disponibilidade`, { method: "PUT", body: { disponivel: true, em_manutencao: false } });
    return `${keys.presses + search.presses + dialog.presses} keys`;
  },
};
