// Files of the API, which needs the token in a header: so they are fetched, and no link leads to them.
import { ApiError } from "./api.js";
import { element } from "./dom.js";
import { apiAnswer } from "./session.js";

/** Long enough for a file of years. */
const TIMEOUT = 300_000;

/**
 * @param {string} path
 * @param {string} fallback The name of the file, if the answer names none.
 */
export async function download(path, fallback) {
  const response = await apiAnswer(path, { timeout: TIMEOUT });
  if (!response.ok) throw new ApiError(response.status, await response.json().catch(() => ({})));
  const named = /filename="([^"]+)"/.exec(response.headers.get("content-disposition") ?? "");
  const content = await response.blob().catch(() => { throw new ApiError(0, {}); });
  const href = URL.createObjectURL(content);
  element("a", { href, download: named?.[1] ?? fallback }).click();
  // The browser reads it after this call.
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
