"use client";

import { TemplatesPage } from "@/components/template/templates-page";

export default function Page() {
  return <TemplatesPage />;
}
