import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/**
 * Fails for every serious or critical violation axe-core finds. What does not depend on colours is the same in the dark,
 * so onlyColours is enough there.
 */
export async function wantAccessible(page: Page, onlyColours = false): Promise<void> {
  await page.evaluate(axe); // not as a script of the page, which its policy forbids
  const results = await page.evaluate(async (onlyColours) => {
    const { axe } = window as unknown as { axe: typeof import("axe-core") };
    return axe.run(document, {
      resultTypes: ["violations"],
      ...(onlyColours ? { runOnly: { type: "rule", values: ["color-contrast"] } } : {}),
    }) as Promise<AxeResults>;
  }, onlyColours);
  const bad = results.violations.filter((v) => v.impact === "serious" || v.impact === "critical").map((v) =>
    `${v.impact} ${v.id}: ${v.help}\n` + v.nodes.slice(0, 4).map((n) => `    ${n.html.slice(0, 200)}\n      ${n.failureSummary?.split("\n").slice(1, 3).join(";")}`).join("\n"));
  assert.equal(bad.length, 0, `${bad.length} violations\n${bad.join("\n")}`);
}

/** Fails if the page is wider than its window: a phone would scroll sideways. */
export async function wantNoSidewaysScroll(page: Page): Promise<void> {
  const found = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const wide = [...document.querySelectorAll("body *")].filter((e) => {
      const box = e.getBoundingClientRect();
      return box.width > 0 && box.right > width + 1 && !scrolls(e.parentElement);
    });
    function scrolls(e: Element | null): boolean {
      for (; e && e !== document.body; e = e.parentElement) {
        if (getComputedStyle(e).overflowX !== "visible") return true;
      }
      return false;
    }
    return { width, page: document.documentElement.scrollWidth, wide: wide.slice(0, 3).map((e) => e.outerHTML.slice(0, 160)) };
  });
  assert.ok(found.page <= found.width, `the page is ${found.page} wide on a screen of ${found.width}: ${found.wide.join("\n")}`);
}
