"use client";

import type { Schemas } from "@/lib/api";

export function SettingsTab({ sandbox }: { sandbox: Schemas["Sandbox"]; reload: () => void }) {
  return <p>{sandbox.description || "No description."}</p>;
}
