// Part of each page. A network that changes ends what is being loaded, and a browser never asks again for
// a module that it did not get. Under another folder the program answers the same file.
(() => {
  const FIRST_WAIT = 500;
  const LONGEST_WAIT = 30000;
  // What browsers say of modules that do not fit together: during an upgrade they may be of two versions.
  const NO_EXPORT = /^(the requested module|import)/i;
  // A cache that keeps files whatever their headers say has none under this name.
  const page = Date.now();
  const load = (failed, address, times) => {
    // A script that is made by another does not wait for the HTML, which it needs.
    if (failed.localName === "script" && document.readyState === "loading") {
      document.addEventListener("readystatechange", () => load(failed, address, times), { once: true });
      return;
    }
    const next = document.createElement(failed.localName);
    for (const { name, value } of failed.attributes) next.setAttribute(name, value);
    next[address] = failed[address].replace(/[^/]+\/([^/]+)$/, `again-${times}-${page}/$1`);
    failed.replaceWith(next);
  };
  addEventListener("error", ({ target, error, filename }) => {
    const isMixed = error instanceof SyntaxError && NO_EXPORT.test(error.message) && (!filename || /\/static\//.test(filename));
    const failed = isMixed ? document.querySelector('script[type="module"]') : target;
    const isStyle = failed instanceof HTMLLinkElement && failed.rel === "stylesheet";
    if (!isStyle && !(failed instanceof HTMLScriptElement)) return;
    const address = isStyle ? "href" : "src";
    const before = Number(/\/again-(\d+)-/.exec(failed[address])?.[1] ?? 0);
    const again = () => {
      clearTimeout(timer);
      removeEventListener("online", again);
      load(failed, address, before + 1);
    };
    const timer = setTimeout(again, Math.min(FIRST_WAIT * 2 ** before, LONGEST_WAIT));
    addEventListener("online", again);
  }, true);
})();
