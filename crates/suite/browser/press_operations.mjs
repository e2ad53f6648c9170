// Presses "Try it out" and "Execute" on every operation of both programs, as /docs opens them:
// directly, and behind a reverse proxy that serves them under a prefix. Expects no red field, a
// status that the document lists, no English text of the document, and nothing that the page's
// security policy refuses.
// Arguments: the base URLs of a servidor and of a gateway, with =TOKEN where one is needed.
import { authorize, launch, prefixProxy, report } from "./browser.mjs";

const METHODS = ["get", "put", "post", "delete", "patch"];
// Words that Portuguese does not have, and the values that Swagger UI invents without an example.
const ENGLISH = /\b(the|of|and|with|which|is|are|this|that|when|not|has|string|additionalProp\d)\b/i;
// What of the page the document has written, and not Swagger UI.
const OWN_TEXTS = [
  ".info .renderedMarkdown", ".info .title", ".opblock-tag", ".opblock-summary-description",
  ".opblock-description", ".parameters-col_description .renderedMarkdown", ".body-param .example",
  ".responses-table:not(.live-responses-table) .renderedMarkdown",
  ".responses-table:not(.live-responses-table) .example",
].join(", ");

function operationsOf(document) {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ path, method, ...item[method] })));
}

async function press(page, { tags, operationId, method, path, responses }, statuses) {
  const block = page.locator(`[id="operations-${tags[0]}-${operationId}"]`);
  await block.locator(".opblock-summary-control").click();
  await block.locator(".try-out__btn").click();
  await block.locator("button.execute").click();
  const answered = block.locator(".live-responses-table tr.response td.response-col_status");
  const invalid = block.locator(".invalid, .validation-errors li");
  const problems = await englishTexts(block);
  // A stream of events does not end, and Swagger UI shows nothing before the end.
  const isStream = responses[200]?.content?.["text/event-stream"] && !path.includes("{");
  const loading = block.locator(".loading-container");
  await (isStream ? loading : answered.or(invalid)).first().waitFor({ timeout: 20_000 });
  if (isStream) statuses.stream = (statuses.stream ?? 0) + 1;
  else if (await invalid.count()) problems.push("it stops on a red field");
  else {
    const status = (await answered.first().innerText()).trim().split(/\s/)[0];
    if (!responses[status]) problems.push(`it answers ${status}, which is not documented`);
    statuses[status] = (statuses[status] ?? 0) + 1;
  }
  // An open one slows down all that follow.
  await block.locator(".opblock-summary-control").click();
  return problems.map((problem) => `${method} ${path}: ${problem}`);
}

async function englishTexts(place) {
  const texts = await place.locator(OWN_TEXTS).evaluateAll((all) => all.map((one) => one.innerText));
  const values = await place.locator("textarea").evaluateAll((all) => all.map((one) => one.value));
  const english = texts.concat(values).filter((text) => ENGLISH.test(text));
  return english.map((text) => `English: ${text.slice(0, 120)}`);
}

async function pressAll(browser, base, token) {
  const document = await (await fetch(`${base}/openapi.json`)).json();
  const operations = operationsOf(document);
  const context = await browser.newContext({ locale: "pt-BR" });
  const page = await context.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(error.message));
  // What the page's Content-Security-Policy refuses is only in the console.
  page.on("console", (line) => {
    if (/Content Security Policy|Permissions.Policy/i.test(line.text())) problems.push(line.text());
  });
  await page.goto(`${base}/docs`);
  await page.locator(".opblock").first().waitFor({ timeout: 20_000 });
  if (token) await authorize(page, token);
  const blocks = await page.locator(".opblock").count();
  if (blocks !== operations.length) problems.push(`${blocks} of ${operations.length} operations shown`);
  const statuses = {};
  for (const operation of operations) problems.push(...(await press(page, operation, statuses)));
  problems.push(...(await englishTexts(page)));
  const lang = await page.locator("html").getAttribute("lang");
  if (lang !== "pt-BR") problems.push(`the page says that its language is ${lang}`);
  if (token && (statuses[401] || statuses[403])) problems.push("the token is not sent everywhere");
  await context.close();
  if (problems.length) throw new Error(problems.join("; "));
  return `${operations.length} operations, by status ${JSON.stringify(statuses)}`;
}

async function pressBehindProxy(browser, target, token) {
  const proxy = await prefixProxy(target, "/api/v1");
  await report(`/docs of ${target} behind ${proxy.base}`, async () => {
    const pressed = await pressAll(browser, proxy.base, token);
    if (proxy.outside.length) throw new Error(`asked for ${proxy.outside.join(", ")}`);
    return pressed;
  });
  proxy.close();
}

const browser = await launch();
// Beside each other: most of the time a page waits for its own animations.
await Promise.all(process.argv.slice(2).flatMap((argument) => {
  const [target, token] = argument.split("=");
  return [
    report(`/docs of ${target}`, () => pressAll(browser, target, token)),
    pressBehindProxy(browser, target, token),
  ];
}));
await browser.close();
