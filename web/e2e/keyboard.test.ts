import assert from "node:assert/strict";
import { describe } from "node:test";
import type { Page } from "playwright-core";
import { browserTest, goes, phone, shows } from "./harness/browser";
import { newBox, password, servedBy, url, user } from "./harness/platform";
import { world } from "./harness/world";

/** Presses Tab until what has the focus is called so. */
async function tabTo(page: Page, name: RegExp, most = 120): Promise<void> {
  const passed: string[] = [];
  for (let i = 0; i < most; i++) {
    const now = await page.evaluate(() => {
      const e = document.activeElement;
      const label = e?.id ? document.querySelector(`label[for="${CSS.escape(e.id)}"]`)?.textContent : "";
      return e?.getAttribute("aria-label") ?? (label || e?.textContent || "");
    });
    if (name.test(now.trim())) {
      const seen = await page.evaluate(() => {
        const box = document.activeElement!.getBoundingClientRect();
        return box.width > 0 && box.height > 0;
      });
      assert.ok(seen, `${name} has the focus, and cannot be seen`);
      return;
    }
    passed.push(now.trim().slice(0, 40));
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab does not reach ${name}; it passed ${passed.slice(0, 60).join(" | ")}`);
}

describe("at the keyboard", () => {
  browserTest(
    "sign in, choose a sandbox, switch a route without a mouse",
    { anonymous: true, timeout: 120_000 },
    async ({ page }) => {
      const box = await newBox("account@main");
      await page.goto(url + "/");
      await page.waitForURL(/\/login/);
      await tabTo(page, /^User name$/);
      await page.keyboard.type(user);
      await tabTo(page, /^Password$/);
      await page.keyboard.type(password);
      await page.keyboard.press("Enter");
      await shows(page.getByRole("heading", { level: 1, name: "Sandboxes" }));
      await shows(page.getByRole("link", { name: box.name }));
      await tabTo(page, /^Search sandboxes$/);
      await page.keyboard.type(box.name);
      await tabTo(page, new RegExp(`^${box.name}`));
      await page.keyboard.press("Enter");
      await shows(page.getByRole("region", { name: "Topology" }));
      await shows(page.getByRole("region", { name: "Topology" }).getByRole("button", { name: /^account/ }));
      await tabTo(page, /^account/);
      await page.keyboard.press("Enter");
      await tabTo(page, /^Route to OCP$/);
      await page.keyboard.press("Enter");
      const dialog = page.getByRole("dialog");
      await shows(dialog);
      assert.ok(await dialog.evaluate((d) => d.contains(document.activeElement)), "the dialog does not take the focus");
      await page.keyboard.press("Escape");
      await goes(dialog);
      await tabTo(page, /^Route to OCP$/);
      await page.keyboard.press("Enter");
      await shows(dialog);
      await tabTo(page, /^Switch route$/);
      await page.keyboard.press("Enter");
      await page.locator('[data-edge="account"][data-source="ocp"]').first().waitFor({ state: "attached", timeout: 30_000 });
      assert.match(await servedBy(box, "/account/version"), /^account=ocp/);
    },
  );

  browserTest("a link that is followed right after the last letter of a search", {}, async ({ page }) => {
    const box = await newBox("account@main");
    let release = () => {};
    const held = new Promise<void>((go) => (release = go));
    await page.route(/\/sandbox(\/[^?]*)?\.txt/, async (route) => {
      await held;
      await route.continue();
    });
    await page.goto(url + "/");
    await shows(page.getByRole("link", { name: box.name }));
    await page.getByRole("searchbox", { name: "Search sandboxes" }).focus();
    await page.keyboard.type(box.name);
    await page.getByRole("link", { name: box.name }).click();
    await page.waitForURL((at) => at.searchParams.get("q") === box.name); // the address has followed, and the page is under way
    release();
    await shows(page.getByRole("region", { name: "Topology" }));
  });
});

describe("on a phone", () => {
  browserTest(
    "the pages, the main actions and a service are in reach",
    { look: phone, timeout: 90_000 },
    async ({ page, go }) => {
      const w = await world();
      await go("/");
      await page.getByRole("button", { name: "Pages" }).tap();
      await page.getByRole("dialog").getByRole("link", { name: "Environments" }).tap();
      await shows(page.getByRole("heading", { level: 1, name: "Environments" }));
      await go("/");
      await page.getByRole("button", { name: "New sandbox" }).first().tap();
      await shows(page.getByRole("dialog"));
      await page.keyboard.press("Escape");
      await go(`/sandbox?name=${w.name}`);
      await page.getByRole("button", { name: "Deploy", exact: true }).tap();
      const dialog = page.getByRole("dialog");
      await shows(dialog);
      const [panel, screen] = [await dialog.boundingBox(), page.viewportSize()];
      assert.ok(panel && screen && panel.x >= 0 && panel.x + panel.width <= screen.width, "the dialog is wider than the phone");
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: "More" }).tap();
      for (const action of [/Clone/, /snapshot/i, /Delete/]) await shows(page.getByRole("menuitem", { name: action }));
      await page.keyboard.press("Escape");
      await page
        .getByRole("button", { name: /^account/ })
        .first()
        .tap();
      await shows(page.getByRole("dialog").getByRole("button", { name: "Route to OCP" }));
    },
  );
});
