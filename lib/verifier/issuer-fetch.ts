/** What an issuer says is short: more is not read. */
const MAX_BYTES = 65_536;

/** Statuses by which gateways, and this library, say that the issuer itself cannot answer. */
const OUTAGE = new Set([502, 503, 504]);

const REMEDIES: Readonly<Record<number, string>> = {
  400: ' Has the client the right for it, in `may` of its entry in `clients` there?',
  401: ' Compare id and secret of the client with `clients` there.',
  404: ' Is the address right, and is this route enabled in `routes` there?',
};

/** A 200 of something else at this address, such as the page of an application. */
export const NO_EVENTS = `The issuer answered 200 without events.${REMEDIES[404]}`;

/** The issuer is there, and what it said is of no use. That may lie in the one token it was asked about. */
export class UnusableResponse extends Error {}

/**
 * Fetches from the issuer: no redirects, which would hand a token to somebody else, and no endless answers. Of the
 * headers, only `Age` is kept.
 * @throws when the answer is not a 200 of bounded size
 */
export async function fetchFromIssuer(url: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url, { ...init, redirect: 'manual' });
  if (response.status !== 200) {
    await response.body?.cancel();
    const message = answeredWith(response.status);
    throw OUTAGE.has(response.status) ? new Error(message) : new UnusableResponse(message);
  }
  return new Response(await boundedText(response), {
    status: 200,
    headers: { age: response.headers.get('age') ?? '' },
  });
}

/** A status other than 200, with what it is as a rule, where that is a mistake in the configuration. */
export function answeredWith(status: number): string {
  return `The issuer answered ${status}.${REMEDIES[status] ?? ''}`;
}

/** How long ago the issuer itself gave an answer that came from a cache (RFC 9111 section 5.1). Milliseconds. */
export function ageOf(response: Response): number {
  const [seconds] = /^\d+(?=$|,)/.exec(response.headers.get('age') ?? '') ?? [];
  return Math.min(Number(seconds ?? 0), 2 ** 31) * 1_000;
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop early cancels the body.
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength;
    if (length > MAX_BYTES) throw new Error(`The issuer's answer is longer than ${MAX_BYTES} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** What went wrong, in words: `fetch` says but "fetch failed", and nothing of its answer is repeated. */
export function failureOf(error: unknown): Error {
  const { cause, name, message } = Object(error) as { cause?: unknown; name?: string; message?: string };
  if (name === 'TimeoutError' || name === 'JWKSTimeout') return new Error('The issuer did not answer in time.');
  const { code, message: reason } = Object(cause) as { code?: string; message?: string };
  return new Error(
    reason || code || (error instanceof SyntaxError ? 'The answer is not JSON.' : message) || 'unknown failure',
  );
}
