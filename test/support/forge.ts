import { constants, createHmac, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import type { JwtKnoxKey } from '../../lib';

/** Makes the signature over `header.payload`. By hand, for JWT libraries refuse to make most of what attackers make. */
export type Signer = (input: string) => Buffer;

/** What to change in a token. */
export interface Changes {
  /** Members to set; `undefined` takes one away. */
  header?: Record<string, unknown>;
  payload?: Record<string, unknown>;
  /** Text in place of the whole part, for what no serializer writes. */
  headerText?: string | Buffer;
  payloadText?: string | Buffer;
}

/** Header and claims of a token, unverified. */
export function decode(token: string): { header: Record<string, unknown>; payload: Record<string, unknown> } {
  const [header, payload] = token.split('.');
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString());
  return { header: read(header!), payload: read(payload!) };
}

export function base64url(content: string | Buffer): string {
  return Buffer.from(content as string).toString('base64url');
}

/** The token changed and signed anew; without changes, an equal of the original. */
export function forge(token: string, signer: Signer, changes: Changes = {}): string {
  const { header, payload } = decode(token);
  const parts = [
    changes.headerText ?? JSON.stringify({ ...header, ...changes.header }),
    changes.payloadText ?? JSON.stringify({ ...payload, ...changes.payload }),
  ];
  const input = parts.map(base64url).join('.');
  return `${input}.${base64url(signer(input))}`;
}

/** A rightful signature of an algorithm of RFC 7518, with a key that may be wrong for it. */
export function signerOf(algorithm: string, key: KeyObject | Buffer | string): Signer {
  const hash = `sha${algorithm.slice(2)}`;
  if (algorithm.startsWith('Ed')) return (input) => sign(null, Buffer.from(input), key as KeyObject);
  if (algorithm.startsWith('HS')) return (input) => createHmac(hash, key).update(input).digest();
  const padding = algorithm.startsWith('PS')
    ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
    : {};
  const encoding = algorithm.startsWith('ES') ? { dsaEncoding: 'ieee-p1363' as const } : {};
  return (input) => sign(hash, Buffer.from(input), { key: key as KeyObject, ...padding, ...encoding });
}

export const unsigned: Signer = () => Buffer.alloc(0);

/** A signature that is right but for one bit. */
export function flipped(signer: Signer): Signer {
  return (input) => {
    const signature = signer(input);
    signature[signature.length - 1]! ^= 1;
    return signature;
  };
}

/** The keys of the application under attack, private halves included: who tests may hold them all. */
export const victimKeys = {
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  pss: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ec: generateKeyPairSync('ec', { namedCurve: 'prime256v1' }),
  ed: generateKeyPairSync('ed25519'),
  hmac: randomBytes(48),
};

/** The keys that an attacker makes. */
export const attackerKeys = {
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ec: generateKeyPairSync('ec', { namedCurve: 'prime256v1' }),
  p384: generateKeyPairSync('ec', { namedCurve: 'secp384r1' }),
  secp256k1: generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
};

/** The option `keys` of the application under attack: `rsa` signs. */
export const configuredKeys: JwtKnoxKey[] = [
  { kid: 'rsa', algorithm: 'RS256', privateKey: victimKeys.rsa.privateKey },
  { kid: 'pss', algorithm: 'PS256', privateKey: victimKeys.pss.privateKey },
  { kid: 'ec', algorithm: 'ES256', privateKey: victimKeys.ec.privateKey },
  { kid: 'ed', algorithm: 'Ed25519', privateKey: victimKeys.ed.privateKey },
  { kid: 'hmac', algorithm: 'HS256', secret: victimKeys.hmac },
];

/** How each configured key signs. */
export const rightful = {
  rsa: signerOf('RS256', victimKeys.rsa.privateKey),
  pss: signerOf('PS256', victimKeys.pss.privateKey),
  ec: signerOf('ES256', victimKeys.ec.privateKey),
  ed: signerOf('Ed25519', victimKeys.ed.privateKey),
  hmac: signerOf('HS256', victimKeys.hmac),
} satisfies Record<string, Signer>;

/** The header that goes with each configured key. */
export const headers = Object.fromEntries(
  configuredKeys.map(({ kid, algorithm }) => [kid, { alg: algorithm, kid, typ: 'at+jwt' }]),
) as Record<keyof typeof rightful, { alg: string; kid: string; typ: string }>;
