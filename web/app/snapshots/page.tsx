"use client";

import { SnapshotsPage } from "@/components/snapshot/snapshots-page";

export default function Page() {
  return <SnapshotsPage />;
}
