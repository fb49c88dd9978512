import assert from "node:assert/strict";
import { describe } from "node:test";
import { deploy } from "./deployment.test";
import { browserTest, goes, shows } from "./harness/browser";
import { eventually, holdServer, newBox, releaseServer, url } from "./harness/platform";
import { chattyGateway } from "./harness/world";

describe("the server is killed", () => {
  browserTest(
    "the page says so, heals by itself, and the log goes on where it was: no line lost, none doubled",
    { timeout: 150_000 },
    async ({ go, page, context }) => {
      const box = await newBox();
      const count = 600;
      await chattyGateway("web/long", count, 50);
      const id = await deploy(box.name, "gateway@web/long");
      await go(`/deployment?id=${id}`);
      await page.evaluate(() => ((window as unknown as { same: boolean }).same = true));
      const log = page.getByRole("region", { name: /log/i });
      await shows(log.getByText(/LINE 0000[3-9]/), 40_000);

      await holdServer();
      try {
        await shows(page.getByText(/connection lost/i));
      } finally {
        await releaseServer();
      }
      await goes(page.getByText(/connection lost/i), 60_000);
      await shows(log.getByText(new RegExp(`LINE 000${count}`)), 60_000);
      await shows(page.locator('[data-step="route"][data-state="done"]'), 60_000);
      assert.equal(await page.evaluate(() => (window as unknown as { same?: boolean }).same), true, "the page was loaded again");

      const whole = await (await context.request.get(`${url}/api/v1/deployments/${id}/logs`)).text();
      const numbers = [...whole.matchAll(/LINE (\d{6})/g)].map((m) => Number(m[1]));
      assert.deepEqual(
        numbers,
        Array.from({ length: count }, (_, i) => i + 1),
        "the log itself is not whole",
      );
      await page.getByRole("button", { name: "Copy", exact: true }).last().click();
      await eventually(async () => {
        assert.equal((await page.evaluate(() => navigator.clipboard.readText())).trim(), whole.trim());
        return true;
      }, "what the page shows is the log, byte for byte");
    },
  );

  browserTest("the overview goes on with what happened meanwhile", { timeout: 150_000 }, async ({ go, page }) => {
    await go("/");
    await page.evaluate(() => ((window as unknown as { same: boolean }).same = true));
    await holdServer();
    try {
      await shows(page.getByText(/connection lost/i));
    } finally {
      await releaseServer();
    }
    const box = await newBox();
    await shows(page.getByRole("link", { name: box.name }), 60_000);
    await goes(page.getByText(/connection lost/i));
    assert.equal(await page.evaluate(() => (window as unknown as { same?: boolean }).same), true, "the page was loaded again");
  });
});
