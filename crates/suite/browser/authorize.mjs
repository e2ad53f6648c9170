// The Authorize button of /docs: without a token a call is refused, with one it is answered, and after a
// log-out it is refused again. A token is kept nowhere: the page that is opened again has none.
// Arguments: the base URL of a servidor that asks for tokens, and a token.
import { authorize, launch, prefixProxy, report } from "./browser.mjs";

// Executes GET /tokens, and returns the status of the answer.
async function status(page) {
  const block = page.locator('[id="operations-tokens-list_tokens"]');
  await block.locator(".opblock-summary-control").click();
  await block.locator(".try-out__btn").click();
  await block.locator("button.execute").click();
  const answered = block.locator(".live-responses-table tr.response td.response-col_status");
  await answered.first().waitFor({ timeout: 20_000 });
  const status = (await answered.first().innerText()).trim().split(/\s/)[0];
  await block.locator(".opblock-summary-control").click();
  return status;
}

async function open(page, base) {
  await page.goto(`${base}/docs`);
  await page.locator(".opblock").first().waitFor({ timeout: 20_000 });
}

async function logOut(page) {
  await page.locator(".auth-wrapper > .btn.authorize").click();
  const dialog = page.locator(".dialog-ux");
  await dialog.locator(".auth-btn-wrapper button", { hasText: "Logout" }).click();
  await dialog.locator("button.btn-done").click();
}

async function useTheButton(browser, base, token) {
  const context = await browser.newContext({ locale: "pt-BR" });
  const page = await context.newPage();
  const seen = [];
  const withoutToken = async () => {};
  const withWrongToken = () => authorize(page, "posto_a-wrong-token");
  const withToken = () => authorize(page, token);
  const afterLogOut = () => withToken().then(() => logOut(page));
  for (const prepare of [withoutToken, withWrongToken, withToken, withoutToken, afterLogOut]) {
    await open(page, base);
    await prepare();
    seen.push(await status(page));
  }
  const kept = await context.storageState();
  if (JSON.stringify(kept).includes(token)) throw new Error("the browser keeps the token");
  await context.close();
  const expected = "401 401 200 401 401";
  if (seen.join(" ") !== expected) throw new Error(`${seen.join(" ")}, not ${expected}`);
  return expected;
}

const [target, token] = process.argv.slice(2);
const browser = await launch();
const proxy = await prefixProxy(target, "/api/v1");
await Promise.all([
  report(`Authorize in /docs of ${target}`, () => useTheButton(browser, target, token)),
  report(`Authorize in /docs of ${target} behind ${proxy.base}`, () => useTheButton(browser, proxy.base, token)),
]);
proxy.close();
await browser.close();
