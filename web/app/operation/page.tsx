"use client";

import { OperationPage } from "@/components/operation/operation-page";
import { useQuery } from "@/lib/use-query";

export default function Page() {
  const { values } = useQuery("id");
  return <OperationPage key={values.id} id={values.id} />;
}
