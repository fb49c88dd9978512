"use client";

import { KeyRound } from "lucide-react";
import { useState } from "react";
import { useUser } from "@/components/shell/session";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/dialog";
import { Ago } from "@/components/ui/facts";
import { ProblemBox } from "@/components/ui/problem";
import { useToast } from "@/components/ui/toast";
import { api, newKey, ok } from "@/lib/api";
import { useResource } from "@/lib/live";

/** TrackingCredential shows whether the server keeps one's git credentials, and has it keep or forget them. */
export function TrackingCredential({ owner, onChanged }: { owner?: string; onChanged?: () => void }) {
  const toast = useToast();
  const user = useUser();
  const [asking, setAsking] = useState<"store" | "forget">();
  const credential = useResource("tracking-credential", (signal) => ok(api.GET("/api/v1/tracking/credential", { signal })));
  const c = credential.data;
  const run = async () => {
    const header = { "Idempotency-Key": newKey() };
    if (asking === "store") credential.set(await ok(api.PUT("/api/v1/tracking/credential", { params: { header } })));
    else {
      await ok(api.DELETE("/api/v1/tracking/credential", { params: { header } }));
      await credential.reload();
    }
    toast(asking === "store" ? "Your git credentials are stored." : "Your git credentials are forgotten.");
    onChanged?.();
  };
  return (
    <section aria-label="Your git credentials" className="rounded-lg border bg-sunken p-3">
      <ProblemBox problem={credential.problem} />
      {c && (
        <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
          <KeyRound aria-hidden className="size-4 shrink-0 text-ink-3" />
          <div className="min-w-0 flex-1 basis-56">
            <p className="flex flex-wrap items-center gap-2">
              <span className="font-medium">Your git credentials</span>
              {c.problem ? (
                <Badge tone="bad" dot>
                  not used any more
                </Badge>
              ) : c.stored ? (
                <Badge tone="ok" dot>
                  stored
                </Badge>
              ) : (
                <Badge tone="idle">not stored</Badge>
              )}
            </p>
            <p className="mt-0.5 text-xs text-ink-2">
              {c.problem ||
                (c.stored ? (
                  <>
                    Stored <Ago at={c.storedAt} />, encrypted.{" "}
                    {c.every ? `Your branches are looked at every ${every(c.every)}` : "This installation looks at no branches"}
                    {c.checkedAt && (
                      <>
                        ; they worked <Ago at={c.checkedAt} />
                      </>
                    )}
                    .
                  </>
                ) : (
                  "Git servers ask for a password, and your session ends. To look at your branches at any time, the server must keep yours."
                ))}
            </p>
            {owner && user && owner !== user && (
              <p className="mt-0.5 text-xs text-ink-3">
                This sandbox is {owner}&apos;s: its branches are watched with {owner}&apos;s credentials, not with yours.
              </p>
            )}
          </div>
          <div className="flex gap-2">
            {(!c.stored || c.problem) && (
              <Button size="small" look="primary" onClick={() => setAsking("store")}>
                Store credentials
              </Button>
            )}
            {c.stored && (
              <Button size="small" look="danger" onClick={() => setAsking("forget")}>
                Forget credentials
              </Button>
            )}
          </div>
        </div>
      )}
      <Confirm
        open={asking !== undefined}
        onOpenChange={() => setAsking(undefined)}
        danger={asking === "forget"}
        run={run}
        title={asking === "store" ? "Store your git credentials?" : "Forget your git credentials?"}
        verb={asking === "store" ? "Store credentials" : "Forget credentials"}
      >
        {asking === "store" && (
          <>
            <p>{c?.what}</p>
            <p>
              If the git server refuses them once, they are not used again until you store them anew: accounts get locked after a
              few wrong passwords.
            </p>
          </>
        )}
        {asking === "forget" && (
          <p>
            They are deleted from the server. What you track stays as it is and is not deployed by itself any more, until you
            store them again.
          </p>
        )}
      </Confirm>
    </section>
  );
}

/** every reads "1m0s" as "minute", "5m0s" as "5m". */
function every(span: string): string {
  const short = span.replace(/(?<=[hm])0[ms]/g, "");
  return short === "1m" ? "minute" : short === "1h" ? "hour" : short;
}
