// What the browser tests share: Chromium, and a reverse proxy that serves a program under a prefix.
import { createRequire } from "node:module";
import http from "node:http";

// Installed by the scripts that run these tests, outside the repository.
const { chromium } = createRequire(`${process.env.TOOLS}/`)("playwright-core");

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
  });
}

// Gives /docs a token, as a person does.
export async function authorize(page, token) {
  await page.locator(".auth-wrapper > .btn.authorize").click();
  const dialog = page.locator(".dialog-ux");
  await dialog.locator("input").fill(token);
  await dialog.locator("button.authorize").click();
  await dialog.locator("button.btn-done").click();
}

// Serves `target` under `prefix` on a free port, as a reverse proxy that strips the prefix does.
// Anything outside the prefix is counted: a page behind such a proxy must never ask for it.
export async function prefixProxy(target, prefix) {
  const outside = [];
  const server = http.createServer((request, response) => {
    if (!request.url.startsWith(`${prefix}/`)) {
      // Browsers ask for it by themselves.
      if (request.url !== "/favicon.ico") outside.push(request.url);
      response.writeHead(404, { "content-type": "text/plain" }).end("outside the prefix");
      return;
    }
    const url = new URL(request.url.slice(prefix.length), target);
    const { method, headers } = request;
    const forwarded = http.request(url, { method, headers: { ...headers, host: url.host } });
    forwarded.on("response", (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    forwarded.on("error", () => response.headersSent || response.writeHead(502).end());
    // A stream ends with its reader.
    response.on("close", () => forwarded.destroy());
    request.pipe(forwarded);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const base = `http://127.0.0.1:${server.address().port}${prefix}`;
  return { base, outside, close: () => server.close() };
}

// Runs `check`, prints one line, and returns whether it passed; a failure ends the program with status
// 1 in the end.
export async function report(name, check) {
  try {
    console.log(`ok: ${name}: ${await check()}`);
    return true;
  } catch (error) {
    console.log(`FAILED: ${name}: ${error.message}`);
    process.exitCode = 1;
    return false;
  }
}
