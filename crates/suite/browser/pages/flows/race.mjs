// Two pages that reserve one posto in the same moment: one wins, the other is refused and sees it.
import { expect, expectEqual } from "../until.mjs";

export default {
  "exactly one wins, the other reads the sentence and sees the state": async ({ suite, visit }) => {
    const posto = await suite.freePosto();
    const drivers = [await visit(), await visit()];
    for (const driver of drivers) {
      await driver.openLive(`posto?server_id=${posto.server_id}&posto_id=${posto.id}`);
      await driver.page.locator("form#reserve [name=placa]").fill(suite.placa());
    }
    const answers = await Promise.all(drivers.map(async ({ page }) => {
      const [answer] = await Promise.all([
        page.waitForResponse((response) => response.url().endsWith("/reservar")),
        page.locator("form#reserve [type=submit]").click(),
      ]);
      return { page, status: answer.status(), body: answer.status() === 200 ? null : await answer.json() };
    }));
    expectEqual(answers.map(({ status }) => status).toSorted(), [200, 409], "the answers");
    const [winner, loser] = [200, 409].map((wanted) => answers.findIndex(({ status }) => status === wanted));
    await drivers[winner].page.waitForURL(/\/reserva\?/);
    const { mensagem } = answers[loser].body;
    await drivers[loser].page.locator("#errors").filter({ hasText: mensagem }).waitFor();
    await drivers[loser].sees(posto, "taken");
    const loads = drivers[loser].requests.filter(({ url }) => url.includes("/posto?")).length;
    expect(loads === 1, `the page of the other was loaded ${loads} times`);
    return mensagem;
  },

  "a second press while the next page is on its way asks for nothing, and the reserva is found without it": async ({ suite, visit }) => {
    const driver = await visit({ serviceWorkers: "block" });
    const { page } = driver;
    const posto = await suite.freePosto();
    await driver.openLive(`posto?server_id=${posto.server_id}&posto_id=${posto.id}`);
    await page.route(/\/reserva\?/, (route) => new Promise((resolve) => setTimeout(resolve, 4000)).then(() => route.continue()));
    const placa = suite.placa();
    await page.locator("form#reserve [name=placa]").fill(placa);
    // In the page itself, since the tests cannot look into one that is on its way to another.
    await page.evaluate(() => {
      const form = document.querySelector("form#reserve");
      const observer = new MutationObserver(() => {
        const link = form.querySelector(".notice.good a");
        if (!link) return;
        observer.disconnect();
        const button = form.querySelector("[type=submit]");
        setTimeout(() => {
          button.click();
          const isRefused = !document.querySelector("#errors").hidden;
          sessionStorage.setItem("seen", JSON.stringify({ label: button.textContent, href: link.getAttribute("href"), isRefused }));
        }, 500);
      });
      observer.observe(form, { childList: true, subtree: true });
    });
    await page.locator("form#reserve [type=submit]").click();
    await page.waitForURL(/\/reserva\?/);
    const { label, href, isRefused } = JSON.parse(await page.evaluate(() => sessionStorage.getItem("seen")));
    expectEqual(isRefused, false, "a refusal");
    expectEqual(driver.requests.filter(({ url }) => url.endsWith("/reservar")).length, 1, "requests for a reserva");
    expect(page.url().endsWith(href), `${href} leads to another page than ${page.url()}`);
    expectEqual((await suite.operate(`reservas?placa=${placa}`)).reservas.length, 1, "reservas");
    return label;
  },
};
