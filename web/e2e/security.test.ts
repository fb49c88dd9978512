import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { request } from "node:http";
import { describe, test } from "node:test";
import { browserTest, shows, sit } from "./harness/browser";
import { password, url, user } from "./harness/platform";

/** The status of a WebSocket handshake with these headers. */
function handshake(path: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const r = request(url + path, {
      headers: {
        Connection: "Upgrade",
        Upgrade: "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
        ...headers,
      },
    });
    r.on("upgrade", (response, socket) => {
      socket.destroy();
      resolve(response.statusCode ?? 0);
    });
    r.on("response", (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    r.on("error", reject);
    r.end();
  });
}

describe("security", () => {
  test("pages of other sites get no WebSocket and change nothing", async () => {
    const { context } = await sit();
    const Cookie = (await context.cookies()).map((c) => `${c.name}=${c.value}`).join("; ");
    await context.close();
    assert.equal(await handshake("/api/v1/events", { Cookie, Origin: url }), 101);
    for (const Origin of ["http://evil.example", "null", url.replace("http:", "https:") + ".evil.example"]) {
      assert.equal(await handshake("/api/v1/events", { Cookie, Origin }), 403, `origin ${Origin}`);
      const posted = await fetch(`${url}/api/v1/sandboxes`, {
        method: "POST",
        body: '{"name":"never"}',
        headers: { Cookie, Origin, "Content-Type": "application/json" },
      });
      assert.equal(posted.status, 403, `origin ${Origin}: ${await posted.text()}`);
    }
    assert.equal(await handshake("/api/v1/events", { Origin: url }), 401, "without a session");
  });

  test("no page may run a script that it was not built with", async () => {
    for (const path of ["/", "/login", "/sandbox?name=x", "/no-such-page"]) {
      const response = await fetch(url + path);
      const policy = response.headers.get("Content-Security-Policy") ?? "";
      const scripts = /script-src ([^;]*)/.exec(policy)?.[1] ?? "";
      assert.match(scripts, /^'self'( 'sha256-[A-Za-z0-9+/=]+')*$/, `${path}: ${policy}`);
      for (const part of ["object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "connect-src 'self'"]) {
        assert.ok(policy.includes(part), `${path} lacks ${part}: ${policy}`);
      }
    }
  });

  for (const next of [
    "//evil.example/",
    "/\\evil.example/",
    "/\t/evil.example/",
    "/.//evil.example/",
    "javascript:window.hostile=1",
  ]) {
    browserTest(`signing in leads nowhere else: ${JSON.stringify(next)}`, { anonymous: true }, async ({ page }) => {
      await page.goto(`${url}/login?next=${encodeURIComponent(next)}`);
      await page.getByLabel("User name").fill(user);
      await page.getByLabel("Password").fill(password);
      await page.getByRole("button", { name: "Sign in" }).click();
      await shows(page.getByRole("button", { name: `Signed in as ${user}` }));
      assert.equal(new URL(page.url()).origin, url);
    });
  }
});
