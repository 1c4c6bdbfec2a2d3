/** Whether nobody waits for an answer any more. That of HTTP/2 has come loose from its stream then, which says so alone. */
export function isGone(raw: any): boolean {
  return raw.destroyed === true || raw.closed === true || raw.stream?.destroyed === true;
}
