// What this device keeps for the pages. Where storage is forbidden nothing is kept, and all else works.

// Several programs may be behind one origin, each below a path of its own.
const folder = globalThis.location ? new URL(".", location.href).pathname : "/";

/** What this key is in the storage, which all programs of the origin share. */
export const storedKey = (/** @type {string} */ key) => (folder === "/" ? key : `${key} ${folder}`);

/** @param {() => Storage} storage */
function box(storage) {
  return {
    /** The value that was saved; `null` if there is none, or none that can be read. */
    load(/** @type {string} */ key) {
      try { return JSON.parse(storage().getItem(storedKey(key)) ?? "null"); } catch { return null; }
    },
    /** Whether the value is kept. */
    save(/** @type {string} */ key, /** @type {unknown} */ value) {
      try {
        storage().setItem(storedKey(key), JSON.stringify(value));
        return true;
      } catch {
        return false;
      }
    },
    forget(/** @type {string} */ key) {
      try { storage().removeItem(storedKey(key)); } catch { /* nothing is kept */ }
    },
  };
}

/** Until it is forgotten. */
export const device = box(() => localStorage);
/** Until the tab is closed. */
export const tab = box(() => sessionStorage);
