"use client";

import { AuditList } from "@/components/audit/audit-list";
import type { Schemas } from "@/lib/api";

/** AuditTab is who did what in this sandbox. */
export function AuditTab({ sandbox }: { sandbox: Schemas["Sandbox"]; reload: () => void }) {
  return <AuditList sandbox={sandbox.name} />;
}
