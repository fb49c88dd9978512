"use client";

import {
  Boxes,
  Camera,
  FileStack,
  GitBranch,
  HardDrive,
  History,
  LayoutGrid,
  ScrollText,
  Server,
  SlidersHorizontal,
  type LucideIcon,
} from "lucide-react";
import Link from "next/link";
import { usePathname } from "next/navigation";
import { cn } from "@/lib/cn";
import { hrefs } from "@/lib/routes";

interface Entry {
  href: string;
  label: string;
  icon: LucideIcon;
  /** Pages that belong to the entry, besides its own. */
  also?: string[];
}

const groups: { label: string; entries: Entry[] }[] = [
  {
    label: "Work",
    entries: [
      { href: hrefs.overview(), label: "Sandboxes", icon: LayoutGrid, also: ["/sandbox", "/operation"] },
      { href: hrefs.history(), label: "History", icon: History, also: ["/deployment"] },
      { href: hrefs.snapshots(), label: "Snapshots", icon: Camera },
    ],
  },
  {
    label: "Define",
    entries: [
      { href: hrefs.environments(), label: "Environments", icon: SlidersHorizontal, also: ["/environment"] },
      { href: hrefs.templates(), label: "Templates", icon: FileStack, also: ["/template"] },
      { href: hrefs.repositories(), label: "Repositories", icon: GitBranch },
    ],
  },
  {
    label: "Run",
    entries: [
      { href: hrefs.nodes(), label: "Nodes", icon: Server },
      { href: hrefs.images(), label: "Images and disk", icon: HardDrive },
      { href: hrefs.audit(), label: "Audit", icon: ScrollText },
    ],
  },
];

/** Nav is the list of pages, grouped by what people come for. */
export function Nav({ onChoose }: { onChoose?: () => void }) {
  const path = usePathname();
  return (
    <nav aria-label="Pages" className="space-y-4">
      {groups.map((g) => (
        <div key={g.label}>
          <p className="px-2.5 pb-1 text-xs font-medium text-ink-3">{g.label}</p>
          <ul className="space-y-0.5">
            {g.entries.map(({ href, label, icon: Icon, also }) => {
              const current = path === href || also?.includes(path);
              return (
                <li key={href}>
                  <Link
                    href={href}
                    prefetch={false}
                    onClick={onChoose}
                    aria-current={current ? "page" : undefined}
                    className={cn(
                      "flex items-center gap-2.5 rounded-md px-2.5 py-1.5 text-ink-2 hover:bg-sunken hover:text-ink",
                      current && "bg-accent-soft font-medium text-accent-text hover:bg-accent-soft hover:text-accent-text",
                    )}
                  >
                    <Icon aria-hidden className="size-4 shrink-0" strokeWidth={1.75} />
                    {label}
                  </Link>
                </li>
              );
            })}
          </ul>
        </div>
      ))}
    </nav>
  );
}

export function Brand() {
  return (
    <Link href="/" prefetch={false} className="flex items-center gap-2.5 font-semibold" aria-label="SDP, to the overview">
      <span aria-hidden className="grid size-7 place-items-center rounded-lg bg-accent text-accent-ink">
        <Boxes className="size-4" strokeWidth={2} />
      </span>
      SDP
    </Link>
  );
}
