/** The subprotocol that says that the next one is an access token: `new WebSocket(url, ['bearer', token])`. */
const BEARER = 'bearer';

/**
 * Takes the tokens out of a list of subprotocols (RFC 6455 section 11.3.4); what is left is what the server may choose
 * from. A token must not be chosen, for it would be sent back.
 */
export function takeSubprotocolTokens(headers: Record<string, any>): string[] {
  const header: unknown = headers['sec-websocket-protocol'];
  if (typeof header !== 'string') return [];
  const offered = header.split(',').map((one) => one.trim());
  const tokens = offered.filter((_, index) => offered[index - 1] === BEARER);
  if (tokens.length > 0) {
    headers['sec-websocket-protocol'] = [...new Set(offered.filter((_, index) => offered[index - 1] !== BEARER))].join(
      ', ',
    );
  }
  return tokens;
}

/** The tokens in the query of a request's address, where one may come there. */
export function queryTokens(url: string | undefined, name: string | undefined): string[] {
  if (name === undefined || url === undefined) return [];
  const at = url.indexOf('?');
  return at < 0 ? [] : new URLSearchParams(url.slice(at + 1)).getAll(name);
}

/** A member of what a client sent, if that has one of its own. */
export function ownMember(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}
