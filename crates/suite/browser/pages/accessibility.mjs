// What every page and state must satisfy: axe-core has no finding, nothing is wider than the screen,
// nothing moves for a reader who asked for that.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect } from "./until.mjs";

const require = createRequire(`${process.env.TOOLS}/`);
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** What axe-core finds on the page as it is now. */
export async function expectNoFinding(page, state) {
  await page.evaluate(axe);
  const findings = await page.evaluate(async (tags) => {
    const { violations } = await globalThis.axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
    return violations.map(({ id, nodes }) =>
      `${id}: ${nodes.slice(0, 3).map((node) => `${node.target.join(" ")} (${node.any[0]?.message ?? node.failureSummary})`).join(", ")} of ${nodes.length}`);
  }, TAGS);
  expect(findings.length === 0, `axe-core, ${state}: ${findings.join("; ")}`);
}

/** No text or control is cut off, or needs scrolling sideways, except in what scrolls by itself. */
export async function expectNoSidewaysScrolling(page, state) {
  const { width, wide } = await page.evaluate(() => {
    const root = document.documentElement;
    const scrollsItself = (element) => {
      for (let at = element; at && at !== document.body; at = at.parentElement) {
        if (["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(at).overflowX)) return true;
      }
      return false;
    };
    const beyond = [...document.querySelectorAll("body *")].filter((element) => {
      const box = element.getBoundingClientRect();
      return box.width > 1 && box.right > root.clientWidth + 1 && !scrollsItself(element);
    });
    const name = ({ tagName, id, className }) => `${tagName.toLowerCase()}${id && `#${id}`}${typeof className === "string" && className && `.${className}`}`;
    return { width: root.scrollWidth - root.clientWidth, wide: beyond.slice(0, 5).map(name) };
  });
  expect(width <= 0 && wide.length === 0, `${state}: ${width} px wider than the screen: ${wide.join(", ")}`);
}

/** Nothing is animated for longer than a reader who wants no motion would notice. */
export async function expectNoMotion(page, state) {
  const moving = await page.evaluate(() => {
    const seconds = (list) => Math.max(...list.split(",").map((part) => parseFloat(part) * (part.trim().endsWith("ms") ? 0.001 : 1)));
    const moves = (element) => {
      const style = getComputedStyle(element);
      const lasts = (name, duration) => name !== "none" && seconds(duration) > 0.01;
      return lasts(style.transitionProperty, style.transitionDuration) || lasts(style.animationName, style.animationDuration)
        || style.scrollBehavior === "smooth";
    };
    return [document.documentElement, ...document.querySelectorAll("body *")].filter(moves).map(({ tagName, id }) => `${tagName} ${id}`).slice(0, 5);
  });
  expect(moving.length === 0, `${state}: moves in spite of prefers-reduced-motion: ${moving.join(", ")}`);
}
