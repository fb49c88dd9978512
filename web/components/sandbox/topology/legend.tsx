import { Dot } from "@/components/ui/badge";

/** Legend says what the picture's colours mean; each service says its health as a word too. */
export function Legend() {
  return (
    <ul aria-label="Colours" className="flex flex-wrap gap-x-4 gap-y-1 text-xs text-ink-2">
      <li className="flex items-center gap-1.5">
        <Dot tone="ok" /> healthy
      </li>
      <li className="flex items-center gap-1.5">
        <Dot tone="warn" /> degraded
      </li>
      <li className="flex items-center gap-1.5">
        <Dot tone="bad" /> down
      </li>
      <li className="flex items-center gap-1.5">
        <Dot tone="ocp" /> shared
      </li>
      <li className="flex items-center gap-1.5">
        <svg aria-hidden width="24" height="6" className="stroke-idle">
          <path d="M0 3H24" strokeWidth="1.75" strokeDasharray="5 5" />
        </svg>{" "}
        nobody answers
      </li>
    </ul>
  );
}
