// Every page, light and dark, at a desk and on a phone: it comes up without a policy violation, fits its window at every
// width, and has no serious defect for those who do not see it.
import assert from "node:assert/strict";
import { describe } from "node:test";
import type { Page } from "playwright-core";
import { wantAccessible, wantNoSidewaysScroll, wantNothingCut } from "./harness/accessibility";
import { browserTest, desktop, goes, looks, phone, shows } from "./harness/browser";
import { eventually, url } from "./harness/platform";
import { pages, world } from "./harness/world";

/** In the narrower one a page is narrower than its tables would be. */
const windows = [
  { width: 1024, height: 768 },
  { width: 1440, height: 900 },
];

async function loaded(page: Page): Promise<void> {
  await goes(page.getByRole("status", { name: "Loading" }));
  await goes(page.locator("[role=status].animate-pulse"));
}

async function wantRoom(page: Page): Promise<void> {
  for (const size of windows) {
    await page.setViewportSize(size);
    await eventually(
      async () => {
        await wantNoSidewaysScroll(page);
        await wantNothingCut(page);
        return true;
      },
      `at ${size.width} pixels`, // what measures its room is drawn anew a moment after the window has another size
      5_000,
    );
  }
}

/** The page turns dark as by its own switch: its colours change, and nothing else. */
async function wantLegibleInTheDark(page: Page): Promise<void> {
  await turn(page, true);
  await wantAccessible(page, true);
  await turn(page, false);
}

/** Colours change by and by, and what inherits one after what has it: it is done when nothing changes any more. */
const turn = (page: Page, dark: boolean) =>
  page.evaluate(async (dark) => {
    document.documentElement.classList.toggle("dark", dark);
    for (let still = 0; still < 3; await new Promise(requestAnimationFrame)) {
      const changing = document.getAnimations().filter((a) => a instanceof CSSTransition && a.playState === "running");
      for (const a of changing) a.finish();
      still = changing.length > 0 ? 0 : still + 1;
    }
  }, dark);

// They only read, so two are looked at at a time.
describe("every page", { concurrency: 2 }, () => {
  for (const look of [desktop, phone]) {
    browserTest(look.name, { look, timeout: 240_000 }, async ({ go, page, wantClean }) => {
      const problems: string[] = [];
      for (const { name, path } of pages(await world())) {
        const tried = async (check: () => Promise<void>) => check().catch((e: Error) => problems.push(`${name}: ${e.message}`));
        await tried(async () => {
          await go(path);
          await loaded(page);
        });
        await tried(() => wantAccessible(page));
        await tried(() => wantLegibleInTheDark(page));
        await tried(() => (look.phone ? wantNoSidewaysScroll(page) : wantRoom(page)));
        await tried(wantClean);
      }
      if (problems.length > 0) throw new Error(problems.join("\n"));
    });
  }

  for (const look of looks.filter((l) => l.dark)) {
    browserTest(`comes up dark where that is liked (${look.name})`, { look }, async ({ go, page, wantClean }) => {
      await go("/");
      await loaded(page);
      assert.ok(await page.evaluate(() => document.documentElement.classList.contains("dark")), "the page is light");
      await wantAccessible(page, true);
      await wantClean();
    });
  }

  browserTest("has room for what is opened in it", { timeout: 90_000 }, async ({ go, page, wantClean }) => {
    const w = await world();
    for (const path of [`/environment?name=${w.environment}`, "/?view=rows", "/history?state=failed"]) {
      await go(path);
      await loaded(page);
      await wantRoom(page);
    }
    await page.goto(`${url}/sandbox?name=${w.name}&service=account`); // an open sheet takes the heading's role away
    await shows(page.getByRole("heading", { name: "account", exact: true }));
    await loaded(page);
    await wantRoom(page);
    await wantClean();
  });
});
