import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

const folder = new URL("../", import.meta.url);
const modules = readdirSync(folder).filter((name) => name.endsWith(".js"));
const source = modules.map((name) => readFileSync(new URL(name, folder), "utf8")).join("\n");
const { script } = JSON.parse(readFileSync(new URL("pt.json", folder), "utf8"));

/** Of keys that are put together of a group and a word. */
const GROUPS = ["acao.", "codigo.", "detail.", "effect.", "motivo.", "outcome.", "papel.", "state.", "status.", "token."];

test("every text that a module says is there", () => {
  const plain = [...source.matchAll(/\btext\("([^"]+)"/g)].map(([, key]) => key);
  const numbered = [...source.matchAll(/\bcounted\("([^"]+)"/g)].flatMap(([, key]) => [`${key}.one`, `${key}.other`]);
  assert.ok(plain.length > 50 && numbered.length > 10);
  const missing = [...plain, ...numbered].filter((key) => !(key in script));
  assert.deepEqual(missing, []);
});

test("every text that is there is said", () => {
  const unused = Object.keys(script).filter((key) => {
    const base = key.replace(/\.(one|other)$/, "");
    return !source.includes(`"${key}"`) && !source.includes(`"${base}"`) && !GROUPS.some((group) => key.startsWith(group));
  });
  assert.deepEqual(unused, []);
});
