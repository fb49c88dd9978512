"use client";

import Link from "next/link";
import type { Schemas } from "@/lib/api";
import { hrefs } from "@/lib/routes";

export function HistoryTab({ sandbox }: { sandbox: Schemas["Sandbox"]; reload: () => void }) {
  return <Link className="text-accent-text underline" href={hrefs.history(sandbox.name)}>History of {sandbox.name}</Link>;
}
