import assert from "node:assert/strict";
import { describe } from "node:test";
import { browserTest, goes, shows } from "./harness/browser";
import { newName, sdp, sdpJSON } from "./harness/platform";

describe("environment", () => {
  browserTest("is made and changed; a secret goes in and never comes out", async ({ go, page }) => {
    const name = newName("env");
    const marker = `Mk${Math.random().toString(36).slice(2)}x`;
    const told: string[] = [];
    const look = (where: string, text: string) => {
      if (text.includes(marker)) told.push(where);
    };
    page.on("response", async (r) => look(`answer to ${r.request().method()} ${r.url()}`, await r.text().catch(() => "")));
    page.on("websocket", (ws) => ws.on("framereceived", (f) => look(`frame of ${ws.url()}`, String(f.payload))));

    await go("/environments");
    await page.getByRole("button", { name: "New environment" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill(name);
    await dialog.getByRole("button", { name: "Create environment" }).click();
    await shows(page.getByRole("heading", { level: 1, name }));
    await page.getByRole("button", { name: "Add secret" }).click();
    await dialog.getByLabel("Name").fill("TOKEN");
    await dialog.getByLabel("Value").fill(marker);
    await dialog.getByRole("button", { name: "Save" }).click();
    await goes(dialog);
    await shows(page.getByText("TOKEN", { exact: true }));
    await page.getByRole("button", { name: "Add variable" }).click();
    await dialog.getByLabel("Name").first().fill("REGION");
    await dialog.getByLabel("Value").first().fill("eu-north");
    await dialog.getByRole("button", { name: "Save" }).click();
    await goes(dialog);
    await shows(page.getByText("eu-north"));

    const env = await sdpJSON<{ variables: Record<string, string>; secretKeys: string[] }>("env", "show", name);
    assert.deepEqual([env.variables, env.secretKeys], [{ REGION: "eu-north" }, ["TOKEN"]]);
    for (const tab of ["values", "versions", "usage"]) {
      await go(`/environment?name=${name}&tab=${tab}`);
      await goes(page.getByRole("status", { name: /^Loading/ }));
      look(`the DOM of ${tab}`, await page.content());
      look(
        `a field of ${tab}`,
        await page.evaluate(() =>
          [...document.querySelectorAll("input, textarea")].map((e) => (e as HTMLInputElement).value).join("\n"),
        ),
      );
    }
    look("storage", await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie));
    assert.deepEqual(told, [], "the secret's value came out");
    await sdp("env", "delete", name);
  });

  browserTest("a value that cannot be is refused with the reason beside it", async ({ go, page }) => {
    const name = newName("env");
    await sdp("env", "create", name, "A=1");
    await go(`/environment?name=${name}`);
    await page.getByRole("button", { name: "Add variable" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").first().fill("NOT A NAME");
    await dialog.getByLabel("Value").first().fill("x");
    if (await dialog.getByRole("button", { name: "Save" }).isEnabled())
      await dialog.getByRole("button", { name: "Save" }).click();
    await shows(dialog.getByRole("alert"));
    await sdp("env", "delete", name);
  });
});
