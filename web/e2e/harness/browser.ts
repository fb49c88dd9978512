// One Chromium for all tests; each test has a context of its own, watched for what must never happen in a page.
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { chromium, type Browser, type BrowserContext, type Locator, type Page } from "playwright-core";
import { executable, flags } from "./chromium";
import { password, pictures, url, user } from "./platform";

/** How a page is looked at. */
export interface Look {
  name: string;
  dark: boolean;
  phone: boolean;
  /** Of the window; absent = 1440x900, or a phone's. */
  size?: { width: number; height: number };
}

export const desktop: Look = { name: "desktop-light", dark: false, phone: false };
export const phone: Look = { name: "phone-light", dark: false, phone: true };
export const looks: Look[] = [
  desktop,
  { name: "desktop-dark", dark: true, phone: false },
  phone,
  { name: "phone-dark", dark: true, phone: true },
];

/** A window of a size of its own. */
export const window = (width: number, height: number): Look => ({
  name: `${width}x${height}`,
  dark: false,
  phone: false,
  size: { width, height },
});

const patience = 30_000;

let launched: Promise<Browser> | undefined;
const browser = () => (launched ??= chromium.launch({ executablePath: executable, args: flags, timeout: 60_000 }));
after(async () => (await launched)?.close());

type Cookies = Awaited<ReturnType<BrowserContext["storageState"]>>;
let session: Promise<Cookies> | undefined;

// Signed in once, by the API: signing in by the page is a test of its own.
async function signedIn(): Promise<Cookies> {
  const context = await (await browser()).newContext();
  const answer = await context.request.post(`${url}/api/v1/session`, { data: { user, password } });
  assert.equal(answer.status(), 201, await answer.text());
  const state = await context.storageState();
  await context.close();
  return state;
}

/** What a page did that it must not. */
interface Faults {
  thrown: string[];
  policy: string[];
}

/** A browser window with one page, signed in unless told otherwise. */
export interface Seat {
  page: Page;
  context: BrowserContext;
  /** Opens a page of the dashboard by its path and waits until its heading is there. */
  go(path: string): Promise<void>;
  /** What went wrong in the page that nobody asked about, for the message of a failure. */
  faults: Faults;
  /** Fails if a script threw, the content security policy was violated or hostile input came alive. */
  wantClean(): Promise<void>;
}

export async function sit(look: Look = desktop, options: { anonymous?: boolean } = {}): Promise<Seat> {
  const context = await (
    await browser()
  ).newContext({
    viewport: look.size ?? (look.phone ? { width: 390, height: 844 } : { width: 1440, height: 900 }),
    hasTouch: look.phone,
    isMobile: look.phone,
    deviceScaleFactor: 1,
    colorScheme: look.dark ? "dark" : "light",
    reducedMotion: "reduce",
    permissions: ["clipboard-read", "clipboard-write"],
    ...(options.anonymous ? {} : { storageState: await (session ??= signedIn()) }),
  });
  context.setDefaultTimeout(patience);
  const faults: Faults = { thrown: [], policy: [] };
  await context.addInitScript("globalThis.__name = (f) => f"); // what the tests' compiler puts around named functions
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (e) => {
      console.error(`Content Security Policy violated: ${e.violatedDirective} by ${e.blockedURI} ${e.sample}`);
    });
  });
  const page = await context.newPage();
  page.on("pageerror", (error) => faults.thrown.push(error.stack ?? error.message));
  page.on("console", (message) => {
    if (/content security policy/i.test(message.text())) faults.policy.push(message.text().slice(0, 160));
  });
  return {
    page,
    context,
    faults,
    async go(path) {
      await page.goto(url + path);
      await page.getByRole("heading", { level: 1 }).first().waitFor();
    },
    async wantClean() {
      const [thrown, policy] = [faults.thrown.splice(0), faults.policy.splice(0)];
      assert.deepEqual({ thrown, policy }, { thrown: [], policy: [] });
      const alive = await page.evaluate(() => (window as unknown as { hostile?: unknown }).hostile);
      assert.equal(alive, undefined, `hostile input ran: ${String(alive)}`);
    },
  };
}

type Run = (seat: Seat) => Promise<void>;

interface Options {
  look?: Look;
  anonymous?: boolean;
  timeout?: number;
}

/** A test in a window of its own; options may be left out. A failure leaves a picture and the page's HTML. */
export function browserTest(name: string, ...rest: [run: Run] | [options: Options, run: Run]): void {
  const [options, run] = rest.length === 2 ? rest : [{}, rest[0]];
  const limit = options.timeout ?? 60_000;
  test(name, { timeout: limit + 15_000 }, async (t) => {
    const seat = await sit(options.look, options);
    try {
      await within(limit, run(seat));
      await seat.wantClean();
    } catch (error) {
      throw await witnessed(seat, t.fullName ?? name, error);
    } finally {
      await seat.context.close();
    }
  });
}

// within ends before the runner gives up, so that a picture can still be taken.
async function within(limit: number, run: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took more than ${limit / 1000} s`)), limit);
  });
  try {
    await Promise.race([run, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function witnessed({ page, faults }: Seat, name: string, error: unknown): Promise<unknown> {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const told = new Error(
    [
      text
        .split("\n")
        .filter((l) => !/^ +at /.test(l) || l.includes("/e2e/"))
        .join("\n"),
      `    at ${page.url()}`,
      ...faults.thrown,
      ...faults.policy,
    ].join("\n"),
  );
  told.stack = told.message;
  if (!pictures) return told;
  const file = join(pictures, name.replace(/[^a-z0-9]+/gi, "-").slice(0, 80));
  try {
    await mkdir(pictures, { recursive: true });
    await page.screenshot({ path: `${file}.png`, timeout: 5_000 });
    await writeFile(`${file}.html`, await page.content());
    told.stack += `\n    see ${file}.png`;
  } catch {
    // The page is gone; the error is all there is.
  }
  return told;
}

/** Waits until a locator shows. */
export const shows = (locator: Locator, timeout = patience) => locator.first().waitFor({ state: "visible", timeout });
/** Waits until a locator shows no more. */
export const goes = (locator: Locator, timeout = patience) => locator.first().waitFor({ state: "hidden", timeout });
