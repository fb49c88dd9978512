import createClient from "openapi-fetch";
import type { components, paths } from "./schema";
import { here, hrefs } from "./routes";

/** Types of the API's answers and bodies, by the names the OpenAPI document gives them. */
export type Schemas = components["schemas"];
export type Problem = Schemas["Problem"];

/** An error of the API, or of the way there. Status is 0 where no answer came. */
export class ApiError extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
  get status() {
    return this.problem.status;
  }
}

/** unreachable is what is shown while the server cannot be asked at all. */
const unreachable: Problem = {
  title: "No connection",
  status: 0,
  code: "no-connection",
  kind: "unavailable",
  detail: "The server does not answer.",
  remedy: "Nothing is lost: the page goes on by itself when the server is back.",
};

const pauseBefore = 500; // milliseconds

/**
 * send makes a request, and once more where no answer came, if that does nothing twice. A browser drops what is under way
 * whenever a network interface of its machine comes or goes, as those of containers do.
 */
export async function send(request: Request): Promise<Response> {
  if (request.method !== "GET" && !request.headers.has("Idempotency-Key")) return fetch(request);
  const again = request.clone();
  try {
    return await fetch(request);
  } catch (e) {
    if (request.signal.aborted) throw e;
    await new Promise((resolve) => setTimeout(resolve, pauseBefore));
    return fetch(again);
  }
}

/** The client. Every path, parameter and body is checked against the OpenAPI document by the compiler. */
export const api = createClient<paths>({ baseUrl: "", credentials: "same-origin", fetch: send });

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/**
 * ok returns the data of an answer and throws an ApiError otherwise. A session that is over leads to the login, which
 * comes back to where one was.
 */
export async function ok<T>(call: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await call;
  } catch (e) {
    if (e instanceof DOMException && e.name === "AbortError") throw e;
    throw new ApiError(unreachable);
  }
  if (answer.response.ok) return answer.data as T;
  if (answer.response.status === 401 && !location.pathname.startsWith("/login")) {
    location.replace(hrefs.login(here()));
  }
  throw new ApiError(problemOf(answer.error, answer.response));
}

function problemOf(error: unknown, response: Response): Problem {
  if (typeof error === "object" && error !== null && "detail" in error) return error as Problem;
  return {
    title: response.statusText || "Error",
    status: response.status,
    code: "http-" + response.status,
    kind: "unavailable",
    detail: `The server answers ${response.status} without saying why.`,
    remedy: "Try again in a moment; if it stays, whoever runs SDP finds the reason in the server's log.",
  };
}

/** asProblem makes anything that was thrown something to show. */
export function asProblem(e: unknown): Problem {
  if (e instanceof ApiError) return e.problem;
  return { ...unreachable, title: "Error", code: "unexpected", detail: String(e), remedy: "Reload the page." };
}

/** all reads every page of a list. */
export async function all<T>(page: (cursor?: string) => Promise<{ items: T[] | null; next?: string }>): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const p = await page(cursor);
    items.push(...(p.items ?? []));
    cursor = p.next;
  } while (cursor);
  return items;
}

/** newKey makes an Idempotency-Key: a request that is sent again with it does nothing twice. */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");
}
