// What people with write access to a repository, and services, can make the dashboard show: all of it is text.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { browserTest, shows, type Seat } from "./harness/browser";
import { eventually, newBox, push, sdp, sdpJSON, type Box } from "./harness/platform";

const branch = "feature/<img/src=x/onerror=hostile=1>";
const subject = `<img src=x onerror="hostile=2"><script>hostile=3</script> javascript:hostile=4`;
const author = `"><svg onload=hostile=5>`;
const escape = "\u001b";
const lines = [
  `<img src=x onerror="hostile=6"> <b>bold</b>`,
  `${escape}]8;;javascript:hostile=7${escape}\\click me${escape}]8;;${escape}\\`,
  `${escape}[31mred${escape}[0m ${escape}]0;owned title\u0007 ${escape}[2J${escape}[1;1H${escape}[9999999999m after the controls`,
  `"></pre></script><script>hostile=8</script>`,
];
const main = `package main

import (
	"fmt"
	"net/http"
	"os"

	"account/internal/account"
	"account/internal/service"
)

func routes(mux *http.ServeMux, me service.Info) {
	account.Routes(mux, me)
	mux.HandleFunc("GET /hostile", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<img src=x onerror=\\"hostile=9\\"><script>hostile=10</script>")
	})
}

func main() {
	${lines.map((l) => `fmt.Println(${JSON.stringify("HOSTILE " + l)})`).join("\n\t")}
	os.Exit(service.Run(service.App{Name: "account", Feature: account.Feature, Routes: routes}))
}
`;

let made: Promise<Box & { deployment: string }> | undefined;
const hostile = () => (made ??= make());

async function make() {
  await push({ repository: "account", branch, subject, author, files: { "cmd/account/main.go": main } });
  const box = await newBox(`account@${branch}`);
  const [d] = await sdpJSON<{ id: string }[]>("history", box.name);
  assert.ok(d);
  return { ...box, deployment: d.id };
}

/** Fails if something of the hostile input became an element, an attribute that runs, or a link. */
async function wantDead({ page, wantClean }: Seat): Promise<void> {
  const alive = await page.evaluate(() =>
    [...document.querySelectorAll("img[src='x'], img[onerror], svg[onload], [onerror], [onload], a[href^='javascript:' i]")].map(
      (e) => e.outerHTML.slice(0, 200),
    ),
  );
  assert.deepEqual(alive, [], "hostile input became elements");
  await wantClean();
}

describe("hostile input", () => {
  browserTest("branch names, authors and subjects are text, on every page that has them", async (seat) => {
    const { page, go } = seat;
    const box = await hostile();
    for (const path of [
      "/",
      `/sandbox?name=${box.name}`,
      `/deployment?id=${box.deployment}`,
      `/history?sandbox=${box.name}`,
      `/audit?sandbox=${box.name}`,
      `/sandbox?name=${box.name}&tab=history`,
      `/sandbox?name=${box.name}&tab=settings`,
      "/repositories?repository=account",
    ]) {
      await go(path);
      await page
        .getByText(branch)
        .first()
        .waitFor({ state: "attached" })
        .catch((e: Error) => {
          throw new Error(`${path}: ${e.message}`);
        });
      await wantDead(seat);
    }
    await shows(page.getByText("javascript:hostile=4"));
  });

  browserTest("the branch can be found by typing, and stays text", async (seat) => {
    const { page, go } = seat;
    const box = await hostile();
    await go(`/sandbox?name=${box.name}`);
    await page.getByRole("button", { name: "Deploy", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Service", { exact: true }).selectOption("account");
    await dialog.getByRole("combobox", { name: "Branch" }).click();
    await page.getByLabel("Search branches").fill("onerror");
    await shows(page.getByRole("option").filter({ hasText: branch }));
    await wantDead(seat);
  });

  browserTest("a service's lines are text: HTML, ANSI, hyperlinks", async (seat) => {
    const { page, go } = seat;
    const box = await hostile();
    await eventually(
      async () => (await sdp("logs", `${box.name}/account`)).includes("HOSTILE"),
      "the container's log has arrived",
    );
    await go(`/sandbox?name=${box.name}`);
    const title = await page.title();
    await page
      .getByRole("region", { name: "Topology" })
      .getByRole("button", { name: /^account/ })
      .click();
    await page.getByRole("region", { name: "account", exact: true }).getByRole("button", { name: "Logs" }).click();
    const log = page.getByRole("region", { name: "Log of account" });
    await shows(log.getByText(`<img src=x onerror="hostile=6"> <b>bold</b>`));
    await shows(log.getByText("click me"));
    await shows(log.getByText("after the controls"));
    await shows(log.getByText("</pre></script>"));
    assert.equal(await log.getByRole("link").filter({ hasText: "click me" }).count(), 0, "a line became a link");
    assert.ok(!(await log.innerText()).includes("\u001b"), "an escape character is shown");
    assert.equal(await page.title(), title);
    await wantDead(seat);
  });

  browserTest("a service's answer in a trace is text", async (seat) => {
    const { page, go } = seat;
    const box = await hostile();
    await go(`/sandbox?name=${box.name}`);
    const trace = page.getByRole("region", { name: "Trace" });
    await trace.getByLabel("Path").fill("/account/hostile");
    await trace.getByRole("button", { name: "Trace", exact: true }).click();
    await shows(trace.getByText(`<img src=x onerror="hostile=9"><script>hostile=10</script>`));
    await wantDead(seat);
  });
});
