import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { STATES } from "../postos_now.js";

const folder = new URL("../", import.meta.url);
const modules = readdirSync(folder).filter((name) => name.endsWith(".js"));
const source = modules.map((name) => readFileSync(new URL(name, folder), "utf8")).join("\n");
const { script } = JSON.parse(readFileSync(new URL("pt.json", folder), "utf8"));

/** Words of the API and of modules that keys are put together with. Codes of refusals may be missing. */
const WORDS = {
  acao: ["criar", "alterar", "remover", "importar", "informar", "iniciar", "encerrar", "cancelar", "mover", "revogar", "esquecer", "restaurar"],
  "attention.group": ["charger", "overstay", "kept", "long"],
  detail: ["operador", "carregador"],
  effect: ["mantida", "movida", "cancelada", "sem_posto"],
  motivo: ["pedido", "operador", "manutencao", "posto_removido", "ausencia"],
  outcome: ["mantida", "movida", "cancelada", "sem_posto"],
  papel: ["leitura", "operador"],
  state: STATES,
  status: ["ativa", "cumprida", "encerrada", "nao_compareceu", "cancelada"],
  token: ["nome", "papel", "criado_em", "ultimo_uso", "actions"],
};
const composed = Object.entries(WORDS).flatMap(([group, words]) => words.map((word) => `${group}.${word}`));

test("every text that a module says is there", () => {
  const plain = [...source.matchAll(/\btext\("([^"]+)"/g)].map(([, key]) => key);
  const numbered = [...source.matchAll(/\bcounted\("([^"]+)"/g)].flatMap(([, key]) => [`${key}.one`, `${key}.other`]);
  assert.ok(plain.length > 50 && numbered.length > 10);
  const missing = [...plain, ...numbered, ...composed].filter((key) => !(key in script));
  assert.deepEqual(missing, []);
});

test("every text that is there is said", () => {
  const unused = Object.keys(script).filter((key) => {
    const base = key.replace(/\.(one|other)$/, "");
    const isSaid = source.includes(`"${key}"`) || source.includes(`"${base}"`) || composed.includes(key);
    return !isSaid && !key.startsWith("codigo.");
  });
  assert.deepEqual(unused, []);
});
