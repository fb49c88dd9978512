// Something of everything, so that no page is empty, and the list of the pages that show it.
import { newName, push, sdp, sdpInput, sdpJSON, box, type Box } from "./platform";

export interface World extends Box {
  environment: string;
  template: string;
  deployment: string;
  failed: string;
}

let made: Promise<World> | undefined;
/** A sandbox that runs something, failed at something and has a snapshot; an environment and a template. Made once. */
export const world = () => (made ??= make());

async function make(): Promise<World> {
  const name = newName("world");
  const environment = newName("env");
  const template = newName("template");
  await sdpInput("kept-to-itself", "env", "create", environment, "LOG_LEVEL=info", "REGION=eu", "--secret", "TOKEN=-");
  await sdp(
    "sandbox",
    "create",
    name,
    "--description",
    "Loyalty points on the account page",
    "--environment",
    environment,
    "--gateway",
    "main",
    "--service",
    "account@feature/loyalty-points",
    "--wait",
  );
  await sdp("deploy", name, "account@feature/broken-build", "--wait").catch(() => "it does not compile");
  await sdp("snapshot", "create", name, "before-release");
  await sdp("template", "create", template, "--from", name, "--parameter", "branch=account");
  const history = await sdpJSON<{ id: string; state: string }[]>("history", name);
  const one = (state: string) => history.find((d) => d.state === state)?.id ?? "";
  return { ...(await box(name)), environment, template, deployment: one("RUNNING"), failed: one("FAILED") };
}

export interface PageToSee {
  name: string;
  path: string;
}

/** Every page there is. */
export function pages(w: World): PageToSee[] {
  const q = encodeURIComponent;
  const box = `/sandbox?name=${q(w.name)}`;
  return [
    { name: "overview", path: "/" },
    { name: "sandbox", path: box },
    ...["environment", "settings", "snapshots", "history", "audit", "trace"].map((tab) => ({
      name: `sandbox-${tab}`,
      path: `${box}&tab=${tab}`,
    })),
    { name: "deployment", path: `/deployment?id=${q(w.deployment)}` },
    { name: "deployment-failed", path: `/deployment?id=${q(w.failed)}` },
    { name: "environments", path: "/environments" },
    { name: "environment", path: `/environment?name=${q(w.environment)}` },
    { name: "templates", path: "/templates" },
    { name: "template", path: `/template?name=${q(w.template)}` },
    { name: "snapshots", path: "/snapshots" },
    { name: "repositories", path: "/repositories" },
    { name: "repository", path: "/repositories?repository=account" },
    { name: "nodes", path: "/nodes" },
    { name: "images", path: "/images" },
    { name: "history", path: "/history" },
    { name: "audit", path: "/audit" },
    { name: "not-found", path: "/no-such-page" },
  ];
}

/** A commit of the gateway whose image build prints numbered lines at a steady rate. */
export function chattyGateway(branch: string, lines: number, perSecond: number, more = ""): Promise<string> {
  const emit = `<?php
// ${Date.now()}: an image is made once a commit
$start = microtime(true);
for ($i = 1; $i <= ${lines}; $i++) {
  $wait = $start + $i / ${perSecond} - microtime(true);
  if ($wait > 0) { usleep((int)($wait * 1e6)); }
  printf("LINE %06d at %.6f as long as compilers like to print them\\n", $i, microtime(true));
}
${more}
`;
  const dockerfile = `FROM sdp-demo/php:8.2
WORKDIR /app
COPY . /app
RUN ["/usr/bin/php", "/app/emit.php"]
ENV PORT=8080
USER 65532:65532
STOPSIGNAL SIGINT
CMD ["/usr/bin/php", "/app/serve.php"]
`;
  return push({
    repository: "gateway",
    branch,
    subject: "Print while building",
    files: { Dockerfile: dockerfile, "emit.php": emit },
  });
}
