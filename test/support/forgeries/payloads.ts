import { decode, forge, rightful } from '../forge';
import { add, addPayload, oddTexts } from './corpus';

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
