import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { ClientRight, JwtKnoxClient, JwtKnoxOptions } from '../options/options';
import { isDigestOfPlaceholder, isWeakClientSecret } from './secret-check';

/** Printable, and read the same whether a client form-encodes it for Basic or not (RFC 6749 section 2.3.1). */
const CLIENT_ID = /^(?!.*[:%+])[\x21-\x7e]{1,128}$/;
const SECRET_HASH = /^[0-9a-f]{64}$/;
const MIN_SECRET_LENGTH = 16;
const MEMBERS = ['id', 'secret', 'secretHash', 'may'];
const RIGHTS: readonly ClientRight[] = ['introspect', 'introspect_refresh', 'revoke', 'revocations'];

/** The clients of `introspect`, `revoke` and `revocations`: ids, digests and rights; the secrets themselves are not kept. */
@Injectable()
export class OAuthClients {
  readonly #digests = new Map<string, Buffer>();
  readonly #rights = new Map<string, readonly ClientRight[]>();
  /** The digest of no secret. */
  readonly #nobody = randomBytes(32);
  /** What is wrong with the clients, each with its remedy; told at start-up. */
  readonly problems: string[] = [];

  /** Never throws: what is wrong is in {@link problems}. */
  static load(clients: JwtKnoxOptions['clients']): OAuthClients {
    const registry = new OAuthClients();
    if (Array.isArray(clients)) for (const client of clients) registry.add(client);
    else if (clients !== undefined) registry.problems.push('clients: must be a list of { id, secret | secretHash }.');
    return registry;
  }

  /** Whether this is the client's secret, in constant time. A client that is not there costs the same. */
  has(id: string, secret: string): boolean {
    return timingSafeEqual(digestOf(secret), this.#digests.get(id) ?? this.#nobody);
  }

  /** Whether there is a client of this id. */
  knows(id: string): boolean {
    return this.#digests.has(id);
  }

  /** Whether this client has the right. Ask only after {@link has}. */
  may(id: string, right: ClientRight): boolean {
    return this.#rights.get(id)?.includes(right) ?? false;
  }

  private add(client: JwtKnoxClient): void {
    if (typeof client?.id !== 'string' || !CLIENT_ID.test(client.id)) {
      this.problems.push("clients: an id must be 1 to 128 printable ASCII characters without ':', '%' and '+'.");
      return;
    }
    const { id, secret, secretHash, may = ['introspect'] } = client;
    const problem = (text: string) => void this.problems.push(`client '${id}': ${text}`);
    const unknown = Object.keys(client).filter((name) => !MEMBERS.includes(name));
    if (unknown.length > 0) problem(`${unknown.join(', ')}: no such member; known are ${MEMBERS.join(', ')}.`);
    if (this.#digests.has(id)) this.problems.push(`clients: duplicate id '${id}'; use a unique id for each client.`);
    const wrong = secretProblem(secret, secretHash);
    if (wrong) problem(wrong);
    const wrongRights = rightsProblem(may);
    if (wrongRights) problem(wrongRights);
    else this.#rights.set(id, [...may]);
    this.#digests.set(
      id,
      wrong ? this.#nobody : secret === undefined ? Buffer.from(secretHash!, 'hex') : digestOf(secret),
    );
  }
}

function secretProblem(secret: unknown, secretHash: unknown): string | null {
  if ((secret === undefined) === (secretHash === undefined)) {
    return 'needs a secret or a secretHash, and not both; make a secret with `openssl rand -hex 32`.';
  }
  if (secretHash !== undefined) {
    if (typeof secretHash !== 'string' || !SECRET_HASH.test(secretHash)) {
      return 'the secretHash must be the SHA-256 of the secret in lowercase hex: `printf %s "$SECRET" | sha256sum`.';
    }
    return isDigestOfPlaceholder(secretHash)
      ? 'the secretHash is that of a well-known secret; make another secret with `openssl rand -hex 32`.'
      : null;
  }
  if (typeof secret !== 'string' || secret.length < MIN_SECRET_LENGTH) {
    return `the secret must have ${MIN_SECRET_LENGTH} characters or more; make one with \`openssl rand -hex 32\`.`;
  }
  return isWeakClientSecret(secret)
    ? 'the secret is published, a placeholder or can be guessed; make one with `openssl rand -hex 32`.'
    : null;
}

function rightsProblem(may: unknown): string | null {
  if (!Array.isArray(may) || may.length === 0 || !may.every((right) => RIGHTS.includes(right))) {
    return `may: must be a list of at least one of ${RIGHTS.map((right) => `'${right}'`).join(', ')}.`;
  }
  return may.includes('introspect_refresh') && !may.includes('introspect')
    ? "may: 'introspect_refresh' has no effect without 'introspect'; add that."
    : null;
}

function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
