/** How long the other side has to take the last of an answer, in milliseconds. */
const ENDING_MS = 1_000;

/** Cuts an answer off that is to end by itself, and has not when its time is over. */
export function cutLater(raw: { readonly writableFinished: boolean; destroy(): void }): void {
  setTimeout(() => raw.writableFinished || raw.destroy(), ENDING_MS).unref();
}

/** Whether nobody waits for an answer any more. That of HTTP/2 has come loose from its stream then, which says so alone. */
export function isGone(raw: any): boolean {
  return raw.destroyed === true || raw.closed === true || raw.stream?.destroyed === true;
}
