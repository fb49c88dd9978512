"use client";

import { TemplatePage } from "@/components/template/template-page";
import { useQuery } from "@/lib/use-query";

export default function Page() {
  const { values } = useQuery("name");
  return <TemplatePage key={values.name} name={values.name} />;
}
