// The installation under test, and what its Go test (internal/e2e/control_test.go) does to it for us.

function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run these tests by \`make e2e TEST_FLAGS='-run TestDashboard'\``);
  return value;
}

export const url = setting("SDP_URL");
export const user = setting("SDP_USER");
export const password = setting("SDP_PASSWORD");
/** Where gated containers ask whether they may go on: the value of their variable GATE. */
export const gateURL = process.env.SDP_GATE ?? "";
/** Where pictures of failures go. */
export const pictures = process.env.SDP_PICTURES ?? "";

const prefix = process.env.SDP_PREFIX ?? "web-";
let named = 0;

/** A name for a sandbox, environment or template that nobody else uses. Sandboxes called so are deleted at the end. */
export function newName(what = "box"): string {
  named += 1;
  return `${prefix}${what}-${process.pid.toString(36)}-${named}`;
}

async function order<T>(verb: string, body: object = {}): Promise<T> {
  const response = await fetch(`${setting("SDP_CONTROL")}/${verb}`, { method: "POST", body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${verb} ${JSON.stringify(body)}: ${text}`);
  return JSON.parse(text) as T;
}

/** Runs the command-line client as alice and returns what it printed; throws if it fails. */
export const sdp = (...args: string[]): Promise<string> => sdpInput("", ...args);

/** As sdp, with what it reads from standard input. */
export async function sdpInput(stdin: string, ...args: string[]): Promise<string> {
  const { code, output } = await order<{ code: number; output: string }>("cli", { args, stdin });
  if (code !== 0) throw new Error(`sdp ${args.join(" ")}: exit code ${code}\n${output}`);
  return output;
}

/** As sdp, with -o json. */
export async function sdpJSON<T>(...args: string[]): Promise<T> {
  return JSON.parse(await sdp(...args, "-o", "json")) as T;
}

/** Deploys as somebody else, by the API, and returns the deployment's ID. */
export async function deployAs(
  user: string,
  password: string,
  sandbox: string,
  service: string,
  branch: string,
): Promise<string> {
  const post = async (path: string, body: object, token = ""): Promise<unknown> => {
    const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
    const response = await fetch(`${url}/api/v1${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${text}`);
    return JSON.parse(text);
  };
  const { token } = (await post("/session", { user, password })) as { token: string };
  const {
    deployments: [d],
  } = (await post(`/sandboxes/${sandbox}/deployments`, { services: [{ service, branch }] }, token)) as {
    deployments: { id: string }[];
  };
  return d!.id;
}

/** Kills the server with SIGKILL and keeps it away until release. */
export const holdServer = () => order<boolean>("hold");
/** Lets the server start, and waits until it is ready. */
export const releaseServer = () => order<boolean>("release");
/** Kills a process by words of its command line, with SIGKILL; `sdp up` starts it again. */
export const kill = (...words: string[]) => order<number[]>("kill", { words });
/** Waits until the server is ready. */
export const ready = () => order<boolean>("ready");

export interface Commit {
  repository: string;
  branch: string;
  subject?: string;
  author?: string;
  files?: Record<string, string>;
}

/** Pushes a commit on top of main and returns its SHA. */
export const push = (c: Commit) => order<string>("push", { subject: "Change something", author: "Eve", ...c });
/** Pushes a branch of account whose build takes many seconds. */
export const slowBranch = (branch = "") => order<string>("slow", { branch });
/** Has the sandbox's gated containers wait at their start; returns the branch of account that is gated. */
export const closeGate = (sandbox: string) => order<string>("gate", { sandbox });
export const openGate = (sandbox: string) => order<string>("gate", { sandbox, open: true });

export interface Box {
  name: string;
  url: string;
}

/** Makes a sandbox by the command line, deploys into it, and returns where it answers. */
export async function newBox(...services: string[]): Promise<Box> {
  const name = newName();
  await sdp("sandbox", "create", name, ...services.flatMap((s) => ["--service", s]), "--wait");
  return box(name);
}

export async function box(name: string): Promise<Box> {
  const { url } = await sdpJSON<{ url: string }>("sandbox", "show", name);
  return { name, url };
}

/** Who answers for a path of a sandbox, as the router says: "account=sandbox@0123456789ab". */
export async function servedBy(box: Box, path: string): Promise<string> {
  const response = await fetch(box.url + path);
  await response.arrayBuffer();
  return response.headers.get("X-SDP-Route") ?? `nobody: status ${response.status}`;
}

/**
 * Calls check until it neither throws nor answers false, or time is up; then it throws what check said last. Many checks run
 * the CLI, so what takes long is asked less and less often.
 */
export async function eventually<T>(check: () => Promise<T> | T, what: string, limit = 30_000): Promise<T> {
  const deadline = Date.now() + limit;
  let wait = 20;
  for (;;) {
    let said: unknown = "no";
    try {
      const value = await check();
      if (value !== false && value !== undefined && value !== null) return value;
    } catch (error) {
      said = error;
    }
    if (Date.now() > deadline)
      throw new Error(`${what}: not within ${limit / 1000} s: ${said instanceof Error ? said.message : said}`);
    await new Promise((resolve) => setTimeout(resolve, wait));
    wait = Math.min(wait * 1.25, 250);
  }
}
