import assert from "node:assert/strict";
import { describe } from "node:test";
import type { Page } from "playwright-core";
import { browserTest, goes, shows } from "./harness/browser";
import { closeGate, eventually, gateURL, newBox, newName, openGate, sdp, sdpJSON, servedBy, type Box } from "./harness/platform";

const path = "/account/version";
const topology = (page: Page) => page.getByRole("region", { name: "Topology" });
const edge = (page: Page, source: string) => page.locator(`[data-edge="account"][data-source="${source}"]`);
const panel = (page: Page) => page.getByRole("region", { name: "account", exact: true });

async function choose(page: Page): Promise<void> {
  await topology(page)
    .getByRole("button", { name: /^account/ })
    .click();
  await shows(panel(page));
}

/** Waits until who answers for account begins with a route. */
const answers = (box: Box, route: string) =>
  eventually(
    async () => {
      const now = await servedBy(box, path);
      if (!now.startsWith(route)) throw new Error(now);
      return true;
    },
    `${path} is answered by ${route}`,
    60_000,
  );

describe("sandbox", () => {
  browserTest(
    "a route is switched after asking: the picture's edge and the answer change",
    { timeout: 90_000 },
    async ({ go, page }) => {
      const box = await newBox("account@main");
      await go(`/sandbox?name=${box.name}`);
      await edge(page, "sandbox").first().waitFor({ state: "attached" });
      await choose(page);
      await panel(page).getByRole("button", { name: "Route to OCP" }).click();
      const dialog = page.getByRole("dialog");
      await shows(dialog.getByText(/then by/i));
      await answers(box, "account=sandbox@"); // nothing happens before it is confirmed
      await dialog.getByRole("button", { name: "Switch route" }).click();
      await edge(page, "ocp").first().waitFor({ state: "attached", timeout: 30_000 });
      await answers(box, "account=ocp");
      await goes(dialog);
      await panel(page).getByRole("button", { name: "Route to sandbox" }).click();
      await dialog.getByRole("button", { name: "Switch route" }).click();
      await edge(page, "sandbox").first().waitFor({ state: "attached", timeout: 30_000 });
      await answers(box, "account=sandbox@");
    },
  );

  browserTest("restart makes a new container, stop ends it and says so", { timeout: 120_000 }, async ({ go, page }) => {
    const box = await newBox("account@main");
    await go(`/sandbox?name=${box.name}`);
    await choose(page);
    const deployments = async () =>
      (await sdpJSON<{ settled: boolean; state: string }[]>("history", box.name)).filter(
        (d) => d.state === "RUNNING" || d.state === "STOPPED",
      ).length;
    await panel(page).getByRole("button", { name: "Restart", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Restart" }).click();
    await eventually(async () => (await deployments()) === 2, "there is a second deployment", 60_000);
    await goes(page.getByRole("dialog"));
    await answers(box, "account=sandbox@");
    await panel(page).getByRole("button", { name: "Stop", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Stop" }).click();
    await answers(box, "account=none");
    await shows(topology(page).getByRole("button", { name: /^account.*stopped/i }));
  });

  browserTest("a restart can be cancelled while it runs", { timeout: 120_000 }, async ({ go, page }) => {
    const box = await newBox();
    const branch = await closeGate(box.name);
    await openGate(box.name);
    await sdp("sandbox", "set", box.name, "--env", `GATE=${gateURL}`);
    await sdp("deploy", box.name, `account@${branch}`, "--wait");
    await closeGate(box.name);
    const { id } = await sdpJSON<{ id: string }>("restart", box.name, "account", "--wait=false");
    await go(`/operation?id=${id}`);
    await shows(page.getByText(/^running$/i));
    await page.getByRole("button", { name: "Cancel", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel operation" }).click();
    await shows(page.getByText(/^cancelled$/i), 60_000);
    await answers(box, "account=sandbox@"); // by the container there was
  });

  browserTest("a sandbox is marked as used", async ({ go, page }) => {
    const box = await newBox();
    await go(`/sandbox?name=${box.name}`);
    await shows(page.getByText("none yet"));
    await page.getByRole("button", { name: "More" }).click();
    await page.getByRole("menuitem", { name: "Mark as used" }).click();
    await goes(page.getByText("none yet"), 30_000);
    const { lastActivity } = await sdpJSON<{ lastActivity?: string }>("sandbox", "show", box.name);
    assert.ok(lastActivity, "the sandbox was never used");
  });

  browserTest("a clone shows its contract first", { timeout: 120_000 }, async ({ go, page }) => {
    const box = await newBox("account@main");
    const clone = newName("clone");
    await go(`/sandbox?name=${box.name}`);
    await page.getByRole("button", { name: "Clone", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name of the clone").fill(clone);
    const contract = dialog.getByRole("region", { name: "Contract" });
    await shows(contract);
    for (const word of [/copied/i, /regenerated/i, /shared/i]) await shows(contract.getByText(word));
    await dialog.getByRole("button", { name: /^Clone/ }).click();
    await eventually(async () => (await sdp("sandbox", "list")).includes(clone), "the clone is there");
    await eventually(
      async () => {
        const { url } = await sdpJSON<{ url: string }>("sandbox", "show", clone);
        return (await servedBy({ name: clone, url }, path)).startsWith("account=sandbox@");
      },
      "the clone answers",
      60_000,
    );
  });

  browserTest("a snapshot is taken, and restoring it brings the route back", { timeout: 120_000 }, async ({ go, page }) => {
    const box = await newBox("account@main");
    await go(`/sandbox?name=${box.name}`);
    await page.getByRole("button", { name: "Take snapshot" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("as-it-was");
    await dialog.getByRole("button", { name: "Take snapshot" }).click();
    await eventually(async () => (await sdp("snapshot", "list")).includes("as-it-was"), "the snapshot is there");
    await sdp("route", box.name, "account", "ocp", "--wait");
    await answers(box, "account=ocp");
    await go(`/sandbox?name=${box.name}&tab=snapshots`);
    await page.getByRole("button", { name: "Restore as-it-was" }).click();
    await dialog.getByRole("button", { name: new RegExp(`^Restore ${box.name}`) }).click({ timeout: 30_000 });
    await answers(box, "account=sandbox@");
  });

  browserTest("deleting asks for the name", { timeout: 90_000 }, async ({ go, page }) => {
    const box = await newBox();
    await go(`/sandbox?name=${box.name}`);
    await page.getByRole("button", { name: "More" }).click();
    await page.getByRole("menuitem", { name: /Delete/ }).click();
    const dialog = page.getByRole("dialog");
    const button = dialog.getByRole("button", { name: "Delete sandbox" });
    await dialog.getByLabel(/^Type/).fill(box.name.slice(1));
    assert.ok(await button.isDisabled(), "another name is enough to delete it");
    await dialog.getByLabel(/^Type/).fill(box.name);
    await button.click();
    await shows(page.getByText(`${box.name} is deleted`), 60_000);
    assert.ok(!(await sdp("sandbox", "list")).includes(box.name));
  });

  browserTest("a trace shows each hop and the answer", async ({ go, page }) => {
    const box = await newBox("account@main");
    await go(`/sandbox?name=${box.name}`);
    const trace = page.getByRole("region", { name: "Trace" });
    await trace.getByLabel("Path").fill("/account/summary");
    await trace.getByRole("button", { name: "Trace", exact: true }).click();
    const hops = trace.getByRole("list", { name: "Hops" });
    await shows(hops.getByText("account").first());
    await shows(hops.getByText(/ocp/i));
    await shows(trace.getByText("200").first());
  });
});
