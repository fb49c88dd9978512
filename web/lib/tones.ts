import type { Tone } from "@/components/ui/badge";

/** deploymentTone is the colour of a deployment's state. */
export function deploymentTone(state: string | undefined): Tone {
  switch (state) {
    case "RUNNING":
      return "ok";
    case "FAILED":
      return "bad";
    case "STOPPED":
    case "CANCELLED":
      return "idle";
    case "QUEUED":
      return "warn";
    default:
      return state ? "info" : "idle";
  }
}

/** operationTone is the colour of an operation's state. */
export function operationTone(state: string): Tone {
  switch (state) {
    case "SUCCEEDED":
      return "ok";
    case "FAILED":
      return "bad";
    case "CANCELLED":
      return "idle";
    case "QUEUED":
      return "warn";
    default:
      return "info";
  }
}

/** outcomeTone is the colour of an audit event's outcome. */
export function outcomeTone(outcome: string): Tone {
  switch (outcome) {
    case "succeeded":
      return "ok";
    case "failed":
      return "bad";
    case "refused":
      return "warn";
    case "accepted":
      return "info";
    default:
      return "idle";
  }
}

/** words makes a state of the API readable: STARTING_CONTAINER is "starting container". */
export function words(state: string): string {
  return state.toLowerCase().replaceAll("_", " ");
}
