"use client";

import { Skeleton } from "@/components/ui/empty";
import { PageHeader } from "@/components/ui/card";

export default function OverviewPage() {
  return (
    <>
      <PageHeader title="Sandboxes" />
      <Skeleton />
    </>
  );
}
