// What is drawn is in reach: lists in dialogs and menus, at every size of window.
import assert from "node:assert/strict";
import { describe } from "node:test";
import type { Locator, Page } from "playwright-core";
import { wantAccessible } from "./harness/accessibility";
import { browserTest, goes, phone, shows, window, type Look } from "./harness/browser";
import { eventually, newBox, newName, push, url } from "./harness/platform";
import { world } from "./harness/world";

const sizes: Look[] = [window(1440, 900), window(1920, 1080), window(1024, 768), phone];

/**
 * Every option of an open list can be clicked, with no more than the list's own scrolling, once the list stands where it
 * will be: it is laid out somewhere else before.
 */
async function wantAllInReach(page: Page): Promise<void> {
  await eventually(
    async () => {
      const hidden = await page.getByRole("listbox").evaluate((list) =>
        [...list.querySelectorAll("[role=option]")]
          .filter((option) => {
            const scroller = option.closest("[cmdk-list]")!;
            scroller.scrollTop += option.getBoundingClientRect().top - scroller.getBoundingClientRect().top - 8;
            const box = option.getBoundingClientRect();
            return !option.contains(document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2));
          })
          .map((option) => option.textContent),
      );
      assert.deepEqual(hidden, [], "options that no mouse reaches");
      return true;
    },
    "every option is in reach",
    5_000,
  );
}

/**
 * Clicks an option of an open list where the mouse would, without the help of scripts that scroll what nobody can scroll.
 * It clicks when the list stands still with the option at that point, as a person does who has to see it first.
 */
async function pick(page: Page, option: Locator): Promise<void> {
  await shows(option);
  const at = await standing(option);
  await page.mouse.click(at.x, at.y);
  await goes(page.getByRole("listbox"));
}

/** The middle of something in an open list or menu, once it is in sight and stands still. A list is laid out before it is shown. */
function standing(what: Locator): Promise<{ x: number; y: number }> {
  return what.evaluate(async (element) => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    let last = { x: 0, y: 0 };
    for (let still = 0; still < 5; await frame()) {
      const list = element.closest("[cmdk-list]");
      if (list) list.scrollTop += element.getBoundingClientRect().top - list.getBoundingClientRect().top - 8;
      const box = element.getBoundingClientRect();
      const now = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
      const inSight = element.contains(document.elementFromPoint(now.x, now.y));
      still = inSight && now.x === last.x && now.y === last.y ? still + 1 : 0;
      last = now;
    }
    return last;
  });
}

let many: Promise<void> | undefined;
/** Pushes more branches of account than a list shows at once. They are pushed once. */
const manyBranches = () => (many ??= pushMany());

async function pushMany(): Promise<void> {
  for (let i = 0; i < 12; i++) {
    await push({ repository: "account", branch: `web/many-${i}`, subject: `The change that is number ${i}` });
  }
}

const main = (page: Page) => page.getByRole("option").filter({ hasText: /^main/ });

describe("lists in dialogs", () => {
  for (const look of sizes) {
    browserTest(`every branch can be chosen when deploying (${look.name})`, { look, timeout: 90_000 }, async ({ go, page }) => {
      const box = await newBox();
      await manyBranches();
      await go(`/sandbox?name=${box.name}`);
      await page
        .getByRole("button", { name: /^Deploy( the first branch)?$/ })
        .first()
        .click();
      const dialog = page.getByRole("dialog", { name: /Deploy/ });
      await dialog.getByLabel("Service", { exact: true }).selectOption("account");
      const field = dialog.getByRole("combobox", { name: "Branch", exact: true });
      await field.click();
      await shows(main(page));
      await wantAllInReach(page);
      await wantAccessible(page);
      await page.mouse.move(0, 0);
      await page.keyboard.press("Escape");
      await goes(page.getByRole("listbox"));
      await shows(dialog); // Escape closes the list alone, and the focus is where it was
      assert.ok(await field.evaluate((e) => e === document.activeElement), "the focus is lost");
      await field.click();
      await pick(page, main(page));
      await shows(field.getByText("main", { exact: true }));
      for (const service of ["payment", "user"]) {
        // each a row further down
        await dialog.getByRole("button", { name: "Add a service" }).click();
        await dialog.getByLabel("Service", { exact: true }).last().selectOption(service);
        await dialog.getByRole("group", { name: service }).getByRole("combobox", { name: "Branch", exact: true }).click();
        await shows(main(page));
        await wantAllInReach(page);
        await pick(page, main(page));
      }
    });

    browserTest(
      `every branch can be chosen for a new sandbox (${look.name})`,
      { look, timeout: 90_000 },
      async ({ go, page }) => {
        await go("/");
        await page.getByRole("button", { name: "New sandbox" }).first().click();
        const dialog = page.getByRole("dialog", { name: "New sandbox" });
        for (const service of ["account", "payment", "user"]) {
          await dialog.getByRole("checkbox", { name: service }).check();
          const field = dialog.getByRole("combobox", { name: `Branch of ${service}` });
          await field.click();
          await shows(main(page));
          await wantAllInReach(page);
          await pick(page, main(page));
          await shows(field.getByText("main", { exact: true }));
        }
        await dialog.getByLabel("Gateway", { exact: true }).selectOption("gateway");
        await dialog.getByRole("combobox", { name: "Branch of the gateway" }).click();
        await shows(main(page));
        await wantAllInReach(page);
        await pick(page, main(page));
      },
    );

    browserTest(
      `every branch can be chosen for a template's parameter (${look.name})`,
      { look, timeout: 90_000 },
      async ({ go, page }) => {
        const { template } = await world();
        await go(`/template?name=${template}`);
        await page.getByRole("button", { name: "New sandbox from this template" }).click();
        const dialog = page.getByRole("dialog");
        const field = dialog.getByRole("combobox", { name: /^branch/ });
        await field.click();
        await shows(main(page));
        await wantAllInReach(page);
        await pick(page, main(page));
        await shows(field.getByText("main", { exact: true }));
        await page.keyboard.press("Escape");
        await go("/");
        await page.getByRole("button", { name: "New sandbox" }).first().click();
        const create = page.getByRole("dialog", { name: "New sandbox" });
        await create.getByRole("radio", { name: /A template/ }).check();
        await create.getByLabel("Template", { exact: true }).selectOption(template);
        await create.getByRole("combobox", { name: /^branch/ }).click();
        await shows(main(page));
        await wantAllInReach(page);
        await pick(page, main(page));
      },
    );

    browserTest(
      `every sandbox can be chosen to deploy a branch to (${look.name})`,
      { look, timeout: 60_000 },
      async ({ go, page }) => {
        const { name } = await world();
        await go("/repositories?repository=account");
        await page
          .getByRole("button", { name: /^Deploy/ })
          .first()
          .click();
        await page.getByRole("dialog").getByRole("combobox", { name: "Sandbox" }).click();
        const option = page.getByRole("option").filter({ hasText: name });
        await shows(option);
        await wantAllInReach(page);
        await pick(page, option);
        await shows(page.getByRole("combobox", { name: "Sandbox" }).getByText(name));
      },
    );
  }

  browserTest("a list takes keys and the wheel, and is where its field is", { timeout: 60_000 }, async ({ go, page }) => {
    const box = await newBox();
    await manyBranches();
    await go(`/sandbox?name=${box.name}`);
    await page
      .getByRole("button", { name: /^Deploy( the first branch)?$/ })
      .first()
      .click();
    const dialog = page.getByRole("dialog", { name: /Deploy/ });
    await dialog.getByLabel("Service", { exact: true }).selectOption("account");
    const field = dialog.getByRole("combobox", { name: "Branch", exact: true });
    await field.focus();
    await page.keyboard.press("Enter");
    const list = page.getByRole("listbox");
    await standing(main(page));
    const [f, l] = [await field.boundingBox(), await list.boundingBox()];
    assert.ok(
      f && l && Math.abs(f.x - l.x) < 4 && Math.min(Math.abs(l.y - f.y - f.height), Math.abs(f.y - l.y - l.height)) < 60,
      "the list is not at its field",
    );
    await page.mouse.move(l.x + 40, l.y + 40);
    await page.mouse.wheel(0, 200);
    await page.waitForFunction(() => (document.querySelector("[cmdk-list]")?.scrollTop ?? 0) > 0);
    await page.keyboard.type("main");
    await page.keyboard.press("Enter");
    await goes(list);
    await shows(field.getByText("main", { exact: true }));
    assert.ok(await field.evaluate((e) => e === document.activeElement), "the focus is lost");
  });
});

describe("a list that opened", () => {
  for (const look of [phone, window(1024, 768)]) {
    browserTest(`stays where it is while typing makes it shorter (${look.name})`, { look }, async ({ go, page }) => {
      const box = await newBox();
      await go(`/sandbox?name=${box.name}`);
      await page
        .getByRole("button", { name: /^Deploy( the first branch)?$/ })
        .first()
        .click();
      const dialog = page.getByRole("dialog", { name: /Deploy/ });
      await dialog.getByLabel("Service", { exact: true }).selectOption("user");
      await dialog.getByRole("button", { name: "Add a service" }).click();
      await dialog.getByLabel("Service", { exact: true }).last().selectOption("account");
      await dialog.getByRole("combobox", { name: "Branch", exact: true }).last().click();
      const search = page.getByLabel("Search branches");
      await shows(main(page));
      const before = await standing(search);
      await page.keyboard.type("no branch is called so");
      await shows(page.getByText("No branch matches."));
      assert.deepEqual(await standing(search), before);
      await search.fill("main");
      await pick(page, main(page));
    });
  }
});

describe("tables", () => {
  for (const look of [window(1024, 768), window(1100, 800), window(1440, 900)]) {
    browserTest(
      `a service's menu opens whole, whatever the width (${look.name})`,
      { look, timeout: 60_000 },
      async ({ go, page }) => {
        const { name } = await world();
        await go(`/sandbox?name=${name}`);
        const button = page
          .getByRole("region", { name: "Services", exact: true })
          .getByRole("button", { name: "Actions for account" });
        await button.scrollIntoViewIfNeeded();
        const reached = await button.evaluate((b) => {
          const box = b.getBoundingClientRect();
          return b.contains(document.elementFromPoint(box.right - 3, box.y + box.height / 2));
        });
        assert.ok(reached, "the menu's button is cut off");
        await button.click();
        await standing(page.getByRole("menuitem", { name: "Route to OCP" }));
        for (const item of await page.getByRole("menuitem").all()) {
          const box = await item.boundingBox();
          assert.ok(box && box.x >= 0 && box.x + box.width <= look.size!.width, "the menu is cut off");
        }
      },
    );
  }
});

describe("history", () => {
  for (const look of [window(1024, 768), window(1100, 800), window(1440, 900), phone]) {
    browserTest(`what happened has room to be read (${look.name})`, { look }, async ({ go, page }) => {
      const { name } = await world();
      await go(`/history?sandbox=${name}`);
      const row = page
        .getByRole("list", { name: "History" })
        .getByRole("listitem")
        .filter({ hasText: "feature/loyalty-points" })
        .first();
      const what = await row.getByRole("link", { name: /account deployed/ }).evaluate((link) => {
        const lines = new Set([...link.getClientRects()].map((r) => Math.round(r.top)));
        return { lines: lines.size, width: link.parentElement!.getBoundingClientRect().width };
      });
      assert.equal(what.lines, 1, "what happened is broken over lines");
      assert.ok(what.width >= 240, `what happened has ${what.width} pixels`);
      // Whatever gives way, a row says when, where, what, how it ended and who asked for it.
      for (const part of [name, /Stopped|Running/i, "alice"]) await shows(row.getByText(part).first());
    });
  }
});

describe("expiry", () => {
  browserTest("is shown and offered nowhere, because nothing acts on it yet", async ({ go, page, context }) => {
    const { template } = await world();
    const { name } = await newBox();
    // A sandbox.yaml may have it.
    const set = await context.request.patch(`${url}/api/v1/sandboxes/${name}`, {
      headers: { Origin: url },
      data: { expiry: { idleAfter: "72h", deleteAfter: "336h" } },
    });
    assert.equal(set.status(), 200, await set.text());
    const said: string[] = [];
    const look = async (where: string) => {
      await goes(page.getByRole("status", { name: "Loading" }));
      const found = /expir\w*|idle[ -]after|suspended (in|after)|unless used/i.exec(await page.locator("body").innerText());
      if (found) said.push(`${where}: ${found[0]}`);
    };
    for (const path of ["/", "/?view=rows", `/sandbox?name=${name}`]) {
      await go(path);
      await shows(page.getByText(name).first());
      await look(path);
    }
    await page.getByRole("button", { name: "Clone", exact: true }).click();
    await page.getByRole("dialog").getByLabel("Name of the clone").fill(newName("clone"));
    await shows(page.getByRole("region", { name: "Contract" }));
    await look("the clone's contract");
    await go(`/sandbox?name=${name}&tab=settings`);
    await shows(page.getByRole("button", { name: "Edit limits" }));
    assert.equal(await page.getByRole("button", { name: /expiry/i }).count(), 0, "its settings offer an expiry");
    await go(`/template?name=${template}`);
    await page.getByRole("button", { name: "Edit", exact: true }).click();
    await look("the template's editor");
    await page.getByRole("button", { name: /as JSON/ }).click();
    await look("the template's JSON");
    await go("/");
    await page.getByRole("button", { name: "New sandbox" }).first().click();
    await shows(page.getByRole("dialog"));
    await look("a new sandbox");
    assert.deepEqual(said, []);
  });
});
