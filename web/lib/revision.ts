/** isCommit reports whether text is a full commit, as the API takes it. */
export function isCommit(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text);
}

/** revision is what a deploy or a definition takes for one choice: a branch, or a full commit to stay at. */
export function revision(choice: string): { branch: string; commit?: undefined } | { commit: string; branch?: undefined } {
  return isCommit(choice) ? { commit: choice } : { branch: choice };
}
