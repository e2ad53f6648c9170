// What goes and comes back while a page is open: the page says what it means, and recovers by itself.
import { openPainel } from "../painel.mjs";
import { expect, expectEqual, until } from "../until.mjs";

const live = (driver) => driver.page.locator("#live[data-live=yes]").waitFor();
const notLive = (driver) => driver.page.locator("#live[data-live=no]").waitFor();
const notices = async ({ page }) => (await page.locator("#notices").innerText()).trim();

/** The page was never loaded again, and follows what happens now. */
async function expectFollows({ suite }, driver, posto) {
  await driver.sees(posto, "free");
  const { request_id } = await suite.reserveElsewhere(posto);
  await driver.sees(posto, "taken");
  await suite.cancelElsewhere(posto, request_id);
  await driver.sees(posto, "free");
  expectEqual(driver.requests.filter(({ url }) => url === `${driver.base}/`).length, 1, "times that the page was loaded");
}

export default {
  "the broker is killed and starts again": async (scene) => {
    const { suite } = scene;
    const driver = await scene.visit();
    const posto = await suite.freePosto();
    await driver.openLive();
    expectEqual(await notices(driver), "", "notices while all is well");
    await suite.broker.end("SIGKILL");
    const said = await until("the page says so", async () => notices(driver));
    await suite.broker.start();
    await until("the notice goes", async () => (await notices(driver)) === "");
    await suite.start();
    await expectFollows(scene, driver, posto);
    return said.replaceAll(/\s+/g, " ");
  },

  "the network changes while a page loads": async ({ suite, visit }) => {
    const again = [];
    /** Each file is lost once: under the folder that the page names. */
    const lose = async ({ page }) => page.route(/\/static\/[0-9a-f]{32}\/.*\.(js|css)$/, (route) => route.abort("internetdisconnected"));
    const driver = await visit();
    const posto = await suite.freePosto();
    await lose(driver);
    await driver.openLive();
    await driver.sees(posto, "free");
    const unstyled = await driver.page.evaluate(() => [...document.styleSheets].filter(({ cssRules }) => cssRules.length === 0).length);
    expectEqual(unstyled, 0, "style sheets that are not there");
    const operator = await visit({}, "server1");
    await lose(operator);
    await openPainel(operator, suite.operatorToken);
    for (const { requests, base } of [driver, operator]) {
      const pages = requests.filter(({ url }) => [`${base}/`, `${base}/painel`].includes(url.split("#")[0]));
      expectEqual(pages.length, 1, "times that the page was loaded");
      again.push(requests.filter(({ url }) => url.includes("/again-")).length);
    }
    expect(again.every((count) => count > 0), "no file was lost");
    return `${again[0]} and ${again[1]} files were asked for again`;
  },

  "a page opened while there is no broker": async ({ suite, visit }) => {
    await suite.broker.end("SIGKILL");
    const without = await visit({ script: false });
    const [answer, driver] = [await without.open(), await visit()];
    const said = await until("the page says so", async () => notices(without));
    await driver.open();
    await until("the page with script says so", async () => notices(driver));
    await suite.start();
    await driver.page.locator("ul#postos > li.posto[data-state=free]").first().waitFor();
    await until("the notice goes", async () => (await notices(driver)) === "");
    return `${answer.status()}: ${said.replaceAll(/\s+/g, " ")}`;
  },

  "a servidor stops and starts again": async (scene) => {
    const { suite } = scene;
    const driver = await scene.visit();
    const posto = await suite.freePosto("server2");
    await driver.openLive();
    await suite.server2.end("SIGKILL");
    await driver.sees(posto, "unreachable");
    const said = await until("the notice names it", async () => {
      const now = await notices(driver);
      return now.includes("server2") && now;
    });
    await suite.start();
    await until("the notice goes", async () => (await notices(driver)) === "");
    await expectFollows(scene, driver, posto);
    return said.replaceAll(/\s+/g, " ");
  },

  "the page of a reserva, while its servidor and then the gateway are away": async ({ suite, visit }) => {
    const { request_id } = await suite.reserveElsewhere(await suite.freePosto());
    const driver = await visit();
    await driver.openLive(`reserva?server_id=server1&request_id=${request_id}`);
    await suite.server1.end("SIGKILL");
    const said = await until("the notice names the servidor", async () => {
      const now = await notices(driver);
      return now.includes("server1") && now;
    });
    // Nobody is there to tell the page that the servidor is back.
    await suite.gateway.end();
    await notLive(driver);
    await suite.start();
    await live(driver);
    await until("the notice goes", async () => (await notices(driver)) === "");
    return said.replaceAll(/\s+/g, " ");
  },

  "the gateway stops and starts again": async (scene) => {
    const { suite } = scene;
    const driver = await scene.visit();
    const posto = await suite.freePosto();
    await driver.openLive();
    await suite.gateway.end();
    await notLive(driver);
    const said = await driver.page.locator("#live").innerText();
    expect(said !== "", "#live says nothing");
    await suite.start();
    await live(driver);
    await expectFollows(scene, driver, posto);
    return said;
  },

  "the device is offline and online again": async (scene) => {
    const driver = await scene.visit();
    const posto = await scene.suite.freePosto();
    await driver.openLive();
    await driver.context.setOffline(true);
    await notLive(driver);
    const said = await driver.page.locator("#live").innerText();
    await driver.context.setOffline(false);
    await live(driver);
    await expectFollows(scene, driver, posto);
    return said;
  },

  "an estimate that failed is asked for when events come again": async ({ suite, visit }) => {
    const driver = await visit();
    const posto = await suite.freePosto();
    const estimate = driver.page.locator("#estimate");
    await driver.page.route("**/estimativa", (route) => route.abort("internetdisconnected"));
    await driver.openLive(`posto?server_id=${posto.server_id}&posto_id=${posto.id}`);
    const said = await until("it says so", async () => estimate.innerText());
    await driver.page.unroute("**/estimativa");
    await driver.context.setOffline(true);
    await notLive(driver);
    await driver.context.setOffline(false);
    await live(driver);
    await estimate.locator(".estimate-title").waitFor();
    return said;
  },

  "the page of a portal is not taken for events": async (scene) => {
    const driver = await scene.visit();
    const posto = await scene.suite.freePosto();
    await driver.page.route("**/eventos", (route) => route.fulfill({ contentType: "text/html", body: "<p>Sign in</p>" }));
    await driver.open();
    await notLive(driver);
    await driver.page.unroute("**/eventos");
    await live(driver);
    await expectFollows(scene, driver, posto);
    return posto.nome;
  },

  "opened without a network, the offline page is shown": async ({ visit }) => {
    const driver = await visit();
    await driver.openLive();
    await driver.untilWorker();
    await driver.context.setOffline(true);
    await driver.open();
    await driver.page.locator("body[data-page=offline]").waitFor();
    const said = await driver.page.locator("h1").innerText();
    await driver.context.setOffline(false);
    // It comes back by itself.
    await driver.page.locator("body[data-page=list] #live[data-live=yes]").waitFor();
    const cached = await driver.page.evaluate(async () => {
      const all = await Promise.all((await caches.keys()).map(async (name) => (await caches.open(name)).keys()));
      return all.flat().map(({ url }) => new URL(url).pathname);
    });
    const data = cached.filter((path) => !/^\/(static\/|offline$)/.test(path));
    expectEqual(data, [], "what else the service worker keeps");
    return `${said}; ${cached.length} files are kept`;
  },
};
