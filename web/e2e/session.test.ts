import assert from "node:assert/strict";
import { describe } from "node:test";
import { browserTest, shows } from "./harness/browser";
import { password, url, user } from "./harness/platform";

describe("session", () => {
  browserTest(
    "a wrong password shows the remedy, the right one the overview, and signing out ends it",
    { anonymous: true },
    async ({ page, context }) => {
      await page.goto(url + "/");
      await page.waitForURL(/\/login/);
      await page.getByLabel("User name").fill(user);
      await page.getByLabel("Password").fill("not-" + password);
      await page.getByRole("button", { name: "Sign in" }).click();
      await shows(page.getByRole("alert").filter({ hasText: /password/i }));

      await page.getByLabel("Password").fill(password);
      await page.getByRole("button", { name: "Sign in" }).click();
      await shows(page.getByRole("heading", { level: 1 }));
      await page.waitForURL((at) => !at.pathname.includes("login"));

      const cookie = (await context.cookies()).find((c) => c.value.length > 40);
      assert.ok(cookie, "there is no session cookie");
      assert.ok(cookie.httpOnly, "scripts can read the session cookie");
      assert.equal(cookie.sameSite, "Strict");
      const stored = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie);
      assert.ok(!stored.includes(cookie.value) && !stored.includes(password), "a secret is in the browser's storage");

      await page.getByRole("button", { name: `Signed in as ${user}` }).click();
      await page.getByRole("menuitem", { name: "Log out" }).click();
      await page.waitForURL(/\/login/);
      const left = (await context.cookies()).filter((c) => c.name === cookie.name);
      assert.deepEqual(left, [], "the cookie is still there");
      const answer = await context.request.get(`${url}/api/v1/session`, {
        headers: { Cookie: `${cookie.name}=${cookie.value}` },
      });
      assert.equal(answer.status(), 401, "the session lives on after signing out");
    },
  );
});
