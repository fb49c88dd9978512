import type { Schemas } from "@/lib/api";
import type { Tone } from "@/components/ui/badge";

export type Image = Schemas["Image"];

/** What kinds of images there are, for people. */
export const kinds: Record<Image["kind"], { tone: Tone; words: string }> = {
  service: { tone: "info", words: "SDP made it of a commit" },
  leftover: { tone: "idle", words: "SDP made it, and another image took its name" },
  shared: { tone: "ocp", words: "another installation on this Docker daemon made it, and removes it" },
  base: { tone: "warn", words: "somebody brought it here, images are made from it; SDP never removes it" },
};
