"use client";

import { createContext, useContext, type ReactNode } from "react";
import { api, ok, type Schemas } from "@/lib/api";
import { useResource } from "@/lib/live";

interface Known {
  user: string;
  about: Schemas["About"] | undefined;
}

const SessionContext = createContext<Known>({ user: "", about: undefined });

/** SessionProvider knows who is signed in. Without a session every answer is a 401, which leads to the login. */
export function SessionProvider({ children }: { children: ReactNode }) {
  const session = useResource("session", (signal) => ok(api.GET("/api/v1/session", { signal })));
  const about = useResource("about", (signal) => ok(api.GET("/api/v1/about", { signal })));
  return <SessionContext value={{ user: session.data?.user ?? "", about: about.data }}>{children}</SessionContext>;
}

/** useUser is who is signed in, "" until that is known. */
export function useUser(): string {
  return useContext(SessionContext).user;
}

/** useAbout describes the installation: its version, the Temporal UI's address, the environments' names. */
export function useAbout() {
  return useContext(SessionContext).about;
}

export async function logout() {
  await ok(api.DELETE("/api/v1/session"));
  // A whole new page: nothing of the last user stays in memory.
  location.replace("/login");
}
