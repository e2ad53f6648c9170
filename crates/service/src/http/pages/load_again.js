// Part of each page. A network that changes ends what is being loaded, and a browser never asks again for
// a module that it did not get. Under another folder the program answers the same file.
(() => {
  const FIRST_WAIT = 500;
  const LONGEST_WAIT = 30000;
  const load = (failed, address, times) => {
    const next = document.createElement(failed.localName);
    for (const { name, value } of failed.attributes) next.setAttribute(name, value);
    next[address] = failed[address].replace(/[^/]+\/([^/]+)$/, `again-${times}/$1`);
    failed.replaceWith(next);
  };
  addEventListener("error", ({ target }) => {
    const isStyle = target instanceof HTMLLinkElement && target.rel === "stylesheet";
    if (!isStyle && !(target instanceof HTMLScriptElement)) return;
    const address = isStyle ? "href" : "src";
    const [, before] = /\/again-(\d+)\//.exec(target[address]) ?? [null, "0"];
    const wait = Math.min(FIRST_WAIT * 2 ** Number(before), LONGEST_WAIT);
    setTimeout(load, wait, target, address, Number(before) + 1);
  }, true);
})();
