// Registers the service worker, which shows a page of its own where there is no network.

/** The page works the same without it: browsers have none over plain HTTP, or in a private window. */
export function registerWorker() {
  if (!globalThis.isSecureContext || !navigator.serviceWorker) return;
  const register = () => navigator.serviceWorker.register("sw.js").catch(() => {});
  // What the page itself needs comes first.
  if (document.readyState === "complete") register();
  else addEventListener("load", register, { once: true });
}
