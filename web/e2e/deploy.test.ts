import assert from "node:assert/strict";
import { describe } from "node:test";
import { browserTest, goes, shows } from "./harness/browser";
import { box as boxOf, eventually, newBox, newName, push, sdp, sdpJSON, servedBy } from "./harness/platform";
import { world } from "./harness/world";

interface Shown {
  id: string;
  sha: string;
  branch: string;
}

describe("deploy", () => {
  browserTest(
    "repository, branch by typing, overrides, the plan, and go: what was planned answers",
    { timeout: 120_000 },
    async ({ go, page }) => {
      const box = await newBox();
      const branch = `web/${newName("typed")}`;
      const sha = await push({ repository: "account", branch, subject: "Let points expire", author: "Mara Olsen" });
      await go(`/sandbox?name=${box.name}`);
      await page
        .getByRole("button", { name: /^Deploy( the first branch)?$/ })
        .first()
        .click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("Service", { exact: true }).selectOption("account");
      await dialog.getByRole("combobox", { name: "Branch" }).click();
      await page.getByLabel("Search branches").fill(branch);
      const option = page.getByRole("option").filter({ hasText: branch });
      for (const part of [sha.slice(0, 7), "Let points expire", "Mara Olsen"])
        await shows(option.getByText(part, { exact: false }));
      await option.click();
      await dialog.getByRole("button", { name: "Plan", exact: true }).click();
      const plan = dialog.getByRole("region", { name: "Plan" });
      await shows(plan.getByText(sha.slice(0, 7), { exact: false }));
      await dialog.getByRole("button", { name: "Deploy", exact: true }).click();
      await page.waitForURL(/\/deployment\?id=/);
      await shows(page.locator('[data-step="route"][data-state="done"]'), 60_000);
      await shows(page.getByRole("region", { name: /log/i }).getByText(/is healthy at/));
      const [d] = await sdpJSON<Shown[]>("history", box.name);
      assert.deepEqual([d?.sha, d?.branch], [sha, branch]);
      assert.equal(await servedBy(box, "/account/version"), `account=sandbox@${sha.slice(0, 12)}`);
    },
  );

  browserTest("a new sandbox of two services, from the overview", { timeout: 120_000 }, async ({ go, page }) => {
    const name = newName("new");
    await go("/");
    await page.getByRole("button", { name: "New sandbox" }).first().click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill(name);
    for (const service of ["account", "payment"]) {
      await dialog.getByRole("checkbox", { name: service }).check();
      await dialog.getByRole("combobox", { name: `Branch of ${service}` }).click();
      await page.getByLabel("Search branches").fill("main");
      await page.getByRole("option").filter({ hasText: /^main/ }).first().click();
    }
    await dialog.getByRole("button", { name: "Show the plan" }).click();
    await dialog.getByRole("button", { name: "Create sandbox" }).click({ timeout: 30_000 });
    await eventually(async () => (await sdp("sandbox", "list")).includes(name), "the sandbox is there");
    const box = await boxOf(name);
    for (const service of ["account", "payment"]) {
      await eventually(
        async () => (await servedBy(box, `/${service}/version`)).startsWith(`${service}=sandbox@`),
        `${service} answers`,
        60_000,
      );
    }
  });

  browserTest("a sandbox from a template", { timeout: 120_000 }, async ({ go, page }) => {
    const { template } = await world();
    const name = newName("made");
    await go(`/template?name=${template}`);
    await page.getByRole("button", { name: "New sandbox from this template" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name", { exact: true }).fill(name);
    await dialog.getByRole("button", { name: "Show the plan" }).click();
    await dialog.getByRole("button", { name: "Create sandbox" }).click({ timeout: 30_000 });
    await eventually(async () => (await sdp("sandbox", "list")).includes(name), "the sandbox is there");
    await goes(dialog);
  });
});
