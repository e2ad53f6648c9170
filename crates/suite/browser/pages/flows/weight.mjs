// What a first view of 240 postos weighs over the wire, and when it is of use on a slow phone.
import { openPainel } from "../painel.mjs";
import { expect, until } from "../until.mjs";
import { PHONE } from "../visit.mjs";
import { countingProxy } from "../wire.mjs";

const LIMIT = 150_000;

export default {
  "a first view of 240 postos is under 150 KB": async ({ suite, visit }) => {
    const proxy = await countingProxy(suite.urls.gateway);
    const driver = await visit({ viewport: PHONE }, proxy.base);
    await driver.openLive();
    const postos = await driver.page.locator("ul#postos > li.posto").count();
    // It loads files too, which a first view pays for.
    await driver.untilWorker();
    // The events of each servidor come by themselves.
    await until("nothing more comes", proxy.isQuiet);
    const bytes = proxy.counted.received;
    proxy.close();
    const all = (await suite.postos("server1")).length + (await suite.postos("server2")).length;
    expect(postos >= 200 && all >= 240, `${postos} of ${all} postos are shown`);
    expect(bytes < LIMIT, `${bytes} bytes`);
    const files = driver.requests.map(({ url }) => new URL(url).pathname.split("/").at(-1));
    return `${postos} of ${all} postos: ${(bytes / 1000).toFixed(1)} KB with heads, events and service worker, ${files.length} requests`;
  },

  "the operator's page with all that it asks for first is under 150 KB": async ({ suite, visit }) => {
    const proxy = await countingProxy(suite.urls.server1);
    const operator = await visit({}, proxy.base);
    await openPainel(operator, suite.operatorToken);
    const bytes = proxy.counted.received;
    proxy.close();
    expect(bytes < LIMIT, `${bytes} bytes`);
    return `${(bytes / 1000).toFixed(1)} KB with heads, ${operator.requests.length} requests`;
  },

  "a slow phone (4 times slower, 1.6 Mbit/s, 150 ms)": async ({ suite, visit }) => {
    const driver = await visit({ viewport: PHONE, serviceWorkers: "block" });
    const session = await driver.context.newCDPSession(driver.page);
    await session.send("Network.enable");
    await session.send("Network.emulateNetworkConditions", {
      offline: false, latency: 150, downloadThroughput: 200_000, uploadThroughput: 93_750,
    });
    await session.send("Emulation.setCPUThrottlingRate", { rate: 4 });
    let bytes = 0;
    session.on("Network.dataReceived", ({ encodedDataLength }) => { bytes += encodedDataLength; });
    const began = Date.now();
    await driver.open();
    await driver.page.locator("ul#postos > li.posto h3 a").first().waitFor();
    const painted = await driver.page.evaluate(() => new Promise((seen) => {
      new PerformanceObserver((list) => {
        const first = list.getEntriesByName("first-contentful-paint")[0];
        if (first) seen(Math.round(first.startTime));
      }).observe({ type: "paint", buffered: true });
    }));
    await driver.page.locator("#live[data-live=yes]").waitFor();
    return `first postos painted after ${painted} ms, live after ${Date.now() - began} ms, ${Math.round(bytes / 1000)} KB of bodies`;
  },
};
