"use client";

import { EnvironmentList } from "@/components/environment/environment-list";

export default function Page() {
  return <EnvironmentList />;
}
