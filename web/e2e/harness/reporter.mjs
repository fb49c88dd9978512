// Tells TestDashboard (internal/e2e) of each test that ended: one JSON object a line. JavaScript, because Node loads
// reporters before anything that could translate TypeScript.
import { inspect } from "node:util";

export default async function* report(events) {
  const path = [];
  for await (const { type, data } of events) {
    if (type === "test:start") {
      path.length = data.nesting;
      path.push(data.name);
    }
    // A suite fails with its tests. Nobody need be told twice.
    if ((type !== "test:pass" && type !== "test:fail") || data.details?.type === "suite") continue;
    if (data.skip && type === "test:pass" && process.env.SDP_BROWSER_ONLY) continue;
    yield (
      JSON.stringify({
        name: [...path.slice(0, data.nesting), data.name].join("/"),
        millis: data.details.duration_ms,
        skipped: data.skip !== undefined,
        error: type === "test:fail" ? said(data.details.error) : "",
      }) + "\n"
    );
  }
}

// said is why a test failed, without the frames of the runner.
function said(error) {
  const cause = error?.cause ?? error;
  const text = cause instanceof Error ? (cause.stack ?? cause.message) : inspect(cause);
  return (
    text
      .split("\n")
      .filter((line) => !line.includes("node:internal"))
      .join("\n") || "failed"
  );
}
