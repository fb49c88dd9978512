"use client";

import { DeploymentPage } from "@/components/deployment/deployment-page";
import { useQuery } from "@/lib/use-query";

export default function Page() {
  const { values } = useQuery("id");
  // Another deployment is another page: nothing of what was open stays.
  return <DeploymentPage key={values.id} id={values.id} />;
}
