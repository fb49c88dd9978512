"use client";

import { CircleAlert } from "lucide-react";
import { useRef, useState } from "react";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Checkbox, Field, Textarea } from "@/components/ui/field";
import { Remedy } from "@/components/ui/remedy";
import { DotenvError, parseDotenv, type DotenvVariable } from "@/lib/dotenv";
import { plural } from "@/lib/format";
import { kibibytes } from "@/lib/units";
import { ChangeDialog } from "./change-dialog";
import { environmentLimits, type Environment } from "./use-environment";

const looksSecret = /PASS(WORD|WD)?|SECRET|TOKEN|PRIVATE|CREDENTIAL|API_?KEY|ACCESS_?KEY|(^|_)KEY$|(^|_)PWD$|_DSN$/i;

interface Trouble {
  line?: number;
  message: string;
  remedy: string;
}

/**
 * ImportDialog sets what a .env file says. What was read is kept out of React's state, since it holds secrets: the list
 * that is shown has names only, and the text goes when the dialog closes.
 */
export function ImportDialog({
  environment,
  onSaved,
  onClose,
}: {
  environment: Environment;
  onSaved: (now: Environment) => void;
  onClose: () => void;
}) {
  const read = useRef<DotenvVariable[]>([]);
  const text = useRef<HTMLTextAreaElement>(null);
  const [keys, setKeys] = useState<string[]>();
  const [secret, setSecret] = useState<Set<string>>(new Set());
  const [trouble, setTrouble] = useState<Trouble>();

  const look = (source: string) => {
    try {
      if (new Blob([source]).size > environmentLimits.all)
        throw new DotenvError(0, `the file has more than ${kibibytes(environmentLimits.all)}`, "split it");
      const list = parseDotenv(source);
      if (list.length === 0) throw new DotenvError(0, "it sets nothing", "write at least one KEY=VALUE");
      read.current = list;
      setSecret(
        new Set(
          list
            .map((v) => v.key)
            .filter((k) => environment.secretKeys.includes(k) || (looksSecret.test(k) && !(k in environment.variables))),
        ),
      );
      setKeys(list.map((v) => v.key));
      setTrouble(undefined);
      if (text.current) text.current.value = "";
    } catch (e) {
      setTrouble(
        e instanceof DotenvError
          ? { line: e.line, message: e.message, remedy: e.remedy }
          : { message: "the file cannot be read", remedy: "choose another one" },
      );
    }
  };
  const change = () => ({
    variables: Object.fromEntries(read.current.filter((v) => !secret.has(v.key)).map((v) => [v.key, v.value])),
    secrets: Object.fromEntries(read.current.filter((v) => secret.has(v.key)).map((v) => [v.key, v.value])),
  });
  return (
    <ChangeDialog
      environment={environment}
      title="Import from .env"
      wide
      ready={!!keys}
      verb={keys ? `Import ${plural(keys.length, "key")}` : "Import"}
      onSaved={onSaved}
      onClose={onClose}
      change={change}
      description="KEY=value, one a line. What the file does not mention stays as it is."
    >
      {keys ? (
        <Chosen
          environment={environment}
          keys={keys}
          secret={secret}
          setSecret={setSecret}
          again={() => {
            read.current = [];
            setKeys(undefined);
          }}
        />
      ) : (
        <>
          <Field label="Choose a file">
            <input
              type="file"
              accept=".env,text/plain,*"
              className="block w-full rounded-md border border-line-strong/60 bg-surface text-sm file:mr-3 file:h-9 file:border-0 file:bg-sunken file:px-3 file:text-sm file:font-medium file:text-ink"
              onChange={(e) => void e.target.files?.[0]?.text().then(look)}
            />
          </Field>
          <Field
            label="or paste its text"
            hint="Nothing is expanded: $HOME is five characters. Values between quotes may span lines."
          >
            <Textarea ref={text} autoComplete="off" rows={8} placeholder={"LOG_LEVEL=debug\nDB_PASSWORD='...'"} />
          </Field>
          <Button onClick={() => look(text.current?.value ?? "")}>Look at it</Button>
        </>
      )}
      {trouble && <TroubleBox trouble={trouble} />}
    </ChangeDialog>
  );
}

function TroubleBox({ trouble }: { trouble: Trouble }) {
  return (
    <div role="alert" className="flex gap-3 rounded-lg border border-bad/40 bg-bad-soft p-3 text-bad-text">
      <CircleAlert aria-hidden className="mt-0.5 size-4 shrink-0" />
      <div>
        <p className="font-semibold">
          {trouble.line ? `Line ${trouble.line}: ` : "Nothing was imported: "}
          {trouble.message}
        </p>
        <Remedy remedy={trouble.remedy} />
      </div>
    </div>
  );
}

interface ChosenProps {
  environment: Environment;
  keys: string[];
  secret: Set<string>;
  setSecret: (keys: Set<string>) => void;
  again: () => void;
}

/** Chosen says of each key whether it becomes a variable or a secret, and what it replaces. */
function Chosen({ environment, keys, secret, setSecret, again }: ChosenProps) {
  const fixed = (k: string) => environment.secretKeys.includes(k);
  const put = (k: string, on: boolean) => {
    const next = new Set(secret);
    if (on) next.add(k);
    else next.delete(k);
    setSecret(next);
  };
  return (
    <div className="space-y-3">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <p>
          {plural(keys.length - secret.size, "variable")} and {plural(secret.size, "secret")}. Tick what nobody should read.
        </p>
        <span className="flex gap-1">
          <Button size="small" look="quiet" onClick={() => setSecret(new Set(keys))}>
            All are secrets
          </Button>
          <Button size="small" look="quiet" onClick={again}>
            Another file
          </Button>
        </span>
      </div>
      <ul className="max-h-72 divide-y overflow-y-auto rounded-lg border">
        {keys.map((k) => (
          <li key={k} className="flex items-center justify-between gap-3 px-3 py-1.5">
            <Checkbox
              label={<span className="font-mono text-xs wrap-anywhere">{k}</span>}
              checked={secret.has(k)}
              disabled={fixed(k)}
              onChange={(e) => put(k, e.target.checked)}
            />
            <span className="flex shrink-0 gap-1.5">
              <Badge tone={secret.has(k) ? "info" : "idle"}>{secret.has(k) ? "secret" : "variable"}</Badge>
              <Badge tone={known(environment, k) ? "warn" : "ok"}>{known(environment, k) ? "replaces" : "new"}</Badge>
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

const known = (e: Environment, k: string) => k in e.variables || e.secretKeys.includes(k);
