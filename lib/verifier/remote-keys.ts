import { IssuerUnavailableError, TokenRejection } from '../contracts/errors';
import { type PublishedKey, publishedKeysOf } from '../crypto/published-keys';
import type { ResolvedVerifierOptions } from '../options/resolve-verifier-options';
import { askIssuer, failureOf } from './issuer-request';

type RemoteKeyOptions = NonNullable<ResolvedVerifierOptions['remoteKeys']>;
type Jose = Pick<
  typeof import('jose', { with: { 'resolution-mode': 'import' } }),
  'createRemoteJWKSet' | 'customFetch'
>;

/** After a failure the issuer is left alone for this long. */
const PAUSE_MS = 1_000;

/**
 * The issuer's published keys. Once known, they are used for as long as the issuer cannot be asked; and nobody makes this
 * ask more often than once in the cooldown, whatever `kid`s are made up.
 */
export class RemoteKeys {
  private keys = new Map<string, PublishedKey>();
  private loadedAt = -Infinity;
  private failedAt = -Infinity;
  private failure: Error | undefined;
  private loading: Promise<void> | undefined;
  private readonly fetchSet: () => Promise<{ keys: readonly object[] }>;

  /** @param now milliseconds of a clock that only goes forward */
  constructor(
    jose: Jose,
    private readonly options: RemoteKeyOptions,
    private readonly now: () => number = () => performance.now(),
  ) {
    const remote = jose.createRemoteJWKSet(new URL(options.uri), {
      timeoutDuration: options.timeout,
      [jose.customFetch]: (url: string, init: RequestInit) => askIssuer(url, init),
    });
    this.fetchSet = async () => {
      await remote.reload();
      return remote.jwks()!;
    };
  }

  /** @throws TokenRejection, or IssuerUnavailableError when only the issuer could tell */
  async find({ kid, algorithm }: { kid: string; algorithm: string }): Promise<PublishedKey> {
    if (this.now() - this.loadedAt >= this.options.maxAge) await this.renew();
    if (!this.keys.has(kid) && this.now() - this.loadedAt >= this.options.cooldown) await this.load();
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
    const isFirst = this.loadedAt === -Infinity;
    const loading = this.load();
    if (isFirst) return loading;
    const settled = loading.catch(() => undefined);
    if (this.failedAt < this.loadedAt) await settled;
  }

  private async fetchKeys(): Promise<void> {
    try {
      this.keys = publishedKeysOf(await this.fetchSet());
      this.loadedAt = this.now();
    } catch (error) {
      this.failure = failureOf(error);
      this.failedAt = this.now();
      throw new IssuerUnavailableError(this.failure);
    }
  }
}
