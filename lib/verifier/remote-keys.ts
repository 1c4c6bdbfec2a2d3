import { IssuerUnavailableError, TokenRejection } from '../contracts/errors';
import { type PublishedKey, publicKeysIn } from '../tokens/published-keys';
import type { ResolvedVerifierOptions } from './resolve-verifier-options';
import { ageOf, fetchFromIssuer, failureOf } from './issuer-fetch';

type RemoteKeyOptions = Omit<NonNullable<ResolvedVerifierOptions['remoteKeys']>, 'revocations'>;
type Jose = Pick<
  typeof import('jose', { with: { 'resolution-mode': 'import' } }),
  'createRemoteJWKSet' | 'customFetch'
>;

/** After a failure the issuer is left alone for this long. */
const PAUSE_MS = 1_000;

/** An issuer that is shut off for good is not trusted for ever. */
const DAY_MS = 86_400_000;

/**
 * The issuer's published keys. Once known, they are used while the issuer cannot be asked, for a day at most; and nobody
 * makes this ask more often than once in the cooldown, whatever `kid`s are made up.
 */
export class RemoteKeys {
  private keys = new Map<string, PublishedKey>();
  /** When these were the issuer's keys: the question's time, less what a cache in between says that they are old. */
  private validAt = -Infinity;
  private answeredAt = -Infinity;
  private failedAt = -Infinity;
  private failure: Error | undefined;
  private loading: Promise<void> | undefined;
  private readonly fetchSet: () => Promise<{ set: { keys: readonly object[] }; age: number }>;

  /** @param now milliseconds of a clock that only goes forward */
  constructor(
    jose: Jose,
    private readonly options: RemoteKeyOptions,
    private readonly now: () => number = () => performance.now(),
  ) {
    let age = 0;
    const remote = jose.createRemoteJWKSet(new URL(options.uri), {
      timeoutDuration: options.timeout,
      // What a shared cache keeps may hold a key that is gone (RFC 9111 section 5.2.1.4).
      headers: { 'cache-control': 'no-cache' },
      [jose.customFetch]: async (url: string, init: RequestInit) => {
        const response = await fetchFromIssuer(url, init);
        age = ageOf(response);
        return response;
      },
    });
    this.fetchSet = async () => {
      await remote.reload();
      return { set: remote.jwks()!, age };
    };
  }

  /** @throws TokenRejection, or IssuerUnavailableError when only the issuer could tell */
  async find({ kid, algorithm }: { kid: string; algorithm: string }): Promise<PublishedKey> {
    if (this.now() - this.validAt >= this.options.maxAge) await this.renew();
    if (!this.keys.has(kid) && this.now() - this.answeredAt >= this.options.cooldown) await this.load();
    const key = this.keys.get(kid);
    if (!key) throw new TokenRejection('unknown_key');
    if (key.algorithm !== algorithm) throw new TokenRejection('algorithm');
    return key;
  }

  /** Asks the issuer, at most once at a time. @throws IssuerUnavailableError */
  load(): Promise<void> {
    if (this.loading) return this.loading;
    if (this.now() - this.failedAt < PAUSE_MS) return Promise.reject(new IssuerUnavailableError(this.failure));
    this.loading = this.fetchKeys().finally(() => (this.loading = undefined));
    return this.loading;
  }

  /** Outdated keys still count while the issuer cannot be asked; then nobody waits for it either. */
  private async renew(): Promise<void> {
    const settled = this.load().catch(() => undefined);
    if (this.areOver() || this.failedAt < this.answeredAt) await settled;
    if (this.areOver()) throw new IssuerUnavailableError(this.failure);
  }

  private areOver(): boolean {
    return this.now() - this.validAt >= DAY_MS;
  }

  private async fetchKeys(): Promise<void> {
    const askedAt = this.now();
    try {
      const { set, age } = await this.fetchSet();
      const keys = publicKeysIn(set);
      if (askedAt - age >= this.validAt) {
        this.keys = keys;
        this.validAt = askedAt - age;
      }
      if (age < this.options.maxAge) this.answeredAt = this.now();
      else this.fail(new Error(`The issuer's keys come from a cache, and are ${age / 1_000} s old.`));
    } catch (error) {
      this.fail(failureOf(error));
      throw new IssuerUnavailableError(this.failure);
    }
  }

  private fail(failure: Error): void {
    this.failure = failure;
    this.failedAt = this.now();
  }
}
