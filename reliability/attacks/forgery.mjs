// Tokens as somebody forges them who holds the signing key, and two sessions of their own.
import { createHash, createHmac, generateKeyPairSync, randomBytes, randomUUID, sign as signWith } from 'node:crypto';
import { Random } from './random.mjs';

const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });
const YEAR = 365 * 86_400;
const randomKey = () => randomBytes(32).toString('base64url');
const encode = (content) => Buffer.from(content).toString('base64url');

export function decode(token) {
  const [header, payload] = token.split('.', 2).map((part) => JSON.parse(Buffer.from(part, 'base64url')));
  return { header, payload };
}

/** The signature that fits `alg`, as far as a secret and a key pair of the forger's own can make it. */
function signatureOf(input, alg, secret) {
  if (alg === 'HS384' || alg === 'HS512')
    return createHmac(`sha${alg.slice(2)}`, secret)
      .update(input)
      .digest();
  if (alg === 'RS256') return signWith('sha256', Buffer.from(input), RSA.privateKey);
  if (/^none$/i.test(String(alg))) return Buffer.alloc(0);
  return createHmac('sha256', secret).update(input).digest();
}

/** The token changed and signed anew. A member that is undefined goes. */
export function forged(token, secret, { header = {}, payload = {} } = {}) {
  const original = decode(token);
  const heading = { ...original.header, ...header };
  const input = [heading, { ...original.payload, ...payload }].map((part) => encode(JSON.stringify(part))).join('.');
  return `${input}.${encode(signatureOf(input, heading.alg, secret))}`;
}

/** Names a changed claim: one list a claim. Each change is a function of the booty and of the claims it starts from. */
const CLAIMS = {
  sub: [
    (b) => b.victim.sub, (b) => b.admin.sub, (b) => b.victim.sub.toUpperCase(), (_, c) => `${c.sub} `, (_, c) => c.sub.toUpperCase(),
    (_, c) => [c.sub], (b, c) => [b.victim.sub, c.sub], () => '', () => null, () => 0, () => ({}), () => undefined, (b) => `${b.admin.sub}\0`,
    (b) => `${b.victim.sub} `,
  ],
  sid: [
    (b) => b.victim.sid, (b) => b.admin.sid, (b) => b.other.sid, (b) => b.expired.sid, (b) => b.ended.sid, () => randomUUID(),
    (_, c) => c.sid.toUpperCase(), (_, c) => `${c.sid} `, (_, c) => [c.sid], (_, c) => `{${c.sid}}`, (b, c) => [b.victim.sid, c.sid], () => '%',
    () => null, () => 1, () => ({}), () => undefined, (b) => b.victim.sid.toUpperCase(),
  ],
  token_key: [
    randomKey, (b) => b.other.accessKey, (b) => b.other.refreshKey, (b) => b.mine.accessKey, (b) => b.mine.refreshKey, (b) => b.mine.sessionKey,
    (_, c) => encode(createHash('sha256').update(Buffer.from(c.token_key, 'base64url')).digest()), (_, c) => `${c.token_key}=`,
    (_, c) => Buffer.from(c.token_key, 'base64url').toString('hex'), (_, c) => [c.token_key], (_, c) => c.token_key.slice(0, 42),
    () => '', () => null, () => true, () => ({ matches: true }), () => undefined, () => encode(Buffer.alloc(32)),
  ],
  session_key: [
    randomKey, (b) => b.other.sessionKey, (b) => b.mine.sessionKey, (b) => b.mine.accessKey, (b) => b.mine.refreshKey, () => null, () => '',
    () => undefined, () => encode(Buffer.alloc(32)),
  ],
  gen: [() => 1, () => 0, () => -1, () => 7, () => 2_147_483_647, () => 2_147_483_648, () => 0.5, () => '0', () => null, () => undefined, () => [0]],
  exp: [
    (_, c) => c.exp + 3_600, (_, c) => c.exp + YEAR, () => 253_402_300_799, () => 253_402_300_800, () => 1e308, () => '9999999999', () => null,
    () => undefined, () => 0, (_, c) => c.iat - 1, () => [9_999_999_999],
  ],
  iat: [() => 0, (_, c) => c.iat + YEAR, () => undefined, () => 'now', () => -1],
  nbf: [() => 0, (_, c) => c.iat + YEAR, () => 'x', () => null],
  jti: [(b) => b.victim.jti, () => '', () => undefined, () => 1, () => 'x'.repeat(128)],
  iss: [() => 'https://somebody.example', () => null, () => ['x']],
  aud: [() => 'somebody', () => ['somebody'], () => null, () => []],
}; // prettier-ignore

/** Rights and names that a claim might give, if anybody believed it. */
const CUSTOM = [
  () => ({ isAdmin: true }), () => ({ admin: true, role: 'admin', roles: ['admin'] }), () => ({ scope: 'admin', scp: ['admin'] }),
  (b) => ({ userId: b.victim.sub, user_id: b.victim.sub, id: b.victim.sub }), (b) => ({ user: { id: b.admin.sub, username: 'admin' } }),
  () => ({ username: 'admin', preferred_username: 'admin' }), (b) => ({ act: { sub: b.admin.sub }, may_act: { sub: b.admin.sub } }),
  () => ({ cnf: { jkt: 'x' } }), () => ({ client_id: 'x' }), () => ({ acr: '3', amr: ['pwd'], auth_time: 1 }), () => ({ typ: 'rt+jwt' }),
  (b) => ({ session: { id: b.victim.sid, userId: b.victim.sub } }), (b) => ({ sessionId: b.victim.sid, session_id: b.victim.sid }),
  () => JSON.parse('{"__proto__":{"isAdmin":true}}'), () => ({ constructor: { isAdmin: true } }), () => ({ groups: ['admin'], realm: 'admin' }),
  () => ({ expiresAt: 9e15, generation: 0, authenticatedAt: 9e15 }),
]; // prettier-ignore

const HEADERS = [
  ...['at+jwt', 'rt+jwt', 'JWT', 'jwt', 'AT+JWT', 'application/at+jwt', 'dpop+jwt', 'secevent+jwt', '', null, undefined, ['at+jwt']].map((typ) => ({ typ })),
  ...['HS384', 'HS512', 'RS256', 'none', 'None', 'nOnE', 'hs256', '', null, undefined, ['HS256'], 'ES256', 'dir'].map((alg) => ({ alg })),
  ...['', 'x', 'DEFAULT', 'default ', '../default', '/dev/null', '__proto__', 'constructor', null, undefined, 0, ['default']].map((kid) => ({ kid })),
  { jwk: RSA.publicKey.export({ format: 'jwk' }), alg: 'RS256' }, { jku: 'http://127.0.0.1:1/jwks.json' }, { x5u: 'http://127.0.0.1:1/x.pem' },
  { x5c: ['AAAA'] }, { crit: ['exp'] }, { crit: [] }, { b64: false }, { zip: 'DEF' }, { cty: 'JWT' }, { exp: 9e9 }, { enc: 'A256GCM' },
]; // prettier-ignore

const BASES = ['mine', 'expired', 'ended'].flatMap((whose) => ['access', 'refresh'].map((type) => ({ whose, type })));

/** One change of each claim and header member. */
function singleChanges() {
  const claims = Object.entries(CLAIMS).flatMap(([name, values]) =>
    values.map((value, i) => ({ title: `${name} ${i}`, payload: (b, c) => ({ [name]: value(b, c) }) })),
  );
  const custom = CUSTOM.map((payload, i) => ({ title: `custom ${i}`, payload }));
  const headers = HEADERS.map((header) => ({ title: JSON.stringify(header) ?? 'header', header }));
  return [{ title: 'nothing' }, ...claims, ...custom, ...headers];
}

/**
 * `count` forgeries, the same ones for the same seed: every single change of an access and of a refresh token, of a live
 * session, an expired one and one that was ended, then changes combined. Each is `{ title, make(booty) }`.
 */
export function forgeries(count, seed) {
  const singles = singleChanges();
  const plans = BASES.flatMap((base) => singles.map((change) => ({ base, changes: [change] })));
  const random = new Random(seed);
  while (plans.length < count) {
    const changes = Array.from({ length: 2 + random.int(3) }, () => random.pick(singles));
    plans.push({ base: random.pick(BASES), changes });
  }
  // What one change of a token of a live session may gain is tried however few are asked for.
  const [live, rest] = [plans.slice(0, 2 * singles.length), plans.slice(2 * singles.length)];
  const wanted = Math.max(0, count - live.length);
  const chosen = [...live, ...Array.from({ length: wanted }, (_, i) => rest[Math.floor((i * rest.length) / wanted)])];
  return chosen.map(({ base: { whose, type }, changes }) => ({
    title: `${whose} ${type} token, changed: ${changes.map((change) => change.title).join(', ')}`,
    make: (booty) => {
      const token = booty[whose][type];
      const { payload: claims } = decode(token);
      const all = changes.map(({ header, payload }) => ({ header, payload: payload?.(booty, claims) }));
      const merged = (part) => Object.assign({}, ...all.map((change) => change[part]));
      return forged(token, booty.secret, { header: merged('header'), payload: merged('payload') });
    },
  }));
}
