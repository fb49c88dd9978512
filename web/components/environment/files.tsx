"use client";

import { FileLock2, Plus, RefreshCw, Trash2, Upload } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Field, Input } from "@/components/ui/field";
import { bytes } from "@/lib/format";
import { kibibytes } from "@/lib/units";
import { ChangeDialog } from "./change-dialog";
import { RemoveDialog } from "./remove-dialog";
import { environmentLimits, type Environment } from "./use-environment";
import { count, matches, type PartProps } from "./variables";

/** Files shows the files of an environment: where containers find them and how large they are, never what is in them. */
export function Files({ environment, search, editable, onSaved }: PartProps) {
  const [setting, setSetting] = useState<string>();
  const [removing, setRemoving] = useState<string>();
  const files = environment.files.filter((f) => matches(search, f.path));
  return (
    <Card
      flush
      title={
        <>
          Files <span className="font-normal text-ink-3">{count(files.length, environment.files.length)}</span>
        </>
      }
      actions={
        editable && (
          <Button size="small" onClick={() => setSetting("")}>
            <Plus aria-hidden className="size-3.5" /> Add file
          </Button>
        )
      }
    >
      {files.length === 0 && (
        <p className="px-4 py-4 text-ink-3">
          {environment.files.length > 0
            ? "No file matches."
            : "None. A certificate or a configuration file is put into each container at its path, read-only, and kept as secret as a secret."}
        </p>
      )}
      <ul className="divide-y">
        {files.map((f) => (
          <li key={f.path} className="flex items-center gap-3 px-4 py-1.5">
            <FileLock2 aria-hidden className="size-3.5 shrink-0 text-ink-3" />
            <span className="min-w-0 flex-1 font-mono text-xs font-medium wrap-anywhere">{f.path}</span>
            <span className="text-xs whitespace-nowrap text-ink-3 tabular-nums">{bytes(f.size)}</span>
            {editable && (
              <span className="flex">
                <Button
                  look="quiet"
                  size="icon"
                  className="size-7"
                  aria-label={`Replace ${f.path}`}
                  title="Replace"
                  onClick={() => setSetting(f.path)}
                >
                  <RefreshCw aria-hidden className="size-3.5" />
                </Button>
                <Button
                  look="quiet"
                  size="icon"
                  className="size-7"
                  aria-label={`Remove ${f.path}`}
                  title="Remove"
                  onClick={() => setRemoving(f.path)}
                >
                  <Trash2 aria-hidden className="size-3.5" />
                </Button>
              </span>
            )}
          </li>
        ))}
      </ul>
      {setting !== undefined && (
        <SetFile environment={environment} path={setting} onSaved={onSaved} onClose={() => setSetting(undefined)} />
      )}
      {removing !== undefined && (
        <RemoveDialog
          environment={environment}
          what="file"
          name={removing}
          onSaved={onSaved}
          onClose={() => setRemoving(undefined)}
        />
      )}
    </Card>
  );
}

function SetFile({
  environment,
  path: known,
  onSaved,
  onClose,
}: {
  environment: Environment;
  path: string;
  onSaved: (now: Environment) => void;
  onClose: () => void;
}) {
  const [path, setPath] = useState(known);
  const [file, setFile] = useState<File>();
  const tooLarge =
    file && file.size > environmentLimits.file
      ? `${file.name} has ${bytes(file.size)}; a file has at most ${kibibytes(environmentLimits.file)}`
      : undefined;
  const badPath =
    path && (!path.startsWith("/") || path.endsWith("/") || path.split("/").includes(".."))
      ? "An absolute path of a file, such as /etc/app/ca.pem"
      : undefined;
  const replaces = !known && environment.files.some((f) => f.path === path);
  return (
    <ChangeDialog
      environment={environment}
      title={known ? "Replace file" : "Add file"}
      description="What is in it is encrypted, and nobody can read it again."
      onSaved={onSaved}
      onClose={onClose}
      ready={!!file && !tooLarge && !!path && !badPath}
      change={async () => ({ files: [{ path, content: file ? await base64(file) : "" }] })}
    >
      <Field
        label="File"
        error={tooLarge}
        hint={
          file
            ? `${bytes(file.size)}`
            : `Up to ${kibibytes(environmentLimits.file)}; all of an environment up to ${kibibytes(environmentLimits.all)}`
        }
      >
        <input
          type="file"
          className="block w-full rounded-md border border-line-strong/60 bg-surface text-sm file:mr-3 file:h-9 file:border-0 file:bg-sunken file:px-3 file:text-sm file:font-medium file:text-ink"
          onChange={(e) => setFile(e.target.files?.[0])}
        />
      </Field>
      <Field
        label="Path in the container"
        error={badPath}
        hint={replaces ? "There is such a file; it is replaced" : "Containers find it there, read-only"}
      >
        <Input
          className="font-mono text-xs"
          placeholder="/etc/app/ca.pem"
          value={path}
          readOnly={!!known}
          onChange={(e) => setPath(e.target.value.trim())}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
        />
      </Field>
      {file && !tooLarge && !badPath && path && (
        <p className="flex items-center gap-2 text-ink-2">
          <Upload aria-hidden className="size-4 shrink-0" />
          <span className="min-w-0 wrap-anywhere">
            {file.name} becomes <b className="font-mono text-xs">{path}</b>
          </span>
        </p>
      )}
    </ChangeDialog>
  );
}

/** base64 reads a file as the API takes it. */
async function base64(file: File): Promise<string> {
  const data = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let i = 0; i < data.length; i += 8192) text += String.fromCharCode(...data.subarray(i, i + 8192));
  return btoa(text);
}
