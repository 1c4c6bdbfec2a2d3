import { constants, createHmac, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import type { JwtKnoxKey, RejectionReason } from '../../lib';

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

/** What a forger starts from. */
export interface Booty {
  /** A good access token of a live session. */
  access: string;
  /** The refresh token of the same session. */
  refresh: string;
  /** A server of the attacker's, for headers that name one. */
  server: string;
}

/** A bad token, and the check that must refuse it before the storage is asked. */
export interface Forgery {
  title: string;
  make(booty: Booty): string;
  reason: RejectionReason;
}

const forgeries: Forgery[] = [];

function add(reason: RejectionReason, title: string, make: (booty: Booty) => string): void {
  forgeries.push({ reason, title, make });
}

/** A header that the holder of the signing key himself could not get through with. */
function addHeader(reason: RejectionReason, title: string, header: Record<string, unknown> | string | Buffer): void {
  const isText = typeof header === 'string' || Buffer.isBuffer(header);
  const changes = isText ? { headerText: header } : { header };
  add(reason, title, ({ access }) => forge(access, rightful.rsa, changes));
}

function addPayload(reason: RejectionReason, title: string, payload: Record<string, unknown> | string | Buffer): void {
  const isText = typeof payload === 'string' || Buffer.isBuffer(payload);
  const changes = isText ? { payloadText: payload } : { payload };
  add(reason, title, ({ access }) => forge(access, rightful.rsa, changes));
}

/** The public key in every spelling that could be taken for an HMAC secret. */
function publicSpellings(key: KeyObject): [string, string | Buffer][] {
  const jwk = key.export({ format: 'jwk' });
  const pem = key.export({ format: 'pem', type: 'spki' }) as string;
  const pkcs1 = key.export({ format: 'pem', type: 'pkcs1' }) as string;
  return [
    ['PEM text', pem],
    ['PEM text without its last line break', pem.trimEnd()],
    ['PEM text with CRLF', pem.replaceAll('\n', '\r\n')],
    ['PKCS #1 PEM text', pkcs1],
    ['DER', key.export({ format: 'der', type: 'spki' })],
    ['PKCS #1 DER', key.export({ format: 'der', type: 'pkcs1' })],
    ['DER in base64', key.export({ format: 'der', type: 'spki' }).toString('base64')],
    ['JWK', JSON.stringify(jwk)],
    ['modulus bytes', Buffer.from(jwk.n!, 'base64url')],
    ['modulus in base64url', jwk.n!],
    ['modulus in hex', Buffer.from(jwk.n!, 'base64url').toString('hex')],
  ];
}

// No signature.
for (const alg of ['none', 'None', 'NONE', 'nOnE']) {
  add('malformed', `alg ${alg} and an empty signature`, ({ access }) => forge(access, unsigned, { header: { alg } }));
  add('algorithm', `alg ${alg} and the signature of a good token`, ({ access }) =>
    forge(access, rightful.rsa, { header: { alg } }),
  );
}
add('malformed', 'the right header and an empty signature', ({ access }) => forge(access, unsigned));
add('malformed', 'the right header and no signature at all', ({ access }) => access.split('.').slice(0, 2).join('.'));
add('signature', 'a signature with one bit flipped', ({ access }) => forge(access, flipped(rightful.rsa)));
add('signature', 'a signature cut short', ({ access }) =>
  forge(access, (input) => rightful.rsa(input).subarray(0, 128)),
);
add('signature', 'a signature of zeros', ({ access }) => forge(access, () => Buffer.alloc(256)));
add('signature', 'an ECDSA signature of zeros', ({ access }) =>
  forge(access, () => Buffer.alloc(64), { header: headers.ec }),
);
add('signature', 'the signature of another token of the same key', ({ access, refresh }) =>
  [...access.split('.').slice(0, 2), refresh.split('.')[2]].join('.'),
);
add('signature', "a signature by the attacker's own key", ({ access }) =>
  forge(access, signerOf('RS256', attackerKeys.rsa.privateKey)),
);

// One key in the place of another.
for (const [spelling, secret] of publicSpellings(victimKeys.rsa.publicKey)) {
  add('algorithm', `HS256 with the public RSA key as secret (${spelling})`, ({ access }) =>
    forge(access, signerOf('HS256', secret), { header: { alg: 'HS256' } }),
  );
  add('signature', `the kid of an HMAC key, signed with the public RSA key as secret (${spelling})`, ({ access }) =>
    forge(access, signerOf('HS256', secret), { header: headers.hmac }),
  );
}
add('signature', 'HS256 with an empty secret', ({ access }) =>
  forge(access, signerOf('HS256', ''), { header: headers.hmac }),
);
add('algorithm', 'RS256 under the kid of an HMAC key', ({ access }) =>
  forge(access, rightful.rsa, { header: { kid: 'hmac' } }),
);
for (const alg of ['HS384', 'HS512']) {
  add('algorithm', `${alg} with a secret that is for HS256`, ({ access }) =>
    forge(access, signerOf(alg, victimKeys.hmac), { header: { ...headers.hmac, alg } }),
  );
}
for (const alg of ['PS256', 'RS384', 'RS512', 'PS512']) {
  add('algorithm', `${alg} with a key that is for RS256`, ({ access }) =>
    forge(access, signerOf(alg, victimKeys.rsa.privateKey), { header: { alg } }),
  );
}
add('algorithm', 'RS256 with a key that is for PS256', ({ access }) =>
  forge(access, signerOf('RS256', victimKeys.pss.privateKey), { header: { ...headers.pss, alg: 'RS256' } }),
);
add('signature', 'a PSS signature under alg RS256', ({ access }) =>
  forge(access, signerOf('PS256', victimKeys.rsa.privateKey)),
);
add('signature', 'a PKCS #1 v1.5 signature under alg PS256', ({ access }) =>
  forge(access, signerOf('RS256', victimKeys.pss.privateKey), { header: headers.pss }),
);
add('signature', 'a SHA-512 signature under alg RS256', ({ access }) =>
  forge(access, signerOf('RS512', victimKeys.rsa.privateKey)),
);
add('algorithm', 'ES384 on its own curve under the kid of a P-256 key', ({ access }) =>
  forge(access, signerOf('ES384', attackerKeys.p384.privateKey), { header: { ...headers.ec, alg: 'ES384' } }),
);
for (const curve of ['p384', 'secp256k1'] as const) {
  add('signature', `ES256 by a key on the curve ${curve}`, ({ access }) =>
    forge(access, signerOf('ES256', attackerKeys[curve].privateKey), { header: headers.ec }),
  );
}
add('signature', 'an ECDSA signature in DER', ({ access }) =>
  forge(access, (input) => sign('sha256', Buffer.from(input), victimKeys.ec.privateKey), { header: headers.ec }),
);

// Headers that name a key of the attacker's: signed with it.
const attackerJwk = attackerKeys.rsa.publicKey.export({ format: 'jwk' });
const attackerSigns = signerOf('RS256', attackerKeys.rsa.privateKey);
const certificate = base64url(attackerKeys.rsa.publicKey.export({ format: 'der', type: 'spki' }));
const keyMembers: [string, (server: string) => unknown][] = [
  ['jwk', () => ({ ...attackerJwk, kid: 'rsa', alg: 'RS256', use: 'sig' })],
  ['jku', (server) => `${server}/jwks.json`],
  ['x5u', (server) => `${server}/chain.pem`],
  ['x5c', () => [certificate]],
  ['x5t', () => certificate.slice(0, 27)],
  ['x5t#S256', () => certificate.slice(0, 43)],
];
for (const [member, valueAt] of keyMembers) {
  add('header', `a header with ${member}, signed by the attacker`, ({ access, server }) =>
    forge(access, attackerSigns, { header: { [member]: valueAt(server) } }),
  );
  add('header', `a header with ${member} in place of the kid`, ({ access, server }) =>
    forge(access, attackerSigns, { header: { kid: undefined, [member]: valueAt(server) } }),
  );
}

// The kid.
const strangeKids = [
  '../../../../dev/null', '/dev/null', 'file:///dev/null', "rsa' OR '1'='1", "x' UNION SELECT 'secret' -- ", 'rsa\0', 'rsa\n',
  ' rsa', 'RSA', 'rsa|id', '', 'nobody', '__proto__', 'constructor', 'toString', 'http://127.0.0.1/', 'ｒsa', 'r\ud800sa', 'r'.repeat(1_500),
]; // prettier-ignore
for (const kid of strangeKids) {
  const title = `a kid of ${kid.length > 30 ? `${kid.length} characters` : JSON.stringify(kid)}`;
  addHeader('unknown_key', title, { kid });
  add('unknown_key', `${title}, signed with the empty secret`, ({ access }) =>
    forge(access, signerOf('HS256', ''), { header: { ...headers.hmac, kid } }),
  );
}
for (const kid of [undefined, null, 0, 1, true, {}, { rsa: 'rsa' }, ['rsa'], [], { toString: 'rsa' }]) {
  addHeader('header', `a kid that is ${JSON.stringify(kid) ?? 'missing'}`, { kid });
}

// Members that would change what a token means.
const meddling: Record<string, unknown>[] = [
  { crit: ['exp'] }, { crit: [] }, { crit: ['b64'], b64: false }, { b64: false }, { b64: true }, { zip: 'DEF' }, { cty: 'JWT' },
  { cty: 'at+jwt' }, { enc: 'A256GCM' }, { p2c: 1e9 }, { url: 'x' }, { nonce: 'x' }, { exp: 9e9 }, { constructor: 'x' },
]; // prettier-ignore
for (const members of meddling) addHeader('header', `a header with ${JSON.stringify(members)}`, members);
for (const typ of [
  undefined,
  null,
  1,
  ['at+jwt'],
  '',
  'JWT',
  'jwt',
  'rt+jwt',
  'AT+JWT',
  'application/at+jwt',
  'at+jwt ',
]) {
  addHeader('header', `a typ that is ${JSON.stringify(typ) ?? 'missing'}`, { typ });
}
for (const alg of [undefined, null, 256, true, ['RS256'], { RS256: true }]) {
  addHeader('header', `an alg that is ${JSON.stringify(alg) ?? 'missing'}`, { alg });
}
for (const alg of ['rs256', 'RS256 ', 'RSA', '', 'HS1', 'Ed448', 'ES256K', 'dir', 'RSA-OAEP']) {
  addHeader('algorithm', `the alg ${JSON.stringify(alg)}`, { alg });
}

// Header texts that no serializer writes.
addHeader('header', 'a header member __proto__', '{"alg":"RS256","kid":"rsa","typ":"at+jwt","__proto__":{"x":1}}');
addHeader(
  'header',
  'a header whose typ hides in __proto__',
  '{"alg":"RS256","kid":"rsa","__proto__":{"typ":"at+jwt"}}',
);
addHeader('header', 'a header that is all __proto__', '{"__proto__":{"alg":"RS256","kid":"rsa","typ":"at+jwt"}}');
addHeader('algorithm', 'the alg twice', '{"alg":"RS256","kid":"rsa","typ":"at+jwt","alg":"none"}');
addHeader('unknown_key', 'the kid twice', '{"alg":"RS256","kid":"rsa","typ":"at+jwt","kid":"nobody"}');
addHeader('header', 'the typ twice', '{"alg":"RS256","kid":"rsa","typ":"at+jwt","typ":"JWT"}');
add('signature', 'the alg none first and RS256 after it, unsigned but for a zero', ({ access }) =>
  forge(access, () => Buffer.alloc(1), { headerText: '{"alg":"none","kid":"rsa","typ":"at+jwt","alg":"RS256"}' }),
);
const oddTexts: [string, string | Buffer][] = [
  ['null', 'null'], ['true', 'true'], ['a number', '1'], ['a string', '"RS256"'], ['an empty array', '[]'], ['an array', '["RS256","rsa","at+jwt"]'],
  ['an empty object', '{}'], ['half an object', '{"alg":"RS256"'], ['blank', ' '], ['not JSON', 'alg=RS256'], ['invalid UTF-8', Buffer.from('ff', 'hex')],
  ['nested a thousand deep', `${'['.repeat(1_000)}${']'.repeat(1_000)}`],
]; // prettier-ignore
for (const [title, text] of oddTexts) addHeader('header', `a header that is ${title}`, text);
addHeader('header', 'a header behind a byte order mark', '\ufeff{"alg":"RS256","kid":"rsa","typ":"at+jwt"}');

// Spelling.
const respell = (token: string, index: number, change: (part: string) => string) =>
  token
    .split('.')
    .map((part, i) => (i === index ? change(part) : part))
    .join('.');
const padded = (part: string) => part + '='.repeat((4 - (part.length % 4)) % 4 || 4);
/** Another last character with the same meaning: the unused bits set. */
function nonCanonical(part: string): string {
  const bytes = Buffer.from(part, 'base64url');
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const twin = [...alphabet]
    .map((last) => part.slice(0, -1) + last)
    .find((other) => other !== part && Buffer.from(other, 'base64url').equals(bytes));
  if (twin === undefined) throw new Error('This part has no unused bits.');
  return twin;
}
// RS256's signature is 256 bytes long, which leaves four bits of its last character unused.
add('malformed', 'a signature in non-canonical base64url', ({ access }) => respell(access, 2, nonCanonical));
// Two bytes more than a multiple of three leave two bits unused.
const spacedHeader = '{"alg":"RS256","kid":"rsa","typ":"at+jwt"}  ';
add('malformed', 'a header in non-canonical base64url', ({ access }) =>
  respell(forge(access, rightful.rsa, { headerText: spacedHeader }), 0, nonCanonical),
);
for (const [index, name] of ['header', 'payload', 'signature'].entries()) {
  add('malformed', `a ${name} with padding`, ({ access }) => respell(access, index, padded));
  add('malformed', `a ${name} with a space in it`, ({ access }) =>
    respell(access, index, (part) => `${part.slice(0, 8)} ${part.slice(8)}`),
  );
  add('malformed', `a ${name} with a tab in it`, ({ access }) =>
    respell(access, index, (part) => `${part.slice(0, 8)}\t${part.slice(8)}`),
  );
  add('malformed', `a ${name} with a character of plain base64`, ({ access }) =>
    respell(access, index, (part) => `+${part.slice(1)}`),
  );
  add('malformed', `a ${name} with a character more than base64url can have`, ({ access }) =>
    respell(access, index, (part) => part.slice(0, part.length - (part.length % 4)) + 'A'),
  );
  add('malformed', `an empty ${name}`, ({ access }) => respell(access, index, () => ''));
}
add('malformed', 'a space and a tab before the token', ({ access }) => ` \t${access}`);
add('malformed', 'a tab before the token', ({ access }) => `\t${access}`);
add('malformed', 'a word after the token', ({ access }) => `${access} junk`);
add('malformed', 'two tokens', ({ access }) => `${access},${access}`);
add('malformed', 'a token in quotes', ({ access }) => `"${access}"`);
add('malformed', 'one part', ({ access }) => access.split('.')[1]!);
add('malformed', 'two parts', ({ access }) => access.split('.').slice(1).join('.'));
add('malformed', 'four parts', ({ access }) => `${access}.AAAA`);
add('malformed', 'five parts, as an encrypted token has', ({ access }) => `${access}.AAAA.AAAA`);
add('malformed', 'a dot before the token', ({ access }) => `.${access}`);
add('malformed', 'a dot after the token', ({ access }) => `${access}.`);
for (const text of ['.', '..', '...', 'a', 'null', 'undefined', '[object Object]', '%00', '{}', "' OR 1=1 --"]) {
  add('malformed', `the word ${text}`, () => text);
}
add('malformed', 'a rightly signed token of 5 KB', ({ access }) =>
  forge(access, rightful.rsa, { payload: { padding: 'x'.repeat(3_000) } }),
);
add('malformed', 'five thousand dots', () => '.'.repeat(5_000));
add('malformed', 'a token in the JSON serialization', ({ access }) => {
  const [header, payload, signature] = access.split('.');
  return JSON.stringify({ protected: header, payload, signature });
});

// Payloads, rightly signed.
const wrongTimes: [string, unknown][] = [
  ['missing', undefined], ['null', null], ['a string', '9999999999'], ['a fraction', 9_999_999_999.5], ['negative', -1], ['beyond the year 9999', 253_402_300_800],
  ['in milliseconds', 9_999_999_999_000], ['1e308', 1e308], ['true', true], ['an array', [9_999_999_999]], ['an object', {}],
]; // prettier-ignore
for (const member of ['exp', 'iat']) {
  for (const [title, value] of wrongTimes) addPayload('claims', `${member} ${title}`, { [member]: value });
}
const wrongGenerations = wrongTimes.filter(([, time]) => typeof time !== 'number' || time < 0 || time > 1e300);
for (const [title, value] of wrongGenerations) {
  addPayload('claims', `gen ${title}`, { gen: value });
}
addPayload('claims', 'gen a fraction', { gen: 0.5 });
addPayload('claims', 'gen beyond 32 bits', { gen: 2_147_483_648 });
add('claims', 'exp infinite', ({ access }) =>
  forge(access, rightful.rsa, {
    payloadText: JSON.stringify(decode(access).payload).replace(/"exp":\d+/, '"exp":1e999'),
  }),
);
addPayload('claims', 'nbf in the future', { nbf: 253_402_300_799 });
for (const nbf of ['0', null, -1, 0.5, 1e308, {}]) addPayload('claims', `nbf ${JSON.stringify(nbf)}`, { nbf });
addPayload('expired', 'exp in the past, rightly signed', { exp: 1_700_000_000 });
addPayload('expired', 'exp zero, rightly signed', { exp: 0 });

const odd: unknown[] = [undefined, null, 1, true, {}, ['x'], ''];
for (const member of ['sub', 'sid', 'jti', 'token_key']) {
  for (const value of odd) addPayload('claims', `${member} ${JSON.stringify(value) ?? 'missing'}`, { [member]: value });
}
for (const sub of ['a\0', 'a\ud800', 'a\n', 'a'.repeat(256)]) {
  addPayload('claims', `sub ${sub.length > 9 ? 'of 256 characters' : JSON.stringify(sub)}`, { sub });
}
const aSid = '0d9f9a0e-6c3f-4a3e-9a55-0f4a5d1f0c11';
for (const sid of [
  aSid.toUpperCase(),
  `${aSid} `,
  `{${aSid}}`,
  aSid.replaceAll('-', ''),
  `${aSid}\0`,
  "' OR 1=1 --",
  '%',
]) {
  addPayload('claims', `sid ${JSON.stringify(sid)}`, { sid });
}
addPayload('claims', 'jti of 129 characters', { jti: 'x'.repeat(129) });
const aKey = 'A'.repeat(43);
for (const key of [
  aKey.slice(1),
  `${aKey}A`,
  `${aKey}=`,
  `${aKey.slice(1)}B`,
  `${aKey.slice(1)}+`,
  `${aKey}\n`,
  '0'.repeat(64),
  'A'.repeat(2_000),
]) {
  addPayload('claims', `token_key ${key.length > 50 ? `of ${key.length} characters` : JSON.stringify(key)}`, {
    token_key: key,
  });
}
for (const [title, text] of oddTexts) addPayload('claims', `a payload that is ${title}`, text);
add('claims', 'a payload whose members hide in __proto__', ({ access }) =>
  forge(access, rightful.rsa, { payloadText: `{"__proto__":${JSON.stringify(decode(access).payload)}}` }),
);
add('claims', 'a payload whose sub hides in __proto__', ({ access }) => {
  const { sub, ...rest } = decode(access).payload;
  const text = `{"__proto__":${JSON.stringify({ sub })},${JSON.stringify(rest).slice(1)}`;
  return forge(access, rightful.rsa, { payloadText: text });
});
add('claims', 'a payload with the sub twice', ({ access }) =>
  forge(access, rightful.rsa, { payloadText: `${JSON.stringify(decode(access).payload).slice(0, -1)},"sub":null}` }),
);
addPayload('issuer', 'an issuer where none is configured', { iss: 'https://elsewhere.example' });
addPayload('audience', 'an audience where none is configured', { aud: 'elsewhere' });

// Tokens of another kind.
add('header', 'a refresh token', ({ refresh }) => refresh);
add('header', 'an access token dressed up as a refresh token', ({ access }) =>
  forge(access, rightful.rsa, { header: { typ: 'rt+jwt' } }),
);

/** Bad tokens of every known kind, for an application with {@link configuredKeys}. */
export const FORGERIES: readonly Forgery[] = forgeries;
