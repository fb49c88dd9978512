import { clsx, type ClassValue } from "clsx";
import { twMerge } from "tailwind-merge";

/** cn joins class names; of two that contradict each other the later wins. */
export function cn(...inputs: ClassValue[]) {
  return twMerge(clsx(inputs));
}
