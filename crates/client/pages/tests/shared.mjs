// Finds the modules that both programs have, which the server answers beside those of the drivers' pages.
import { register } from "node:module";

// Keys of what is kept have the folder of the page.
globalThis.location = new URL("http://127.0.0.1/");

const hooks = `
  const shared = ${JSON.stringify(new URL("../../../service/pages/", import.meta.url).href)};
  export async function resolve(specifier, context, next) {
    try {
      return await next(specifier, context);
    } catch (error) {
      if (!specifier.startsWith("./")) throw error;
      return next(new URL(specifier, shared).href, context);
    }
  }`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);

/** What a browser keeps. */
export class FakeStorage {
  items = new Map();
  getItem(key) { return this.items.get(key) ?? null; }
  setItem(key, value) { this.items.set(key, value); }
  removeItem(key) { this.items.delete(key); }
}
