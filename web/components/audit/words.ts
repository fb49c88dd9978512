/** What the API calls actions, in words for people, by what they are done to. */
export const actions: { group: string; entries: [action: string, words: string][] }[] = [
  {
    group: "Sandboxes",
    entries: [
      ["sandbox.create", "Create sandbox"],
      ["sandbox.apply", "Apply definition"],
      ["sandbox.update", "Change settings"],
      ["sandbox.clone", "Clone sandbox"],
      ["sandbox.delete", "Delete sandbox"],
      ["sandbox.trace", "Trace request"],
      ["port.reassign", "Give another port"],
      ["reconcile", "Correct what runs"],
    ],
  },
  {
    group: "Services",
    entries: [
      ["deployment.create", "Deploy"],
      ["deployment.finish", "Deployment ended"],
      ["deployment.cancel", "Cancel deployment"],
      ["service.restart", "Restart service"],
      ["service.stop", "Stop service"],
      ["service.track", "Track branch"],
      ["tracking.stop", "Stop tracking"],
      ["route.set", "Switch route"],
      ["operation.cancel", "Cancel operation"],
    ],
  },
  {
    group: "Definitions",
    entries: [
      ["environment.create", "Create environment"],
      ["environment.update", "Change environment"],
      ["environment.redeploy", "Restart what is behind"],
      ["environment.delete", "Delete environment"],
      ["branch.gone", "Branch is gone"],
      ["template.create", "Create template"],
      ["template.update", "Change template"],
      ["template.delete", "Delete template"],
      ["snapshot.create", "Take snapshot"],
      ["snapshot.restore", "Restore snapshot"],
      ["snapshot.delete", "Delete snapshot"],
    ],
  },
  {
    group: "Access and nodes",
    entries: [
      ["session.create", "Sign in"],
      ["session.delete", "Sign out"],
      ["tracking.credential.store", "Store credentials"],
      ["tracking.credential.delete", "Delete stored credentials"],
      ["node.register", "Register node"],
      ["node.cordon", "Cordon node"],
      ["node.uncordon", "Uncordon node"],
      ["node.drain", "Drain node"],
      ["node.remove", "Remove node"],
      ["images.prune", "Prune images"],
      ["keys.reseal", "Encrypt anew"],
    ],
  },
];

const known = new Map(actions.flatMap((g) => g.entries));

/** actionWords says an action in words; one that is not known here stays as the API calls it. */
export function actionWords(action: string): string {
  const begun = action.endsWith(".finish") ? known.get(action.slice(0, -".finish".length)) : undefined;
  return known.get(action) ?? (begun ? begun + ": ended" : action);
}

export const outcomes = ["accepted", "succeeded", "refused", "failed", "cancelled"] as const;

/** Time ranges that move on with the clock: what the address holds, and its words. */
export const ranges: Record<string, { words: string; hours: number }> = {
  "1h": { words: "Last hour", hours: 1 },
  "24h": { words: "Last 24 hours", hours: 24 },
  "7d": { words: "Last 7 days", hours: 7 * 24 },
  "30d": { words: "Last 30 days", hours: 30 * 24 },
};
