import { isLoopback } from './option-reader';
import type { JwtKnoxExtras, JwtKnoxOptions } from './options';

/** Up to four plain segments: as many as the metadata is mounted with. */
const ISSUER_PATH = /^(?:\/[\w.~-]+){0,4}\/?$/;

/** What the routes for clients need. @param route which of them */
export function checkClientRoute(
  problems: string[],
  route: string,
  { clients, issuer }: Partial<JwtKnoxOptions>,
): void {
  if (clients === undefined || (Array.isArray(clients) && clients.length === 0)) {
    problems.push(`${route}: needs clients, who may use it; set at least one { id, secret | secretHash }.`);
  }
  if (!isIssuerUrl(issuer)) {
    problems.push(
      `${route}: needs an issuer that is a URL such as 'https://auth.example.com', without query and fragment and with at most ` +
        'four path segments; http only on localhost.',
    );
  }
}

/** What the revocation stream needs beside that. */
export function checkRevocations(problems: string[], { features }: Pick<JwtKnoxExtras, 'features'>): void {
  if (Array.isArray(features) && features.some((feature) => Object(feature).hearsEnds)) return;
  problems.push(
    'routes.revocations: this process hears of no end in others; add features: [leaseCache({ feed })] of ' +
      'nestjs-jwt-knox/cache, with keep: false for one that keeps nothing.',
  );
}

/** RFC 8414 section 2; without TLS only where nothing leaves the machine. */
function isIssuerUrl(issuer: unknown): boolean {
  if (typeof issuer !== 'string' || !/^https?:\/\/[^\s?#@\\]+$/.test(issuer) || !URL.canParse(issuer)) return false;
  const { protocol, hostname, pathname } = new URL(issuer);
  return (protocol === 'https:' || isLoopback(hostname)) && ISSUER_PATH.test(pathname);
}
