import { LoaderCircle, TriangleAlert } from "lucide-react";
import Link from "next/link";
import { healthWord } from "@/components/sandbox/words";
import { Dot } from "@/components/ui/badge";
import { shortSHA } from "@/lib/format";
import { host, hrefs } from "@/lib/routes";
import { words } from "@/lib/tones";
import { ServiceDot, type Service } from "./state";

const most = 6; // services a card lists; the sandbox's page has the others

/** isNews: its latest deployment runs or has failed, which is worth a line whoever answers. */
function isNews(v: Service) {
  return Boolean(v.latest && (!v.latest.settled || v.latest.state === "FAILED"));
}

/** split tells the services that have something of their own from those that OCP serves as ever. */
export function split(services: Service[]) {
  const own = services.filter((v) => v.source !== "ocp" || isNews(v));
  return { own, shared: services.filter((v) => v.source === "ocp" && !isNews(v)) };
}

/** Services lists who answers for each service: branch@commit, OCP or a URL, and what is being deployed. */
export function Services({ services }: { services: Service[] }) {
  const { own, shared } = split(services);
  const listed = own.slice(0, most);
  return (
    <ul aria-label="Services" className="grid grid-cols-[auto_minmax(0,1fr)_auto] gap-x-3 gap-y-1.5 text-[0.8125rem]">
      {listed.map((v) => (
        <ServiceLine key={v.name} service={v} />
      ))}
      {own.length > most && <li className="col-span-3 pl-4 text-ink-3">and {own.length - most} more of its own</li>}
      {shared.length > 0 && (
        <li className="col-span-3 flex min-w-0 items-center gap-2">
          <Dot tone="ocp" />
          <span className="shrink-0 font-medium text-ocp-text">OCP</span>
          <span className="truncate text-ink-3" title={shared.map((v) => v.name).join(", ")}>
            {shared.map((v) => v.name).join(", ")}
          </span>
        </li>
      )}
    </ul>
  );
}

function ServiceLine({ service: v }: { service: Service }) {
  return (
    <li className="col-span-3 grid grid-cols-subgrid items-center">
      <span className="flex min-w-0 items-center gap-2">
        <ServiceDot service={v} />
        <span className="font-medium">{v.name}</span>
      </span>
      <Source service={v} />
      <LatestNews service={v} />
    </li>
  );
}

/** Source shows who answers. The branch is cut where room is short, the commit is not, unless it is short as in rows. */
export function Source({ service: v, short }: { service: Service; short?: boolean }) {
  if (v.source === "ocp") return <span className="truncate text-ocp-text">OCP</span>;
  if (v.source === "url")
    return (
      <span className="truncate font-mono text-xs text-ink-2" title={v.url}>
        {host(v.url)}
      </span>
    );
  const sha = v.serving?.sha;
  const branch = v.serving ? v.serving.branch : v.branch;
  const what = `${branch ?? ""}${sha ? "@" + sha : ""}`;
  return (
    <span className="flex min-w-0 items-center gap-2">
      <span className="flex min-w-0 font-mono text-xs" title={what}>
        {branch && <span className="truncate">{branch}</span>}
        {sha && (
          <span className="shrink-0 text-ink-3">
            {branch ? "@" : ""}
            {short ? sha.slice(0, 7) : shortSHA(sha)}
          </span>
        )}
      </span>
      {!["healthy", "external", "starting"].includes(v.health) && !isNews(v) && (
        <span className="shrink-0 text-xs text-ink-3" title={v.healthReason}>
          {healthWord(v.health, v.source, v)}
        </span>
      )}
    </span>
  );
}

/** LatestNews leads to a deployment that runs or has failed. */
export function LatestNews({ service }: { service: Service }) {
  const d = service.latest;
  if (!d || !isNews(service)) return <span />;
  const failed = d.state === "FAILED";
  const text = failed ? `failed${d.failure?.step ? " at " + d.failure.step : ""}` : words(d.state);
  return (
    <Link
      href={hrefs.deployment(d.id)}
      prefetch={false}
      title={`${d.branch ?? d.sha ?? ""}: ${d.failure?.detail ?? d.waitingFor ?? text}`}
      className={
        failed
          ? "inline-flex shrink-0 items-center gap-1 text-xs font-medium whitespace-nowrap text-bad-text hover:underline"
          : "inline-flex shrink-0 items-center gap-1 text-xs font-medium whitespace-nowrap text-info-text hover:underline"
      }
    >
      {failed ? (
        <TriangleAlert aria-hidden className="size-3.5" />
      ) : (
        <LoaderCircle aria-hidden className="size-3.5 animate-spin" />
      )}
      <span className="sr-only">Deployment of {service.name}: </span>
      {text}
    </Link>
  );
}
