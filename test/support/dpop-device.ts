import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  randomUUID,
  sign,
} from 'node:crypto';
/** What the applications of the tests are configured with as `publicOrigin`. */
export const ORIGIN = 'https://app.example.com';

/** What one proof says; whatever is given takes the place of what an honest device says. */
export interface ProofClaims {
  htm?: unknown;
  htu?: unknown;
  iat?: unknown;
  jti?: unknown;
  ath?: unknown;
  nonce?: unknown;
  [name: string]: unknown;
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A device with a key of its own, written without the library: ES256 unless another key is given. */
export class DpopDevice {
  readonly jwk: JsonWebKey;
  readonly #privateKey: KeyObject;

  constructor(
    private readonly now: () => number,
    private readonly origin = ORIGIN,
    { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ) {
    this.#privateKey = privateKey;
    this.jwk = publicKey.export({ format: 'jwk' });
  }

  /** The same device, as it speaks with another service. */
  at(origin: string): DpopDevice {
    return new DpopDevice(this.now, origin, {
      privateKey: this.#privateKey,
      publicKey: createPublicKey(this.#privateKey),
    });
  }

  get thumbprint(): string {
    const { kty, crv, x, y } = this.jwk;
    return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
  }

  claims(method: string, path: string, { token, ...claims }: ProofClaims & { token?: string | undefined } = {}): ProofClaims {
    return {
      jti: randomUUID(),
      htm: method,
      htu: `${this.origin}${path}`,
      iat: Math.floor(this.now() / 1_000),
      ...(token !== undefined && { ath: createHash('sha256').update(token).digest('base64url') }),
      ...claims,
    };
  }

  /** A JWS over exactly this header and payload. */
  signed(header: unknown, payload: unknown): string {
    const input = `${encode(header)}.${encode(payload)}`;
    const signature = sign('sha256', Buffer.from(input), { key: this.#privateKey, dsaEncoding: 'ieee-p1363' });
    return `${input}.${signature.toString('base64url')}`;
  }

  proof(method: string, path: string, claims: ProofClaims & { token?: string | undefined } = {}): string {
    return this.signed({ typ: 'dpop+jwt', alg: 'ES256', jwk: this.jwk }, this.claims(method, path, claims));
  }

  /** The headers of a request with an access token, as section 7.1 has them. */
  headers(method: string, path: string, token: string, claims: ProofClaims = {}): Record<string, string> {
    return { authorization: `DPoP ${token}`, dpop: this.proof(method, path, { token, ...claims }) };
  }
}
