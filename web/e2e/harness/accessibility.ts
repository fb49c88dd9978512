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
  const bad = results.violations
    .filter((v) => v.impact === "serious" || v.impact === "critical")
    .map(
      (v) =>
        `${v.impact} ${v.id}: ${v.help}\n` +
        v.nodes
          .slice(0, 4)
          .map((n) => `    ${n.html.slice(0, 200)}\n      ${n.failureSummary?.split("\n").slice(1, 3).join(";")}`)
          .join("\n"),
    );
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

/**
 * Fails if anything of the page's content is cut off at its side, or a word is broken within. What says by an ellipsis that
 * there is more is not cut off, and output of programs scrolls.
 */
export async function wantNothingCut(page: Page): Promise<void> {
  const found = await page.evaluate(() => {
    const free = "pre, code, input, select, textarea, svg, .sr-only, [data-line], [aria-label=Log]";
    const seen = (e: Element) => e.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !e.closest(free);
    const cut = [...document.querySelectorAll("main *, [role=dialog] *")]
      .filter((e) => {
        const style = getComputedStyle(e);
        return (
          seen(e) &&
          style.overflowX !== "visible" &&
          style.textOverflow !== "ellipsis" &&
          e.scrollWidth > e.clientWidth + 1 &&
          e.clientWidth > 1
        );
      })
      .map((e) => `cut off: ${e.scrollWidth} in ${e.clientWidth}: ${e.outerHTML.slice(0, 120)}`);
    const broken: string[] = [];
    for (const root of document.querySelectorAll("main, [role=dialog]")) {
      const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
      for (let n = walker.nextNode(); n; n = walker.nextNode()) {
        if (!seen(n.parentElement!)) continue;
        for (const { 0: word, index } of n.textContent!.matchAll(/[\p{L}\p{N}]{2,}/gu)) {
          if (word.length > 24) continue; // no word of any language
          const range = document.createRange();
          range.setStart(n, index);
          range.setEnd(n, index + word.length);
          const tops = new Set([...range.getClientRects()].filter((r) => r.width > 0).map((r) => Math.round(r.top)));
          if (tops.size > 1) broken.push(`broken: ${word} in "${n.textContent!.trim().slice(0, 80)}"`);
        }
      }
    }
    return [...cut, ...broken];
  });
  assert.deepEqual(found.slice(0, 12), []);
}
