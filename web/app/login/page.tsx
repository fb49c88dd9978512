"use client";

import { LogIn } from "lucide-react";
import { useState } from "react";
import { Brand } from "@/components/shell/nav";
import { ThemeButton } from "@/components/shell/theme";
import { Button } from "@/components/ui/button";
import { Field, Input } from "@/components/ui/field";
import { ProblemBox } from "@/components/ui/problem";
import { api, ok } from "@/lib/api";
import { useAction } from "@/lib/live";
import { localPath } from "@/lib/routes";
import { useQuery } from "@/lib/use-query";

export default function LoginPage() {
  const { values } = useQuery("next");
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const login = useAction(async () => {
    await ok(api.POST("/api/v1/session", { body: { user, password } }));
    location.replace(localPath(values.next));
  });
  return (
    <main className="grid min-h-dvh place-items-center px-4 py-8">
      <title>Sign in · SDP</title>
      <div className="w-full max-w-sm space-y-5">
        <div className="flex items-center justify-between">
          <Brand />
          <ThemeButton />
        </div>
        <div>
          <h1 className="text-xl font-semibold tracking-tight">Sign in</h1>
          <p className="mt-1 text-ink-2">
            With your account of the git server. Your password is checked there; SDP keeps it only sealed inside your session.
          </p>
        </div>
        <form
          className="space-y-4 rounded-xl border bg-surface p-5"
          onSubmit={(e) => {
            e.preventDefault();
            void login.act();
          }}
        >
          <Field label="User name">
            <Input
              name="username"
              autoComplete="username"
              autoCapitalize="none"
              spellCheck={false}
              required
              value={user}
              onChange={(e) => setUser(e.target.value)}
              autoFocus
            />
          </Field>
          <Field label="Password">
            <Input
              name="password"
              type="password"
              autoComplete="current-password"
              required
              value={password}
              onChange={(e) => setPassword(e.target.value)}
            />
          </Field>
          <ProblemBox problem={login.problem} />
          <Button type="submit" look="primary" busy={login.busy} className="w-full">
            {!login.busy && <LogIn aria-hidden className="size-4" />} Sign in
          </Button>
        </form>
      </div>
    </main>
  );
}
