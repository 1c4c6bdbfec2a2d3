/** The header of a token, unverified. */
export function headerOf(token: string): any {
  return parse(token, 0);
}

/** The claims of a token, unverified. */
export function claimsOf(token: string): any {
  return parse(token, 1);
}

function parse(token: string, part: number): any {
  return JSON.parse(Buffer.from(token.split('.')[part]!, 'base64url').toString());
}
