// What this device keeps for the pages. Where storage is forbidden nothing is kept, and all else works.

/** @param {() => Storage} storage */
function box(storage) {
  return {
    /** The value that was saved; `null` if there is none, or none that can be read. */
    load(/** @type {string} */ key) {
      try { return JSON.parse(storage().getItem(key) ?? "null"); } catch { return null; }
    },
    /** Whether the value is kept. */
    save(/** @type {string} */ key, /** @type {unknown} */ value) {
      try {
        storage().setItem(key, JSON.stringify(value));
        return true;
      } catch {
        return false;
      }
    },
    forget(/** @type {string} */ key) {
      try { storage().removeItem(key); } catch { /* nothing is kept */ }
    },
  };
}

/** Until it is forgotten. */
export const device = box(() => localStorage);
/** Until the tab is closed. */
export const tab = box(() => sessionStorage);
