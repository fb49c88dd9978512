"use client";

import type { Schemas } from "@/lib/api";

export function EnvironmentTab({ sandbox }: { sandbox: Schemas["Sandbox"]; reload: () => void }) {
  const services = sandbox.services.map((s) => s.name).join(", ");
  return <p>Environment: {sandbox.environment ?? "none"}. Services: {services}.</p>;
}
