"use client";

import { EnvironmentPage } from "@/components/environment/environment-page";

export default function Page() {
  return <EnvironmentPage />;
}
