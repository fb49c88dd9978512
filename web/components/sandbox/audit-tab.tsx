"use client";

import Link from "next/link";
import type { Schemas } from "@/lib/api";
import { hrefs } from "@/lib/routes";

export function AuditTab({ sandbox }: { sandbox: Schemas["Sandbox"]; reload: () => void }) {
  return <Link className="text-accent-text underline" href={hrefs.audit(sandbox.name)}>Audit of {sandbox.name}</Link>;
}
