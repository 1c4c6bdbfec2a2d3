import { attackerKeys, base64url, forge, signerOf, headers } from '../forge';
import { add, addHeader, oddTexts } from './corpus';

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
for (const [title, text] of oddTexts) addHeader('header', `a header that is ${title}`, text);
addHeader('header', 'a header behind a byte order mark', '\ufeff{"alg":"RS256","kid":"rsa","typ":"at+jwt"}');
