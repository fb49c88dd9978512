// Makes the README's pictures: every page, desktop and phone, light and dark, of an installation that has something to
// show. `make screenshots` runs it by the Go test TestPictures, which gives it an installation of its own.
//
//   docs/pictures/<page>-<desktop|phone>-<light|dark>.webp
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { executable, flags } from "./harness/chromium";
import { box, eventually, password, push, sdp, sdpInput, sdpJSON, slowBranch, url, user } from "./harness/platform";
import { chattyGateway } from "./harness/world";

const to = process.env.SDP_PICTURES_TO ?? "pictures";
const quality = 0.86;

interface Picture {
  name: string;
  path: string;
  /** What is done before the picture is taken. */
  act?: (page: Page, phone: boolean) => Promise<void>;
}

/** What a build of assets prints, in colours. */
const assets = `
$kinds = ["pages", "components", "styles", "icons", "messages"];
for ($i = 1; $i <= 4000; $i++) {
  $kind = $kinds[$i % 5];
  printf("\\033[2m[%4d/4000]\\033[0m \\033[36m%s\\033[0m/%s-%03d.js \\033[32m%d.%d kB\\033[0m\\n", $i, $kind, rtrim($kind, "s"), $i % 400, $i % 90 + 3, $i % 10);
  if ($i % 700 == 0) { printf("\\033[33mwarning\\033[0m %s-%03d.js is larger than 80 kB\\n", rtrim($kind, "s"), $i % 400); }
}
echo "\\033[1;32mdone\\033[0m in 3.1 s, \\033[33m5 warnings\\033[0m\\n";`;

/** Fills the installation with what a small team would have, and returns the pages that show it. */
async function stage(): Promise<Picture[]> {
  await sdpInput(
    "hush",
    "env",
    "create",
    "dev",
    "LOG_LEVEL=debug",
    "REGION=eu-north",
    "FEATURE_POINTS=on",
    "--secret",
    "PAYMENT_TOKEN=-",
  );
  await sdp("env", "set", "dev", "LOG_LEVEL=info", "CACHE_TTL=30s");
  await sdp("env", "create", "qa", "LOG_LEVEL=warn", "REGION=eu-west");
  const make = (name: string, description: string, ...more: string[]) =>
    sdp("sandbox", "create", name, "--description", description, "--environment", "dev", ...more, "--wait");
  await make(
    "checkout",
    "Loyalty points and instant refunds together",
    "--gateway",
    "main",
    "--service",
    "account@feature/loyalty-points",
    "--service",
    "payment@feature/instant-refunds",
  );
  await make("profile", "New profile page for the app", "--service", "user@feature/profile-v2");
  await make(
    "release-42",
    "What goes out on Thursday",
    "--gateway",
    "main",
    "--service",
    "account@main",
    "--service",
    "payment@main",
    "--service",
    "user@main",
  );
  await make("refunds", "Refunds against the shared environment", "--service", "payment@feature/instant-refunds");
  await sdp("sandbox", "set", "release-42", "--environment", "qa", "--label", "team=payments", "--memory", "256M");
  await sdp("deploy", "refunds", "account@feature/broken-build", "--wait").catch(() => "it does not compile");
  await sdp("snapshot", "create", "checkout", "before-release");
  await sdp("snapshot", "create", "release-42", "candidate-1");
  await sdp("route", "release-42", "user", "ocp", "--wait");
  await sdp(
    "template",
    "create",
    "two-services",
    "--from",
    "checkout",
    "--parameter",
    "branch=account",
    "--description",
    "Account and payment behind the gateway",
  );
  await chattyGateway("feature/asset-pipeline", 1, 1, assets);
  await sdp("deploy", "profile", "gateway@feature/asset-pipeline", "--wait");
  const [long] = await history("profile");
  const failed = (await history("refunds")).find((d) => d.state === "FAILED");
  const done = (await history("checkout")).find((d) => d.service === "account");
  await sdp("deploy", "profile", `account@${await slowBranch("feature/statements")}`);
  await sdp("deploy", "refunds", "user@feature/never-healthy").catch(() => "user has no such branch");
  await push({
    repository: "account",
    branch: "feature/gift-cards",
    subject: "Let gift cards be used for a part of the sum",
    author: "Mara",
  });
  const deploy = async (page: Page) => {
    await page.getByRole("button", { name: "Deploy", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Service", { exact: true }).selectOption("account");
    await dialog.getByRole("combobox", { name: "Branch" }).click();
    // Not the options of the selects beside it.
    await dialog.getByRole("listbox").getByRole("option").nth(2).waitFor();
  };
  const checkout = "/sandbox?name=checkout";
  return [
    { name: "overview", path: "/" },
    { name: "sandbox", path: checkout },
    { name: "sandbox-service", path: `${checkout}&service=account` },
    { name: "sandbox-trace", path: checkout, act: traced },
    ...["environment", "settings", "snapshots", "history", "audit"].map((tab) => ({
      name: `sandbox-${tab}`,
      path: `${checkout}&tab=${tab}`,
    })),
    { name: "deploy", path: checkout, act: deploy },
    { name: "clone", path: checkout, act: cloned },
    { name: "deployment", path: `/deployment?id=${done?.id}` },
    { name: "deployment-log", path: `/deployment?id=${long?.id}` },
    { name: "deployment-failed", path: `/deployment?id=${failed?.id}` },
    { name: "environments", path: "/environments" },
    { name: "environment", path: "/environment?name=dev" },
    { name: "environment-versions", path: "/environment?name=dev&tab=versions" },
    { name: "templates", path: "/templates" },
    { name: "template", path: "/template?name=two-services" },
    { name: "snapshots", path: "/snapshots" },
    { name: "repositories", path: "/repositories" },
    { name: "branches", path: "/repositories?repository=account" },
    { name: "nodes", path: "/nodes" },
    { name: "images", path: "/images" },
    { name: "history", path: "/history" },
    { name: "audit", path: "/audit" },
  ];
}

const history = (name: string) => sdpJSON<{ id: string; state: string; service: string }[]>("history", name);

async function traced(page: Page): Promise<void> {
  const trace = page.getByRole("region", { name: "Trace" });
  await trace.getByLabel("Path").fill("/account/summary");
  await trace.getByRole("button", { name: "Trace", exact: true }).click();
  await trace.getByRole("list", { name: "Hops" }).waitFor();
  await trace.scrollIntoViewIfNeeded();
  await trace.evaluate((e) => e.scrollIntoView({ block: "start" }));
}

async function cloned(page: Page, phone: boolean): Promise<void> {
  if (phone) {
    await page.getByRole("button", { name: "More" }).click();
    await page.getByRole("menuitem", { name: /Clone/ }).click();
  } else {
    await page.getByRole("button", { name: "Clone", exact: true }).click();
  }
  await page.getByRole("region", { name: "Contract" }).waitFor();
}

/** Keeps requests going, so that the picture's edges have rates. */
function traffic(names: string[]): () => void {
  let over = false;
  void (async () => {
    const boxes = await Promise.all(names.map(box));
    while (!over) {
      await Promise.all(
        boxes.map((b) =>
          fetch(`${b.url}/account/summary`)
            .then((r) => r.arrayBuffer())
            .catch(() => undefined),
        ),
      );
      await new Promise((resolve) => setTimeout(resolve, 120));
    }
  })();
  return () => void (over = true);
}

async function take(browser: Browser, pictures: Picture[], phone: boolean, dark: boolean): Promise<number> {
  const context = await browser.newContext({
    viewport: phone ? { width: 390, height: 844 } : { width: 1440, height: 900 },
    deviceScaleFactor: phone ? 2 : 1,
    isMobile: phone,
    hasTouch: phone,
    colorScheme: dark ? "dark" : "light",
    reducedMotion: "reduce",
  });
  context.setDefaultTimeout(20_000);
  const look = `${phone ? "phone" : "desktop"}-${dark ? "dark" : "light"}`;
  const page = await context.newPage();
  let bytes = 0;
  const keep = async (name: string) => {
    await page.evaluate(() => document.fonts.ready);
    const small = await compressed(browser, await page.screenshot({ animations: "disabled", caret: "hide" }));
    await writeFile(join(to, `${name}-${look}.webp`), small);
    bytes += small.length;
  };
  await page.goto(`${url}/login`);
  await page.getByRole("heading", { level: 1 }).waitFor();
  await keep("login");
  const answer = await context.request.post(`${url}/api/v1/session`, { data: { user, password } });
  if (!answer.ok()) throw new Error(await answer.text());
  for (const { name, path, act } of pictures) {
    try {
      await page.goto(url + path);
      await page.locator("h1").first().waitFor(); // its role is hidden below an open sheet
      await eventually(async () => (await page.locator("[role=status].animate-pulse").count()) === 0, `${name} is loaded`);
      await act?.(page, phone);
      await eventually(async () => (await page.locator("[role=status].animate-pulse").count()) === 0, `${name} is loaded`);
      await keep(name);
    } catch (error) {
      console.error(`${name} (${look}): ${error instanceof Error ? error.message : String(error)}`);
      process.exitCode = 1;
    }
  }
  await context.close();
  return bytes;
}

/** A picture as WebP, made by the browser itself. */
async function compressed(browser: Browser, png: Buffer): Promise<Buffer> {
  const page = await browser.newPage();
  try {
    const data = await page.evaluate(
      async ([source, quality]) => {
        const image = new Image();
        image.src = `data:image/png;base64,${source}`;
        await image.decode();
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [image.width, image.height];
        canvas.getContext("2d")!.drawImage(image, 0, 0);
        return canvas.toDataURL("image/webp", quality).split(",")[1]!;
      },
      [png.toString("base64"), quality] as const,
    );
    return Buffer.from(data, "base64");
  } finally {
    await page.close();
  }
}

await mkdir(to, { recursive: true });
const pictures = await stage();
const stop = traffic(["checkout", "release-42"]);
const browser = await chromium.launch({ executablePath: executable, args: flags });
try {
  let bytes = 0;
  for (const phone of [false, true]) for (const dark of [false, true]) bytes += await take(browser, pictures, phone, dark);
  console.log(`${(bytes / 2 ** 20).toFixed(1)} MB in ${to}`);
} finally {
  stop();
  await browser.close();
}
process.exit();
