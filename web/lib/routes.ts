/** The pages' addresses. A static export has no dynamic segments, so names come as query parameters. */
const q = encodeURIComponent;

export const hrefs = {
  overview: () => "/",
  login: (next?: string) => (next && next !== "/" ? `/login?next=${q(next)}` : "/login"),
  sandbox: (name: string, tab?: string) => `/sandbox?name=${q(name)}${tab ? `&tab=${q(tab)}` : ""}`,
  deployment: (id: string) => `/deployment?id=${q(id)}`,
  operation: (id: string) => `/operation?id=${q(id)}`,
  environments: () => "/environments",
  environment: (name: string) => `/environment?name=${q(name)}`,
  templates: () => "/templates",
  template: (name: string) => `/template?name=${q(name)}`,
  snapshots: (sandbox?: string) => (sandbox ? `/snapshots?sandbox=${q(sandbox)}` : "/snapshots"),
  repositories: (repository?: string) => (repository ? `/repositories?repository=${q(repository)}` : "/repositories"),
  nodes: () => "/nodes",
  images: () => "/images",
  history: (sandbox?: string) => (sandbox ? `/history?sandbox=${q(sandbox)}` : "/history"),
  audit: (sandbox?: string) => (sandbox ? `/audit?sandbox=${q(sandbox)}` : "/audit"),
};

/** here is the address of the page that is shown, without the origin. */
export function here() {
  return location.pathname + location.search + location.hash;
}

/** localPath returns next if it is a page of ours, else "/": a login link must not lead elsewhere. */
export function localPath(next: string | null): string {
  // Asked of the browser itself, which reads "/\t/elsewhere" and "/.//elsewhere" as no check of the text would.
  if (!next?.startsWith("/") || !URL.canParse(next, location.origin)) return "/";
  const at = new URL(next, location.origin);
  return at.origin === location.origin ? at.href : "/";
}

/** safeHref returns a URL that may be a link, undefined for what only looks like one (javascript:, data:, ...). */
export function safeHref(url: string | undefined): string | undefined {
  if (!url || !URL.canParse(url)) return undefined;
  const { protocol } = new URL(url);
  return protocol === "http:" || protocol === "https:" ? url : undefined;
}

/** host is what of a URL tells targets apart; the text itself if it is none. */
export function host(url: string | undefined): string {
  return safeHref(url) ? new URL(url!).host : (url ?? "");
}
