// Figures that only a browser can measure, for `make bench` (cmd/bench/browser.go): one phase a run, its result as JSON on
// standard output.
//
//   bench.ts load            compressed kilobytes of JavaScript of the overview's first load
//   bench.ts typing          milliseconds from a key to the next paint, in the overview's search
//   bench.ts painted ID      milliseconds from a line's printing to its being painted, of a deployment that runs
//   bench.ts scroll ID N     milliseconds a frame, scrolling through the log of N lines
import { chromium, type Page } from "playwright-core";
import { executable, flags } from "./harness/chromium";

const { SDP_URL: url = "", SDP_USER: user = "", SDP_PASSWORD: password = "" } = process.env;
const [phase = "", id = "", lines = "0"] = process.argv.slice(2);

const measure: Record<string, (page: Page) => Promise<unknown>> = {
  async load(page) {
    const wire = await page.context().newCDPSession(page);
    await wire.send("Network.enable");
    await wire.send("Network.setCacheDisabled", { cacheDisabled: true });
    const scripts = new Set<string>();
    let bytes = 0;
    wire.on("Network.responseReceived", (e) => {
      if (e.type === "Script") scripts.add(e.requestId);
    });
    wire.on("Network.loadingFinished", (e) => {
      if (scripts.has(e.requestId)) bytes += e.encodedDataLength;
    });
    await page.goto(url + "/", { waitUntil: "networkidle", timeout: 15_000 }).catch(() => {}); // the events' socket may keep it from being idle
    await page.getByRole("heading", { level: 1 }).waitFor();
    return { kilobytes: bytes / 1024, scripts: scripts.size };
  },

  async typing(page) {
    await page.goto(url + "/");
    const box = page.getByRole("searchbox", { name: "Search sandboxes" });
    await box.waitFor();
    await page.getByText(/500/).first().waitFor({ timeout: 30_000 });
    await page.evaluate(() => {
      const took = ((window as unknown as { took: number[] }).took = []) as number[];
      // From the key's own time to the task after the frame it led to.
      addEventListener(
        "keydown",
        (e) =>
          requestAnimationFrame(() => {
            const done = new MessageChannel();
            done.port1.onmessage = () => took.push(performance.now() - e.timeStamp);
            done.port2.postMessage(0);
          }),
        true,
      );
    });
    await box.focus();
    for (let round = 0; round < 12; round++) {
      for (const key of "browse-1" + String(round % 10)) await page.keyboard.press(key, { delay: 40 });
      for (let i = 0; i < 9; i++) await page.keyboard.press("Backspace", { delay: 40 });
    }
    return page.evaluate(() => (window as unknown as { took: number[] }).took);
  },

  async painted(page) {
    await page.goto(`${url}/deployment?id=${id}`);
    await page.getByRole("region", { name: /log/i }).first().waitFor();
    await page.evaluate(() => {
      const seen = new Map<number, number>();
      const pending = new Map<number, number>();
      const opened = Date.now();
      let asked = false;
      const look = () => {
        for (const line of document.querySelectorAll("[data-line]")) {
          const [, n, at] = /BENCH (\d+) (\d+\.\d+)/.exec(line.textContent ?? "") ?? [];
          if (n && at && Number(at) * 1000 > opened + 500 && !seen.has(Number(n))) pending.set(Number(n), Number(at) * 1000);
        }
        if (pending.size === 0 || asked) return;
        asked = true;
        requestAnimationFrame(() => {
          const done = new MessageChannel(); // its task comes after the frame was painted
          done.port1.onmessage = () => {
            asked = false;
            const now = Date.now();
            for (const [n, at] of pending) seen.set(n, now - at);
            pending.clear();
          };
          done.port2.postMessage(0);
        });
      };
      new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
      (window as unknown as { seen: Map<number, number> }).seen = seen;
    });
    await page.getByText("BENCH END").first().waitFor({ timeout: 120_000 });
    return page.evaluate(() => [...(window as unknown as { seen: Map<number, number> }).seen.values()]);
  },

  async scroll(page) {
    await page.goto(`${url}/deployment?id=${id}`);
    const log = page.getByRole("region", { name: "Log", exact: true }).first();
    await log.waitFor();
    await page.waitForFunction(
      (wanted) => Number([...document.querySelectorAll<HTMLElement>("[data-line]")].at(-1)?.dataset.line ?? 0) >= wanted,
      Number(lines),
      { timeout: 60_000 },
    );
    return log.evaluate(
      (box) =>
        new Promise<number[]>((resolve) => {
          const frames: number[] = [];
          let last = performance.now();
          const until = last + 5_000;
          let by = -1;
          const frame = (now: number) => {
            frames.push(now - last);
            last = now;
            // As fast as a person spins a wheel, with a leap now and then as by the scroll bar.
            box.scrollTop += by * (frames.length % 40 === 0 ? box.scrollHeight / 7 : 360);
            if (box.scrollTop <= 0) by = 1;
            else if (box.scrollTop + box.clientHeight >= box.scrollHeight) by = -1;
            if (now < until) requestAnimationFrame(frame);
            else resolve(frames.slice(1));
          };
          requestAnimationFrame(frame);
        }),
    );
  },
};

const browser = await chromium.launch({ executablePath: executable, args: flags });
try {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  await context.addInitScript("globalThis.__name = (f) => f"); // what the compiler puts around named functions
  const answer = await context.request.post(`${url}/api/v1/session`, { data: { user, password } });
  if (!answer.ok()) throw new Error(await answer.text());
  const run = measure[phase];
  if (!run) throw new Error(`there is no phase ${phase}: one of ${Object.keys(measure).join(", ")}`);
  console.log(JSON.stringify(await run(await context.newPage())));
} finally {
  await browser.close();
}
