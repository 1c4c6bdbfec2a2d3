import { createHash, createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { DpopDevice, ProofClaims } from './dpop-device';

/** Right proofs by keys of others: a login with one of them is somebody's own. */
export const BY_OTHERS: readonly string[] = ['another key', 'RSA of another', 'Ed25519 of another'];

/** A request that takes a proof: which, and with which access token, if any. */
export interface ProvenRequest {
  method: string;
  path: string;
  token?: string;
}

export interface WrongProof {
  what: string;
  /** The header `DPoP` as it is sent; several as a list, none as undefined. */
  dpop: string | string[] | undefined;
}

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
const small = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 });
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const k256 = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
const ed25519 = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwkOf = (key: KeyObject) => key.export({ format: 'jwk' });

function jws(header: object, payload: unknown, make: (input: string) => Buffer): string {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${make(input).toString('base64url')}`;
}

const VALUES: readonly unknown[] = [
  undefined, null, '', ' ', 0, 1, -1, true, false, [], {}, 'x', '\0', '\ud800', 'none', '__proto__', ['x'], { a: 1 }, 1e21, 'x'.repeat(129),
]; // prettier-ignore

/** By section 4.3, claim by claim: what an honest device never says. */
function wrongClaims({ method, path, token }: ProvenRequest, now: number): [string, ProofClaims][] {
  const seconds = Math.floor(now / 1_000);
  const origin = 'https://app.example.com';
  const asIs = (name: string, values: readonly unknown[]): [string, ProofClaims][] =>
    values.map((value) => [`${name} ${JSON.stringify(value) ?? 'missing'}`.slice(0, 60), { [name]: value }]);
  const otherMethods = [
    'GET',
    'POST',
    'PUT',
    'DELETE',
    'PATCH',
    'get',
    'post',
    'Post',
    `${method} `,
    `${method},${method}`,
  ];
  const targets = [
    path, `${origin}`, `${origin}/`, `${origin}${path}/x`, `${origin}${path}/`, `${origin}${path}%20`, `${origin}/x/..${path}x`, `http://app.example.com${path}`,
    `https://app.example.com:8443${path}`, `https://evil.example${path}`, `https://app.example.com.evil.example${path}`, `https://evil.example/?${origin}${path}`,
    `https://user@app.example.com${path}`, `https://app.example.com@evil.example${path}`, `//app.example.com${path}`, `${origin}${path.toUpperCase()}`,
    `https://127.0.0.1${path}`, `http://localhost${path}`, `${origin}/auth/other`, `javascript:${path}`, `data:,${path}`, `${origin}${path}`.repeat(90), `ws://app.example.com${path}`,
  ]; // prettier-ignore
  const times = [
    seconds - 62, seconds + 62, seconds - 3_600, seconds + 3_600, now, -seconds, String(seconds), [seconds], 0, 1e300, -1e300, Number.MAX_SAFE_INTEGER, `${seconds}.0`,
  ]; // prettier-ignore
  const hashes = [
    createHash('sha256').update(`${token}x`).digest('base64url'), createHash('sha512').update(token ?? '').digest('base64url'), createHash('sha256').update(token ?? '').digest('hex'),
    createHash('sha256').update(token ?? '').digest('base64'), token, 'x',
  ]; // prettier-ignore
  return [
    ...asIs(
      'jti',
      VALUES.filter((value) => typeof value !== 'string' || value === '' || value.length > 128),
    ),
    ...asIs('htm', [...VALUES, ...otherMethods.filter((one) => one !== method)]),
    ...asIs('htu', [...VALUES, ...targets]),
    ...asIs('iat', [...VALUES, ...times]),
    ...(token === undefined ? [] : asIs('ath', [...VALUES, ...hashes])),
  ];
}

/** What is wrong with the header, the key or the signature of a proof whose claims are right. */
function wrongForms(device: DpopDevice, request: ProvenRequest): WrongProof[] {
  const payload = () => device.claims(request.method, request.path, { token: request.token });
  const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: device.jwk };
  const signed = (change: object) => device.signed({ ...header, ...change }, payload());
  const by =
    (key: KeyObject, hash: string | null = 'sha256') =>
    (input: string) =>
      sign(hash, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
  const good = () => device.signed(header, payload());
  const [first, second, third] = good().split('.') as [string, string, string];
  const { x, y } = device.jwk;
  const secret = Buffer.from(JSON.stringify(device.jwk));
  const hmac = (input: string) => createHmac('sha256', secret).update(input).digest();
  const jwks: unknown[] = [
    ...VALUES, { ...device.jwk, d: x }, { ...device.jwk, kid: 'one' }, { ...device.jwk, use: 'enc' }, { ...device.jwk, k: 'x' }, { ...device.jwk, x: y, y: x },
    { ...device.jwk, x: `${x}=` }, { ...device.jwk, x: `${x}AA` }, { ...device.jwk, y: undefined }, { ...device.jwk, crv: 'P-384' }, { ...device.jwk, crv: 'P-521' },
    { ...device.jwk, kty: 'RSA' }, { ...device.jwk, kty: 'OKP' }, { ...device.jwk, kty: 'oct' }, { ...device.jwk, x: 'A'.repeat(43), y: 'A'.repeat(43) }, { kty: 'oct', k: 'AAAA' },
    { ...device.jwk, x: 'x'.repeat(4_000) }, { ...device.jwk, x: [x] }, [device.jwk], jwkOf(p384.publicKey), jwkOf(k256.publicKey), jwkOf(rsa.publicKey), jwkOf(other.privateKey),
  ]; // prettier-ignore
  const algorithms = [
    ...VALUES, 'none', 'None', 'NONE', 'HS256', 'HS384', 'HS512', 'es256', 'ES384', 'ES512', 'ES256K', 'RS256', 'PS256', 'RS512', 'EdDSA', 'Ed25519', 'ES256 ',
  ]; // prettier-ignore
  const types = [
    ...VALUES,
    'JWT',
    'jwt',
    'at+jwt',
    'rt+jwt',
    'dbsc+jwt',
    'DPOP+JWT',
    'application/dpop+jwt',
    'dpop+jwt ',
    'dpop',
  ];
  const members = {
    crit: ['b64'],
    b64: false,
    kid: 'x',
    jku: 'https://evil.example',
    x5u: 'https://evil.example',
    x5c: ['x'],
    zip: 'DEF',
    cty: 'x',
    nonce: 'x',
  };
  const proofs: [string, string | string[] | undefined][] = [
    ['no proof', undefined],
    ...['', ' ', '.', '..', '...', 'x', 'x.y.z', 'a'.repeat(5_000), '{}', 'null', 'undefined', 'DPoP x'].map((text): [string, string] => [`the text ${text.slice(0, 20)}`, text]),
    ['two proofs', [good(), good()]],
    ['two proofs in one', `${good()}, ${good()}`],
    ['the same twice', [good(), 'x']],
    ['no signature', `${first}.${second}.`],
    ['no payload', `${first}..${third}`],
    ['a fourth part', `${good()}.x`],
    ['padding', `${good()}=`],
    ['a signature of another', jws(header, payload(), by(other.privateKey))],
    ['a signature in DER', jws(header, payload(), (input) => sign('sha256', Buffer.from(input), other.privateKey))],
    ['a short signature', `${first}.${second}.${third.slice(0, 40)}`],
    ['a signature of zeros', `${first}.${second}.${Buffer.alloc(64).toString('base64url')}`],
    ['the payload of another proof', `${first}.${good().split('.')[1]}.${third}`],
    ['another key', jws({ ...header, jwk: jwkOf(other.publicKey) }, payload(), by(other.privateKey))],
    ['HMAC with the key', jws({ ...header, alg: 'HS256' }, payload(), hmac)],
    ['a weak key of RSA', jws({ ...header, alg: 'RS256', jwk: jwkOf(weak.publicKey) }, payload(), by(weak.privateKey))],
    ['an exponent of 3', jws({ ...header, alg: 'RS256', jwk: jwkOf(small.publicKey) }, payload(), by(small.privateKey))],
    ['RSA of another', jws({ ...header, alg: 'RS256', jwk: jwkOf(rsa.publicKey) }, payload(), by(rsa.privateKey))],
    ['Ed25519 of another', jws({ ...header, alg: 'EdDSA', jwk: jwkOf(ed25519.publicKey) }, payload(), by(ed25519.privateKey, null))],
    ['P-384', jws({ ...header, alg: 'ES384', jwk: jwkOf(p384.publicKey) }, payload(), by(p384.privateKey, 'sha384'))],
    ['secp256k1', jws({ ...header, jwk: jwkOf(k256.publicKey) }, payload(), by(k256.privateKey))],
    ...VALUES.map((value): [string, string] => [`the payload ${JSON.stringify(value) ?? 'nothing'}`.slice(0, 40), device.signed(header, value ?? null)]),
    ...jwks.map((jwk): [string, string] => [`jwk ${JSON.stringify(jwk) ?? 'missing'}`.slice(0, 60), signed({ jwk })]),
    ...algorithms.map((alg): [string, string] => [`alg ${JSON.stringify(alg) ?? 'missing'}`.slice(0, 60), signed({ alg })]),
    ...types.map((typ): [string, string] => [`typ ${JSON.stringify(typ) ?? 'missing'}`.slice(0, 60), signed({ typ })]),
    ...Object.entries(members).map(([name, value]): [string, string] => [`the header ${name}`, signed({ [name]: value })]),
  ]; // prettier-ignore
  return proofs.map(([what, dpop]) => ({ what, dpop }));
}

/** All of them, each to be refused. Every one is new: none is refused because it was seen before. */
export function wrongProofs(device: DpopDevice, request: ProvenRequest, now: number): WrongProof[] {
  const ofClaims = wrongClaims(request, now).map(([what, claims]) => ({
    what,
    dpop: device.proof(request.method, request.path, { token: request.token, ...claims }),
  }));
  return [...wrongForms(device, request), ...ofClaims];
}
