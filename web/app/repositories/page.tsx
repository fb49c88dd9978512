"use client";

import { RepositoryPage } from "@/components/repository/repository-page";

export default function Page() {
  return <RepositoryPage />;
}
