import { CopyButton } from "@/components/ui/copy";

const token = "sudo -u sdp sdp node token micro-2 --config /etc/sdp/server.yaml";
const node = `node: micro-2
type: MICRO
address: 10.20.0.13
data: /var/lib/sdp/micro-2
server: {url: "https://sdp.example.com", tokenFile: /etc/sdp/micro-2.token}
temporal: {address: "10.20.0.10:7233"}
codecKeys: /etc/sdp/codec.keys
repositories:
  - name: account
    path: /home/deploy/AppGolang/account
    kind: go
    build: ./cmd/account
    port: 8080
    health: /healthz`;
const start = "systemctl enable --now sdp-router@micro-2 sdp-worker@micro-2";

/** AddNode says how a machine becomes a node. */
export function AddNode() {
  return (
    <ol className="list-decimal space-y-3 rounded-xl border bg-surface p-4 pl-9">
      <li>
        On the control machine, make a token for the node. Its output goes to{" "}
        <code className="font-mono text-xs">/etc/sdp/micro-2.token</code> there, and a copy of the codec keys beside it.{" "}
        <Snippet text={token} />
      </li>
      <li>
        On the node, write <code className="font-mono text-xs">/etc/sdp/micro-2.yaml</code>. A node of type GATEWAY also has{" "}
        <code className="font-mono text-xs">ports: &quot;8080-8119&quot;</code>. <Snippet text={node} />
      </li>
      <li>
        Install <code className="font-mono text-xs">sdp</code> and Docker on it and start worker and router.{" "}
        <Snippet text={start} />
      </li>
      <li>
        It appears here within seconds, with what it lacks, if it lacks something. The whole of it is in docs/production.md and
        docs/configuration.md.
      </li>
    </ol>
  );
}

/** Snippet is text to copy to a terminal or a file. */
export function Snippet({ text }: { text: string }) {
  return (
    <div className="mt-1.5 flex items-start gap-1 rounded-lg bg-log py-2 pr-1 pl-3 text-log-ink">
      <pre tabIndex={0} className="min-w-0 flex-1 overflow-x-auto py-1 font-mono text-xs">
        {text}
      </pre>
      <span className="[&_button]:text-log-ink [&_button:hover]:bg-white/10">
        <CopyButton text={text} />
      </span>
    </div>
  );
}
