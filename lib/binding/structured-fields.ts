/** What a header says in one string or token: bare, as Chromium sends it, or quoted (RFC 8941 section 3.3.3), as the draft has it. */
export function textOf(header: string | string[] | undefined): string | null {
  if (typeof header !== 'string') return null;
  const inQuotes = /^\s*"((?:[^"\\]|\\["\\])*)"/.exec(header);
  if (inQuotes) return inQuotes[1]!.replace(/\\(["\\])/g, '$1');
  return header.split(';', 1)[0]!.trim() || null;
}

/** A string of RFC 8941. It holds printable ASCII only. */
export function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
