// A view of the list is in its address, so that it can be shared.
import { expect, expectEqual, until } from "../until.mjs";

const shown = (page) => page.locator("ul#postos > li.posto").filter({ visible: true })
  .evaluateAll((all) => all.map(({ dataset }) => ({
    id: `${dataset.serverId} ${dataset.postoId}`, connector: dataset.connector, power: Number(dataset.power),
    state: dataset.state, price: Number(dataset.price),
  })));

export default {
  "filters write the address, and a shared address shows the same": async ({ visit }) => {
    const driver = await visit();
    await driver.openLive();
    const { page } = driver;
    await page.locator("#filters details > summary").click();
    const history = await page.evaluate(() => history.length);
    await page.locator("[name=tipo_conector]").selectOption("CCS");
    await page.locator("[name=ordem]").selectOption("preco");
    await page.locator("[name=disponivel]").check();
    const power = page.locator("[name=potencia_minima]");
    if (await power.evaluate((field) => field.tagName) === "SELECT") await power.selectOption("22");
    else await power.fill("22");
    await until("the address has the filters", () => {
      const query = new URL(page.url()).searchParams;
      return query.get("tipo_conector") === "CCS" && query.get("ordem") === "preco"
        && query.get("disponivel") === "true" && query.get("potencia_minima") === "22";
    });
    const here = await until("the list is filtered", async () => {
      const all = await shown(page);
      return all.every((one) => one.connector === "CCS" && one.power >= 22 && one.state === "free") && all;
    });
    expect(here.length > 3, `${here.length} postos`);
    const prices = here.map(({ price }) => price);
    expectEqual(prices, prices.toSorted((one, other) => one - other), "order by price");
    expectEqual(await page.evaluate(() => history.length), history, "entries of the history");
    const count = await page.locator("#count").innerText();
    expect(count.includes(String(here.length)), `#count says ${count} of ${here.length}`);

    for (const options of [{}, { script: false }]) {
      const friend = await visit(options);
      await friend.open(page.url().slice(driver.base.length + 1));
      if (options.script !== false) await friend.page.locator("#live[data-live=yes]").waitFor();
      expectEqual((await shown(friend.page)).map(({ id }) => id), here.map(({ id }) => id), `the same address, ${JSON.stringify(options)}`);
    }
    return `${here.length} postos; ${new URL(page.url()).search}`;
  },

  "back from a posto shows the view that was left": async ({ visit }) => {
    const driver = await visit();
    await driver.openLive("?tipo_conector=CHAdeMO");
    const before = await shown(driver.page);
    await driver.page.locator("ul#postos > li.posto h3 a").first().click();
    await driver.page.waitForURL(/\/posto\?/);
    await driver.page.goBack();
    await driver.page.locator("#live[data-live=yes]").waitFor();
    expectEqual((await shown(driver.page)).map(({ id }) => id), before.map(({ id }) => id), "postos after going back");
    return `${before.length} postos`;
  },

  "a filter that fits nothing says so": async ({ visit }) => {
    const driver = await visit();
    await driver.openLive("?potencia_minima=999");
    expectEqual((await shown(driver.page)).length, 0, "postos");
    return await driver.page.locator("#count").innerText();
  },
};
