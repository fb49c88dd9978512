"use client";

import { AuditList } from "@/components/audit/audit-list";
import { PageHeader } from "@/components/ui/card";

export default function AuditPage() {
  return (
    <>
      <PageHeader title="Audit">Who did what, when, and how it ended. Rows are never changed and never deleted.</PageHeader>
      <AuditList />
    </>
  );
}
