// Tokens that were good before somebody laid hands on them. Nobody here knows the key.

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const decode = (part) => Buffer.from(part, 'base64url');
const encode = (content) => Buffer.from(content).toString('base64url');
const onPart = (change) => (token, random, others) => {
  const parts = token.split('.');
  const at = random.int(3);
  parts[at] = change(parts[at], random, others);
  return parts.join('.');
};
const onClaims = (change) => (token, random) => {
  const [header, payload, signature] = token.split('.');
  const claims = JSON.parse(decode(payload));
  change(claims, random);
  return [header, encode(JSON.stringify(claims)), signature].join('.');
};
const onHeader = (change) => (token, random) => {
  const [header, ...rest] = token.split('.');
  return [encode(JSON.stringify({ ...JSON.parse(decode(header)), ...change(random) })), ...rest].join('.');
};

/** Changes of what a token says, and of its parts. */
const MEANING = {
  bitOfPart: onPart((part, random) => {
    const bytes = decode(part);
    bytes[random.int(bytes.length)] ^= 1 << random.int(8);
    return encode(bytes);
  }),
  character: onPart((part, random) => {
    const at = random.int(part.length);
    return part.slice(0, at) + random.pick(ALPHABET) + part.slice(at + 1);
  }),
  twin: onPart(nonCanonical),
  caseOfPart: onPart((part, random) => (random.chance(0.5) ? part.toUpperCase() : part.toLowerCase())),
  plainBase64: onPart((part) => decode(part).toString('base64')),
  padded: onPart((part) => part + '='.repeat((4 - (part.length % 4)) % 4 || 4)),
  hex: onPart((part) => decode(part).toString('hex')),
  twiceEncoded: onPart((part) => encode(part)),
  emptied: onPart(() => ''),
  partOfAnother: onPart((part, random, others) => random.pick(random.pick(others).split('.'))),
  shuffled: (token, random) => token.split('.').toSorted(() => random.next() - 0.5).join('.'),
  twoParts: (token) => token.split('.').slice(0, 2).join('.'),
  unsigned: (token) => `${token.split('.').slice(0, 2).join('.')}.`,
  jsonSerialization: (token) => {
    const [header, payload, signature] = token.split('.');
    return JSON.stringify({ protected: header, payload, signature });
  },
  otherAlgorithm: onHeader((random) => ({ alg: random.pick(['none', 'None', 'HS384', 'RS256', 'hs256', '', 'ES256', null]) })),
  otherType: onHeader((random) => ({ typ: random.pick(['at+jwt', 'rt+jwt', 'JWT', '', null, 'AT+JWT']) })),
  otherKid: onHeader((random) => ({ kid: random.pick(['', 'x', '../../dev/null', '__proto__', null, 1, {}, 'default\0']) })),
  moreHeader: onHeader((random) => ({
    [random.pick(['crit', 'b64', 'jku', 'jwk', 'zip', 'x5c', '__proto__'])]: random.pick([[], {}, false, 'x']),
  })),
  later: onClaims((claims, random) => void (claims.exp += 1 + random.int(1e9))),
  otherClaim: onClaims((claims, random) => {
    const name = random.pick(Object.keys(claims));
    const values = [null, '', 0, -1, 'id-admin', [], {}, true, 1e308, `${claims[name]} `, [claims[name]], undefined];
    claims[name] = random.pick(values);
  }),
  reordered: onClaims((claims) => {
    const { sub } = claims;
    delete claims.sub;
    claims.sub = sub;
  }),
}; // prettier-ignore

const STRAY = [' ', '\t', '=', '\0', '\xff', '%', '+', ',', '"', '\v', '.', 'A'];

/** Changes of how a token is spelt: of any text. */
const SPELLING = {
  inserted: (token, random) => {
    const at = random.int(token.length);
    return token.slice(0, at) + random.pick(STRAY) + token.slice(at);
  },
  deleted: (token, random) => {
    const at = random.int(token.length);
    return token.slice(0, at) + token.slice(at + 1);
  },
  appended: (token, random) => token + random.pick(['.', '.AAAA', 'A', '=', ' junk', ',', '\xa0', '..', '%20', '\f']),
  prepended: (token, random) => random.pick([' ', '.', 'A', '\t', 'Bearer ', '\xa0', '"', '%', '\ufeff']) + token,
  truncated: (token, random) => token.slice(0, random.int(token.length)),
  beheaded: (token, random) => token.slice(1 + random.int(token.length)),
  doubled: (token, random) => token + random.pick(['', '.', ',', ' ']) + token,
  percent: (token) => token.replaceAll('.', '%2E'),
  quoted: (token) => `"${token}"`,
  huge: (token, random) => token + 'A'.repeat(random.int(14_000)),
};

const CHANGES = [...Object.values(MEANING), ...Object.values(SPELLING)];

/** A live token changed, so that it is no live token any more. `others`: further live tokens, for parts of them. */
export function mutated(random, token, others) {
  const live = new Set([token, ...others]);
  for (;;) {
    let changed = random.pick(CHANGES)(token, random, others);
    if (random.chance(0.2)) changed = random.pick(Object.values(SPELLING))(changed, random);
    // Spaces after the scheme, and what HTTP strips from the end of a header, are no mutation.
    if (!live.has(changed.replace(/^ +|[ \t]+$/g, ''))) return changed;
  }
}

/** Something in a token's place that never was one. */
export function garbage(random) {
  const part = () => encode(random.bytes(random.int(60)));
  return random.pick([
    () => random.bytes(random.int(300)).toString('latin1').replace(/[\r\n]/g, '.'),
    () => `${part()}.${part()}.${part()}`,
    () => [{ alg: 'HS256', kid: 'default', typ: 'at+jwt' }, { sub: 'id-admin' }].map((one) => encode(JSON.stringify(one))).join('.') + `.${part()}`,
    () => random.pick(['', '.', '..', '...', 'null', 'undefined', '[object Object]', "' OR 1=1 --", '.'.repeat(5_000), 'e30.e30.e30']),
    () => `${encode('['.repeat(1_000))}.${encode('['.repeat(1_000))}.AAAA`,
  ])(); // prettier-ignore
}

/** Another last character with the same meaning: the unused bits set. */
function nonCanonical(part) {
  const bytes = decode(part);
  const twin = [...ALPHABET]
    .map((last) => part.slice(0, -1) + last)
    .find((other) => other !== part && decode(other).equals(bytes));
  return twin ?? `${part}A`;
}
