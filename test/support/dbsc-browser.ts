import { type KeyObject, createPrivateKey, generateKeyPairSync, type KeyPairKeyObjectResult, sign } from 'node:crypto';
import { BrowserLike } from './browser-like';
import type { Answer, Options } from './http-client';

type Algorithm = 'ES256' | 'RS256';

/** How a proof differs from a good one. */
export interface ProofChange {
  header?: Record<string, unknown>;
  payload?: Record<string, unknown>;
  key?: KeyObject;
}

/** What a browser keeps of a session that it was told to prolong. */
interface KeptSession {
  readonly id: string;
  readonly algorithm: Algorithm;
  readonly privateKey: KeyObject;
  readonly refreshUrl: string;
  readonly cookie: string;
  /** The last proof: sent again, unsigned anew, for as long as nobody sends another challenge. */
  proof?: string;
}

/** What came of a refresh, as Chromium judges answers; `ended` and `destroyed` are for good. */
export type RefreshOutcome = 'renewed' | 'kept' | 'ended' | 'destroyed';

const MOST_PROOFS = 4;

export function makeKey(algorithm: Algorithm = 'ES256'): KeyPairKeyObjectResult {
  if (algorithm === 'RS256') return generateKeyPairSync('rsa', { modulusLength: 2_048 });
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

/** A JWS in compact form. */
export function signed(header: object, payload: object, key: KeyObject): string {
  const input = [header, payload].map((one) => Buffer.from(JSON.stringify(one)).toString('base64url')).join('.');
  const isEc = key.asymmetricKeyType === 'ec';
  const signature = sign('sha256', Buffer.from(input), isEc ? { key, dsaEncoding: 'ieee-p1363' } : key);
  return `${input}.${signature.toString('base64url')}`;
}

/** The bare public key of a pair, as a browser writes it. */
export function publicJwk(privateKey: KeyObject): Record<string, string> {
  const { kty, crv, x, y, n, e } = createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }))
    .export({ format: 'jwk' }) as Record<string, string>; // prettier-ignore
  return (kty === 'EC' ? { crv, kty, x, y } : { e, kty, n }) as Record<string, string>;
}

/**
 * Speaks Device Bound Session Credentials as Chromium 156 does on the wire: keys are made when an answer offers it, bare
 * headers, refreshes in one or two round trips, and Chromium's verdicts on answers.
 */
export class DbscBrowser extends BrowserLike {
  readonly sessions = new Map<string, KeptSession>();
  /** Every answer of the two routes. */
  readonly answers: Answer[] = [];
  algorithm: Algorithm = 'ES256';
  /** Whether answers that offer a registration are taken up at once. */
  registers = true;
  /** Whether a request that needs the bound cookie is held back until it was asked for. */
  defers = true;
  /** Loses the answer of a route, where it says so: the server has done its work. */
  loses: (route: 'register' | 'refresh') => boolean = () => false;

  override async send(method: string, path: string, options: Options): Promise<Answer> {
    if (this.defers && !isOfAuth(path)) await this.renewMissing();
    const answer = await super.send(method, path, options);
    const offer = answer.headers['secure-session-registration'];
    if (typeof offer === 'string' && this.registers) await this.register(offer);
    return answer;
  }

  /** The one session that is bound here. */
  get bound(): KeptSession {
    return [...this.sessions.values()].at(-1)!;
  }

  /** As if the access cookie's time were over. */
  expire(): void {
    for (const name of this.jar.keys()) if (name.includes('access')) this.jar.delete(name);
  }

  async register(offer: string, change: ProofChange = {}): Promise<Answer> {
    const [, path, challenge] = /path="([^"]*)";challenge="([^"]*)"/.exec(offer)!;
    const privateKey = change.key ?? makeKey(this.algorithm).privateKey;
    const header = { alg: this.algorithm, jwk: publicJwk(privateKey), typ: 'dbsc+jwt', ...change.header };
    const proof = signed(header, { jti: challenge, ...change.payload }, privateKey);
    const answer = await this.dbsc('register', path!, { 'secure-session-response': proof });
    if (answer?.status === 200) this.keep(answer, privateKey);
    return answer ?? { status: 0, headers: {}, body: undefined, text: '' };
  }

  /** All legs of a refresh; a proof is made for each new challenge, at most {@link MOST_PROOFS}. */
  async renew(id = this.bound.id): Promise<RefreshOutcome> {
    const kept = this.sessions.get(id)!;
    for (let proofs = 0; ; proofs++) {
      const headers = { 'sec-secure-session-id': id, ...(kept.proof && { 'secure-session-response': kept.proof }) };
      const answer = await this.dbsc('refresh', kept.refreshUrl, headers);
      const outcome = answer ? this.judge(answer, kept) : 'kept';
      if (outcome !== 'challenged') return this.note(outcome, kept);
      if (proofs === MOST_PROOFS) return this.note('destroyed', kept);
    }
  }

  /** A proof of the session's key, as good as it was changed. */
  proofFor(challenge: string, { header, payload, key }: ProofChange = {}, kept = this.bound): string {
    const all = { alg: kept.algorithm, typ: 'dbsc+jwt', ...header };
    return signed(all, { jti: challenge, ...payload }, key ?? kept.privateKey);
  }

  /** One leg of a refresh, as it is told. */
  async ask(headers: Record<string, string>): Promise<Answer> {
    const { id, refreshUrl } = this.bound;
    return (await this.dbsc('refresh', refreshUrl, { 'sec-secure-session-id': id, ...headers }))!;
  }

  private async renewMissing(): Promise<void> {
    for (const { id, cookie } of this.sessions.values()) if (!this.jar.has(cookie)) await this.renew(id);
  }

  private async dbsc(route: 'register' | 'refresh', path: string, headers: Record<string, string>) {
    const sent = { 'content-length': '0', 'sec-fetch-mode': 'no-cors', ...headers };
    const jar = new Map(this.jar);
    const answer = await super.send('POST', path, { headers: sent });
    this.answers.push(answer);
    if (!this.loses(route)) return answer;
    this.jar.clear();
    for (const [name, value] of jar) this.jar.set(name, value);
    return undefined;
  }

  private judge(answer: Answer, kept: KeptSession): RefreshOutcome | 'challenged' {
    const { status, headers, body } = answer;
    if (status === 403 && headers['secure-session-challenge']) {
      const [, challenge, id] = /^"([^"]*)";id="([^"]*)"$/.exec(String(headers['secure-session-challenge']))!;
      if (id !== kept.id) return 'destroyed';
      kept.proof = this.proofFor(challenge!, {}, kept);
      return 'challenged';
    }
    if (status >= 500) return 'kept';
    if (status !== 200 || body?.session_identifier !== kept.id) return 'destroyed';
    return body.continue === false ? 'ended' : 'renewed';
  }

  private note(outcome: RefreshOutcome, kept: KeptSession): RefreshOutcome {
    if (outcome === 'ended' || outcome === 'destroyed') this.sessions.delete(kept.id);
    if (outcome === 'renewed') delete kept.proof;
    return outcome;
  }

  private keep({ body }: Answer, privateKey: KeyObject): void {
    const { session_identifier: id, refresh_url: refreshUrl, credentials } = body;
    const algorithm = privateKey.asymmetricKeyType === 'ec' ? 'ES256' : 'RS256';
    this.sessions.set(id, { id, algorithm, privateKey, refreshUrl, cookie: credentials[0].name });
  }
}

/** What the instructions leave out of the scope. */
function isOfAuth(path: string): boolean {
  return /\/(?:login|refresh|dbsc\/\w+|pages\/login)(?:\?|$)/.test(path);
}
