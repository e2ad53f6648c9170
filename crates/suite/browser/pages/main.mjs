// Runs the flows against real programs in Chromium. Arguments: the folder of the programs, a folder
// for their data, and the names of the flows to run (all if there are none). One line for each check,
// and what is known of the pages of one that fails; the last line counts the failures.
import { mkdirSync, readdirSync } from "node:fs";
import { launch, report } from "../browser.mjs";
import { Suite } from "./suite.mjs";
import { Visit } from "./visit.mjs";

const CHECK_LIMIT = 240_000;
const here = new URL(".", import.meta.url).pathname;
const [programs, folder, ...chosen] = process.argv.slice(2);
const names = readdirSync(`${here}flows`).map((file) => file.replace(/\.mjs$/, "")).sort();
const unknown = chosen.filter((name) => !names.includes(name));
if (unknown.length) throw new Error(`no such flow: ${unknown.join(", ")}; there are ${names.join(", ")}`);

const suite = new Suite({ folder, programs, postos: `${here}../../../../data` });
const browser = await launch();
let [checks, failed] = [0, 0];

/** What a check is given. */
class Scene {
  suite = suite;
  browser = browser;
  visits = [];

  /** Somebody who visits the pages of a program, in a browser profile of its own. */
  visit = async (options = {}, name = "gateway") => {
    const base = name.startsWith("http") ? name : suite.urls[name];
    const visit = await Visit.begin(browser, base, options);
    this.visits.push(visit);
    return visit;
  };

  async showFailure(name) {
    mkdirSync(`${folder}/failed`, { recursive: true });
    for (const [number, visit] of this.visits.entries()) {
      const path = `${folder}/failed/${name.replaceAll(/\W+/g, "-")}-${number}.png`;
      await visit.page.screenshot({ path, timeout: 5000 }).catch(() => {});
      console.log(`visit ${number} of it: ${JSON.stringify(await visit.describe(), null, 2)}`);
    }
  }

  async end() {
    const ended = await Promise.allSettled(this.visits.map((visit) => visit.end()));
    const complaint = ended.find(({ status }) => status === "rejected");
    if (complaint) throw complaint.reason;
  }
}

class TooLong extends Error {
  constructor() {
    super(`it takes longer than ${CHECK_LIMIT / 1000} s, and the others do not begin beside it`);
  }
}

/** Rejects if a check has not ended within its time: a page may keep what it promised for ever. */
function limited(running) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new TooLong()), CHECK_LIMIT);
  });
  return Promise.race([running, late]).finally(() => clearTimeout(timer));
}

/** Returns whether the next check may begin. */
async function run(flow, name, check) {
  const scene = new Scene();
  const began = Date.now();
  let isOver = true;
  const passed = await report(`${flow}: ${name}`, async () => {
    let result;
    try {
      result = await limited(check(scene));
    } catch (error) {
      isOver = !(error instanceof TooLong);
      await scene.showFailure(`${flow}-${name}`);
      await scene.end().catch(() => {});
      throw error;
    }
    await scene.end();
    return `${result} (${((Date.now() - began) / 1000).toFixed(1)} s)`;
  });
  checks += 1;
  if (!passed) failed += 1;
  return isOver;
}

async function runAll() {
  await suite.start();
  for (const flow of chosen.length ? chosen : names) {
    const { default: all } = await import(`./flows/${flow}.mjs`);
    for (const [name, check] of Object.entries(all)) {
      if (!(await run(flow, name, check))) return;
      // A check that failed may have left a program stopped.
      await suite.start();
    }
  }
}

try {
  await runAll();
} finally {
  await browser.close();
  await suite.end();
}
console.log(`Pages: ${checks} checks, ${failed} failed`);
// A check that took too long may still wait for something.
process.exit();
