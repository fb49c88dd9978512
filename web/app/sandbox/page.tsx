"use client";

import { SandboxPage } from "@/components/sandbox/sandbox-page";
import { useQuery } from "@/lib/use-query";

export default function Page() {
  const { values } = useQuery("name");
  // Another sandbox is another page: nothing of what was open stays.
  return <SandboxPage key={values.name} name={values.name} />;
}
