import assert from "node:assert/strict";
import { describe } from "node:test";
import { browserTest, goes, shows } from "./harness/browser";
import { closeGate, deployAs, eventually, gateURL, newBox, openGate, sdp, sdpJSON, url } from "./harness/platform";
import { chattyGateway } from "./harness/world";

interface Started {
  id: string;
}

/** Starts a deployment by the command line and returns its ID. */
export async function deploy(box: string, what: string): Promise<string> {
  const [d] = await sdpJSON<Started[]>("deploy", box, what);
  assert.ok(d);
  return d.id;
}

describe("deployment", () => {
  browserTest(
    "steps tick and lines arrive while it runs, and copy gives the whole log",
    { timeout: 120_000 },
    async ({ go, page, context }) => {
      const box = await newBox();
      await chattyGateway("web/live", 150, 50);
      const id = await deploy(box.name, "gateway@web/live");
      await go(`/deployment?id=${id}`);
      const step = (name: string, state: string) => page.locator(`[data-step="${name}"][data-state="${state}"]`);
      const log = page.getByRole("region", { name: /log/i });
      await shows(log.getByText(/LINE 000010/));
      // The last line of 150 comes three seconds after the first: what shows now came while it was printed.
      assert.equal(await log.getByText(/LINE 000150/).count(), 0, "the lines came all at once");
      await shows(log.getByText(/LINE 000150/));
      await shows(step("route", "done"), 60_000);
      await goes(page.locator('[data-state="running"]'));
      assert.deepEqual(
        await page
          .locator("[data-step]")
          .evaluateAll((all) => all.map((e) => (e as HTMLElement).dataset.state).filter((s) => s !== "done" && s !== "cached")),
        [],
      );

      await page.getByRole("button", { name: "Copy", exact: true }).last().click();
      const whole = await (await context.request.get(`${url}/api/v1/deployments/${id}/logs`)).text();
      await eventually(
        async () => (await page.evaluate(() => navigator.clipboard.readText())).trim() === whole.trim(),
        "the whole log is copied",
      );
    },
  );

  browserTest(
    "what changed before the connection for events was there is seen once it is",
    { timeout: 120_000 },
    async ({ go, page }) => {
      let connect = () => {};
      const late = new Promise<void>((resolve) => (connect = resolve));
      await page.routeWebSocket(/\/api\/v1\/events/, async (socket) => {
        await late;
        socket.connectToServer();
      });
      const box = await newBox();
      const branch = await closeGate(box.name);
      await sdp("sandbox", "set", box.name, "--env", `GATE=${gateURL}`);
      const id = await deploy(box.name, `account@${branch}`);
      const isIn = (state: RegExp) =>
        eventually(async () => state.test(await sdp("history", box.name)), `the deployment is ${state}`, 60_000);
      await isIn(/STARTING/);
      await go(`/deployment?id=${id}`);
      await shows(page.locator('[data-step="start"][data-state="running"]'));
      await openGate(box.name);
      await isIn(/RUNNING/);
      connect();
      await shows(page.locator('[data-step="route"][data-state="done"]'), 30_000);
    },
  );

  browserTest(
    "a branch that does not compile shows the compiler's line and what to do, on top",
    { timeout: 90_000 },
    async ({ go, page }) => {
      const box = await newBox();
      const id = await deploy(box.name, "account@feature/broken-build");
      await go(`/deployment?id=${id}`);
      const summary = page.getByRole("alert").filter({ hasText: "undefined: ledger" });
      await shows(summary, 60_000);
      await shows(summary.getByText("points.go:6:12"));
      await shows(summary.getByText(/mend it, push, and deploy again/));
      await shows(page.locator('[data-step="build"][data-state="failed"]'));
      const [top, steps] = [await summary.boundingBox(), await page.getByRole("list", { name: "Steps" }).boundingBox()];
      assert.ok(top && steps && top.y < steps.y, "the reason is not above the steps");
    },
  );

  browserTest("what to do may be a command, which can be copied", async ({ go, page }) => {
    await go("/deployment?id=deploy-00000000");
    const problem = page.getByRole("alert").filter({ hasText: "there is no deployment" });
    await shows(problem.getByText("sdp history", { exact: true }));
    await problem.getByRole("button", { name: "Copy the command" }).click();
    await eventually(
      async () => (await page.evaluate(() => navigator.clipboard.readText())) === "sdp history",
      "the command is copied",
    );
  });

  browserTest("cancel says what it waits for, and is over when the node says so", { timeout: 120_000 }, async ({ go, page }) => {
    const box = await newBox();
    const id = await deploy(box.name, "account@feature/never-healthy");
    await go(`/deployment?id=${id}`);
    await shows(page.locator('[data-step="start"][data-state="running"]'), 60_000);
    await page.evaluate(() => {
      const said = ((window as unknown as { said: string[] }).said = []) as string[];
      new MutationObserver(() => {
        for (const e of document.querySelectorAll("[role=status]")) said.push(e.textContent ?? "");
      }).observe(document.body, { subtree: true, childList: true, characterData: true });
    });
    await page.getByRole("button", { name: "Cancel", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel deployment" }).click();
    await shows(page.getByText(/^cancelled$/i), 60_000);
    const said = await page.evaluate(() => (window as unknown as { said: string[] }).said.join("\n"));
    assert.match(said, /Waiting for (node )?micro-1 to confirm/);
    await shows(page.getByText(/^Cancelled by \w+\.$/));
    assert.match(await sdp("history", box.name), /CANCELLED.*cancelled by \w+/);
  });

  browserTest(
    "one that another took the place of says by which and whose, where it is waited for and in the history",
    { timeout: 120_000 },
    async ({ go, page }) => {
      const box = await newBox();
      const id = await deploy(box.name, "account@feature/never-healthy");
      await go(`/deployment?id=${id}`);
      await shows(page.locator('[data-step="start"][data-state="running"]'), 60_000);
      const newer = await deployAs("bob", "bob-demo", box.name, "account", "main");
      const reason = page.getByRole("alert").filter({ hasText: `Superseded by ${newer} of bob` });
      await shows(reason, 60_000);
      await go(`/history?sandbox=${box.name}`);
      const row = page.getByRole("list", { name: "History" }).getByRole("listitem").filter({ hasText: "feature/never-healthy" });
      await shows(row.getByText(`superseded by ${newer} of bob`));
      assert.match(await sdp("history", box.name), new RegExp(`CANCELLED.*superseded by ${newer} of bob`));
      assert.match(
        await sdp("audit", "--sandbox", box.name),
        new RegExp(`deployment.finish.*cancelled.*superseded by ${newer} of bob`),
      );
      await go(`/sandbox?name=${box.name}&tab=audit`);
      await shows(page.getByText(`superseded by ${newer} of bob`));
      await go(`/history?sandbox=${box.name}`);
      await row.getByRole("link", { name: newer }).click();
      await page.waitForURL(new RegExp(`/deployment\\?id=${newer}`));
      await shows(page.getByRole("heading", { level: 1, name: /^account main/ }));
    },
  );

  browserTest(
    "who deploys and goes elsewhere is told when another took its place",
    { timeout: 120_000 },
    async ({ go, page }) => {
      const box = await newBox();
      await go(`/sandbox?name=${box.name}`);
      await page
        .getByRole("button", { name: /^Deploy( the first branch)?$/ })
        .first()
        .click();
      const dialog = page.getByRole("dialog", { name: /Deploy/ });
      await dialog.getByLabel("Service", { exact: true }).selectOption("account");
      await dialog.getByRole("combobox", { name: "Branch" }).click();
      await page.getByLabel("Search branches").fill("feature/never-healthy");
      await page.getByRole("option").filter({ hasText: "feature/never-healthy" }).click();
      await dialog.getByRole("button", { name: "Plan", exact: true }).click();
      await dialog.getByRole("button", { name: "Deploy", exact: true }).click({ timeout: 30_000 });
      await page.waitForURL(/\/deployment\?id=/);
      await shows(page.locator('[data-step="start"][data-state="running"]'), 60_000);
      await page.getByRole("link", { name: "Nodes" }).first().click();
      await shows(page.getByRole("heading", { level: 1, name: "Nodes" }));
      const newer = await deployAs("bob", "bob-demo", box.name, "account", "main");
      const toast = page.getByRole("status").filter({ hasText: `superseded by ${newer} of bob` });
      await shows(toast, 60_000);
      await toast.getByRole("link", { name: newer }).click();
      await page.waitForURL(new RegExp(`/deployment\\?id=${newer}`));
    },
  );
});
