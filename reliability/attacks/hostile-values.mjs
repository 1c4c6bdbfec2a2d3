// Text, JSON and bodies as nobody means them. Everything is drawn from a Random.

const WORDS = [
  '', ' ', '\0', 'a\0b', '\r\n', '\t', '\u0085', '\u2028', '\ufeff', '\u202e', '\u2066', 'é', 'é', 'ａｄｍｉｎ', '😀', '\u{10ffff}', 'null',
  'undefined', 'NaN', 'true', '0', '-1', '1e308', '[object Object]', '__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty',
  "' OR '1'='1", "'; DROP TABLE jwt_knox_sessions; --", '") UNION SELECT 1 --', '${7*7}', '{{7*7}}', '%s%n%x', '%00', '../../etc/passwd',
  '<script>alert(1)</script>', 'id-user0', 'id-admin', 'admin', 'user0', 'USER0', 'user0 ', '*', '%', '_', '\\', '\\u0000', '\x7f', '\xff',
]; // prettier-ignore

const NUMBERS = [
  '0', '-0', '1', '-1', '0.1', '1e308', '-1e308', '1e999', '5e-324', '2147483647', '2147483648', '4294967296', '9007199254740991',
  '9007199254740993', '9223372036854775807', '9223372036854775808', '-9223372036854775809', '253402300799', '253402300800', '8640000000000001',
  `1${'0'.repeat(400)}`,
]; // prettier-ignore

const LONE_SURROGATES = ['\\ud800', '\\udfff', 'x\\udc00y', '\\ud800\\ud800', '\\udc00\\ud800'];
const NAMES = [
  'username', 'password', 'device_name', 'refresh_token', 'access_token', 'token', '__proto__', 'constructor', 'toString', 'toJSON', 'then', 'length',
  'limit', 'isAdmin', '', '0', '$ne', 'a.b', 'a[b]',
]; // prettier-ignore

/** Any text that UTF-16 can hold but lone surrogates. */
export function text(random) {
  if (random.chance(0.6)) return random.pick(WORDS);
  if (random.chance(0.1)) return random.pick(WORDS.filter((word) => word !== '')).repeat(1 + random.int(900));
  const points = Array.from({ length: random.int(24) }, () => random.int(random.pick([0x80, 0x100, 0xd800, 0x10000])));
  return String.fromCodePoint(...points.map((point) => (point >= 0xd800 && point < 0xe000 ? 0xfffd : point)));
}

/** JSON text of one value: also what `JSON.stringify` does not write. */
export function json(random, depth = 3) {
  const kind = random.int(depth > 0 ? 10 : 7);
  if (kind < 2) return JSON.stringify(text(random));
  if (kind === 2) return `"${random.pick(LONE_SURROGATES)}"`;
  if (kind < 5) return random.pick(NUMBERS);
  if (kind === 5) return random.pick(['null', 'true', 'false', '[]', '{}', '""']);
  if (kind === 6) return deep(random);
  if (kind === 7) return `[${Array.from({ length: random.int(6) }, () => json(random, depth - 1)).join()}]`;
  return object(
    random,
    Array.from({ length: random.int(6) }, () => [random.pick(NAMES), json(random, depth - 1)]),
  );
}

function deep(random) {
  const depth = random.pick([10, 100, 1_000, 10_000, 40_000]);
  return random.chance(0.5)
    ? `${'['.repeat(depth)}${']'.repeat(depth)}`
    : `${'{"a":'.repeat(Math.min(depth, 15_000))}1${'}'.repeat(Math.min(depth, 15_000))}`;
}

/** JSON text of an object from names and JSON texts; members may stand twice. */
function object(random, members) {
  return `{${members.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join()}}`;
}

/** The JSON of a body whose rightful members are given, with strange company. */
export function bodyWith(random, members) {
  const rightful = Object.entries(members).map(([name, value]) => [name, JSON.stringify(value)]);
  const others = Array.from({ length: random.int(5) }, () => [random.pick(NAMES), json(random)]);
  // The rightful ones last: of members that stand twice, the last counts.
  return object(random, [...others.filter(([name]) => !Object.hasOwn(members, name)), ...rightful]);
}

/** A body that carries no credential that counts, of a form that may be anything. */
export function hostileBody(random, names) {
  switch (random.int(10)) {
    case 0:
      return random.bytes(random.int(200));
    case 1:
      return Buffer.from(json(random));
    case 2:
      return broken(random, Buffer.from(bodyWith(random, { [random.pick(names)]: text(random) })));
    case 3:
      return Buffer.from(
        random
          .pick(['x', ' ', '[', '{"a":', '"'])
          .repeat(random.chance(0.04) ? 1_300_000 / 5 : random.int(random.pick([100, 10_000, 60_000]))),
      );
    case 4:
      return Buffer.from(`${random.pick(['\ufeff', '\u2028', '//', 'while(1);'])}${json(random)}`);
    case 5:
      return Buffer.from(json(random), random.pick(['utf16le', 'latin1']));
    default:
      return Buffer.from(
        object(random, [
          ...names.map((name) => [name, json(random)]),
          ...(random.chance(0.3) ? [['__proto__', object(random, [[random.pick(names), json(random)]])]] : []),
        ]),
      );
  }
}

/** Bytes with a few of them changed, taken away or put in. */
export function broken(random, bytes) {
  let changed = Buffer.from(bytes);
  for (let i = 0; i <= random.int(3) && changed.length > 0; i++) {
    const at = random.int(changed.length);
    const kind = random.int(4);
    if (kind === 0) changed[at] ^= 1 << random.int(8);
    if (kind === 1) changed = changed.subarray(0, at);
    if (kind === 2) changed = Buffer.concat([changed.subarray(0, at), random.bytes(1), changed.subarray(at)]);
    if (kind === 3) changed = Buffer.concat([changed.subarray(0, at), changed.subarray(at + 1)]);
  }
  return changed;
}

export const CONTENT_TYPES = [
  'application/json', 'application/json', 'application/json', 'application/json; charset=utf-8', 'application/json; charset=utf-16',
  'application/json; charset=x-nothing', 'application/json;charset="', 'application/vnd.api+json', 'application/jsonx', 'APPLICATION/JSON', 'text/json',
  'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'multipart/form-data; boundary=x', 'application/octet-stream', '', '/', ';',
  'application/json, text/plain', 'application/json\t', '\xff/\xff', 'application/xml',
]; // prettier-ignore

/** A query string of the members given and of any others, some of them twice. */
export function query(random, names) {
  const member = () => {
    const name =
      random.pick([...names, ...NAMES]) + random.pick(['', '', '', '[]', '[0]', '[__proto__]', '[a][b]', '%00']);
    return `${name}=${random.chance(0.3) ? random.pick(PERCENT) : encoded(text(random))}`;
  };
  const members = Array.from({ length: 1 + random.int(4) }, member);
  if (random.chance(0.3)) members.push(members[0]);
  if (random.chance(0.02)) members.push(...Array.from({ length: 1_500 }, () => 'a=1'));
  return `?${members.join('&')}`;
}

const PERCENT = [
  '%',
  '%0',
  '%zz',
  '%00',
  '%ff',
  '%ED%A0%80',
  '%C0%80',
  '%25',
  '%2525',
  '%F0%9F%98%80',
  '%e2%80%ae',
  '+',
  '%0d%0aX: 1',
];

/** One segment of a path. */
export function segment(random) {
  const kind = random.int(4);
  if (kind === 0) return random.pick(PERCENT);
  if (kind === 1) return encoded(text(random).slice(0, 300)) || '%20';
  if (kind === 2)
    return random.pick(['..', '.', '..%2f..', '%2e%2e', ';a=b', '//', '*', ':id', 'a'.repeat(random.int(15_000))]);
  return '00000000-0000-4000-8000-000000000000'.replace(/0/g, (zero) =>
    random.chance(0.2) ? random.int(16).toString(16) : zero,
  );
}

function encoded(word) {
  return encodeURIComponent(word.toWellFormed ? word.toWellFormed() : word);
}
