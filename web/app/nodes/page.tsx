"use client";

import { NodeList } from "@/components/node/node-list";

export default function Page() {
  return <NodeList />;
}
