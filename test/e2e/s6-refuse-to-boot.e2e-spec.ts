import { generateKeyPairSync, KeyObject, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { type DynamicModule, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { describe, expect, it } from 'vitest';
import { JwtKnoxConfigurationError, type JwtKnoxExtras, JwtKnoxModule, type JwtKnoxOptions } from '../../lib';
import { jwtKnoxMigrations } from '../../lib/typeorm/migrations';
import { rocaPrime, rsaOf } from '../support/weak-keys';
import { notingLogger } from '../support/noting-logger';

const SOUND = randomBytes(32);
const pem = (key: KeyObject) =>
  key.export({ format: 'pem', type: key.type === 'private' ? 'pkcs8' : 'spki' }) as string;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const smallRsa = generateKeyPairSync('rsa', { modulusLength: 1024 });
const p256 = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const p384 = generateKeyPairSync('ec', { namedCurve: 'secp384r1' });
const p521 = generateKeyPairSync('ec', { namedCurve: 'secp521r1' });
const secp256k1 = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
const ed25519 = generateKeyPairSync('ed25519');

type Loose<T> = { [K in keyof T]?: any } & Record<string, any>;

interface Mistake {
  title: string;
  options: Loose<JwtKnoxOptions>;
  /** What is wrong, then what to do about it: one pair for each problem of the message. */
  problems: [RegExp, RegExp][];
}

const mistakes: Mistake[] = [];
const mistake = (title: string, options: Loose<JwtKnoxOptions>, ...problems: [RegExp, RegExp][]) =>
  void mistakes.push({ title, options, problems });

// Keys.
const NEST_DOCUMENTATION =
  'DO NOT USE THIS VALUE. INSTEAD, CREATE A COMPLEX SECRET AND KEEP IT SAFE OUTSIDE OF THE SOURCE CODE.';
const RANDOM = /openssl rand/;
mistake('no secret and no keys', {}, [/secret: missing or empty/, RANDOM]);
mistake('an empty secret', { secret: '' }, [/secret: missing or empty/, RANDOM]);
mistake('a secret from an unset environment variable', { secret: undefined }, [/secret: missing or empty/, RANDOM]);
mistake('an empty list of keys', { keys: [] }, [/keys: must be a list of at least one/, /kid, algorithm/]);
mistake('a secret and keys', { secret: SOUND, keys: [{ kid: 'a', algorithm: 'HS256', secret: randomBytes(32) }] }, [
  /secret, keys/,
  /set one of the two/,
]);
for (const [algorithm, least] of [
  ['HS256', 32],
  ['HS384', 48],
  ['HS512', 64],
] as const) {
  for (const short of [least - 1, Math.ceil(least / 2), 8]) {
    mistake(
      `${algorithm} with a secret of ${short} bytes`,
      { keys: [{ kid: 'a', algorithm, secret: randomBytes(short) }] },
      [new RegExp(`key 'a': the secret has ${short} bytes and ${algorithm} needs ${least}`), RANDOM],
    );
  }
  mistake(`${algorithm} with an empty secret`, { keys: [{ kid: 'a', algorithm, secret: '' }] }, [/secret/, RANDOM]);
}
mistake('a secret of 31 letters', { secret: 'Kq7xPz2mWv9tRb4nYc6hJd8sLf3gXa5' }, [
  /has 31 bytes and HS256 needs 32/,
  RANDOM,
]);
for (const secret of [
  'secret',
  'changeme',
  'password',
  'your-256-bit-secret',
  'jwt_secret',
  'default',
  'example',
  'test',
]) {
  mistake(`the placeholder ${secret}`, { secret }, [/is published or a well-known placeholder/, RANDOM]);
}
for (const [title, secret] of [
  ['of jwt.io', 'a-string-secret-at-least-256-bits-long'],
  ['of a template', 'your-super-secret-key-goes-here-1234567890'],
  ['with a warning in it', 'DO_NOT_USE_THIS_VALUE_INSTEAD_CREATE_A_MORE_COMPLEX_SECRET'.slice(0, 10)],
  ["of NestJS's documentation", NEST_DOCUMENTATION],
  ["of FastAPI's tutorial", '09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7'],
  ["of Supabase's template", 'super-secret-jwt-token-with-at-least-32-characters-long'],
  ["of Mercure's template", '!ChangeThisMercureHubJWTSecretKey!'],
  ['to be replaced', 'REPLACE THIS WITH YOUR OWN RANDOM STRING'],
  ['to be replaced, in another spelling', 'replace_this-with.your__own'],
  ['of words alone', 'my-application-signing-password-string'],
  ['of keyboard rows', 'qwertyuiopasdfghjklzxcvbnm1234567890'],
  ['repeated until it is long', 'secret'.repeat(8)],
] as const) {
  mistake(`a placeholder ${title}`, { secret }, [/is published or a well-known placeholder/, RANDOM]);
}
for (const [title, secret] of [
  ['of one letter, over and over', 'x'.repeat(64)],
  ['of zeros', Buffer.alloc(64)],
  ['of spaces', ' '.repeat(64)],
  ['that repeats a name', 'acmecorp'.repeat(4)],
  ['that repeats a name, in part', 'Acme-Corp.Acme-Corp.Acme-Corp.Acme'],
  ['that goes up', 'aabbccddeeffgghhiijjkkllmmnnoopp'],
] as const) {
  mistake(`a secret ${title}`, { secret }, [
    /can be guessed: it is made of words, keyboard rows or repetitions/,
    RANDOM,
  ]);
}
for (const algorithm of ['RS256', 'RS512', 'PS256', 'PS384']) {
  for (const half of ['privateKey', 'publicKey'] as const) {
    mistake(
      `${algorithm} with an RSA ${half} of 1024 bits`,
      { keys: [{ kid: 'a', algorithm, [half]: pem(smallRsa[half]) }] },
      [/key 'a': the RSA key has 1024 bits/, /needs 2048 or more/],
    );
  }
}
const NEW_RSA_KEY = /openssl genpkey -algorithm RSA/;
const rsaWithThree = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 });
const roca = rsaOf(rocaPrime(), rocaPrime());
for (const half of ['privateKey', 'publicKey'] as const) {
  mistake(
    `an RSA ${half} with three as public exponent`,
    { keys: [{ kid: 'a', algorithm: 'RS256', [half]: pem(rsaWithThree[half]) }] },
    [/key 'a': the RSA key's public exponent is 3/, NEW_RSA_KEY],
  );
}
for (const algorithm of ['RS256', 'PS512']) {
  mistake(
    `${algorithm} with a key of a broken generator (ROCA)`,
    { keys: [{ kid: 'a', algorithm, privateKey: pem(roca) }] },
    [/key 'a': the RSA key was made by a broken generator/, NEW_RSA_KEY],
  );
}
for (const [algorithm, pair, curve] of [
  ['ES256', p384, 'prime256v1'],
  ['ES256', secp256k1, 'prime256v1'],
  ['ES384', p256, 'secp384r1'],
  ['ES384', p521, 'secp384r1'],
  ['ES512', p256, 'secp521r1'],
  ['ES256', rsa, 'prime256v1'],
  ['ES256', ed25519, 'prime256v1'],
] as const) {
  // prettier-ignore
  const kind = pair.privateKey.asymmetricKeyDetails?.namedCurve ?? pair.privateKey.asymmetricKeyType;
  mistake(`${algorithm} with a key of ${kind}`, { keys: [{ kid: 'a', algorithm, privateKey: pem(pair.privateKey) }] }, [
    /key 'a'/,
    new RegExp(`${algorithm} needs an EC key on the curve ${curve}`),
  ]);
}
for (const algorithm of ['RS256', 'PS256']) {
  mistake(`${algorithm} with an EC key`, { keys: [{ kid: 'a', algorithm, privateKey: pem(p256.privateKey) }] }, [
    /key 'a'/,
    new RegExp(`${algorithm} needs an RSA key`),
  ]);
}
mistake(
  'one kid for two keys',
  { keys: [SOUND, randomBytes(32)].map((secret) => ({ kid: 'twin', algorithm: 'HS256', secret })) },
  [/duplicate kid 'twin'/, /use a unique kid for each key/],
);
const oneKeyTwice: [string, object, object][] = [
  ['HS256 and HS512', { algorithm: 'HS256', secret: randomBytes(64) }, { algorithm: 'HS512' }],
  ['RS256 and PS256', { algorithm: 'RS256', privateKey: pem(rsa.privateKey) }, { algorithm: 'PS256' }],
  ['HS256 and HS256 again', { algorithm: 'HS256', secret: SOUND }, {}],
]; // prettier-ignore
for (const [title, key, change] of oneKeyTwice) {
  mistake(
    `one key under ${title}`,
    {
      keys: [
        { kid: 'a', ...key },
        { kid: 'b', ...key, ...change },
      ],
    },
    [/'a' and 'b' are the same key/, /use a key for one algorithm and one kid only/],
  );
}
mistake(
  'a private key and its own public key under another algorithm',
  {
    keys: [
      { kid: 'a', algorithm: 'RS256', privateKey: pem(rsa.privateKey) },
      { kid: 'b', algorithm: 'PS256', publicKey: pem(rsa.publicKey) },
    ],
  },
  [/'a' and 'b' are the same key/, /one algorithm and one kid only/],
);
const derOf = ({ publicKey }: { publicKey: KeyObject }) => publicKey.export({ format: 'der', type: 'spki' });
for (const [title, secret] of [
  ['as PEM', pem(rsa.publicKey)],
  ['as DER', rsa.publicKey.export({ format: 'der', type: 'spki' })],
  ['as PKCS #1 DER', rsa.publicKey.export({ format: 'der', type: 'pkcs1' })],
  ['as base64, as a PEM without its first and last line', derOf(rsa).toString('base64')],
  ['of Ed25519 as base64 in lines', `${derOf(ed25519).toString('base64').replace('V', 'V\n')}\n`],
  ['of Ed25519 as base64url', derOf(ed25519).toString('base64url')],
  ['of Ed25519 as hex', derOf(ed25519).toString('hex')],
  ['of Ed25519 as a line of OpenSSH', `ssh-ed25519 ${derOf(ed25519).toString('base64')} me@example.com`],
  ['of ECDSA as a line of OpenSSH', `ecdsa-sha2-nistp256 ${derOf(ed25519).toString('base64')}`],
] as const) {
  mistake(`a public key as HMAC secret, ${title}`, { secret }, [
    /is an asymmetric key/,
    /set it as privateKey or publicKey/,
  ]);
}
mistake('a private key as HMAC secret', { secret: pem(rsa.privateKey) }, [
  /is an asymmetric key/,
  /set it as privateKey/,
]);
mistake(
  'a PEM whose line breaks got lost',
  { keys: [{ kid: 'a', algorithm: 'RS256', privateKey: pem(rsa.privateKey).replaceAll('\n', '\\n') }] },
  [/the privateKey cannot be read/, /set PEM text \(with its line breaks\)/],
);
for (const algorithm of ['none', 'HS1', 'Ed448', 'hs256', '', undefined]) {
  mistake(`the algorithm ${algorithm}`, { keys: [{ kid: 'a', algorithm, secret: SOUND }] }, [
    /key 'a': algorithm/,
    /algorithm must be one of HS256, /,
  ]);
}
for (const kid of ['', '../a', 'a b', 'x'.repeat(65), undefined, 7.5]) {
  mistake(`the kid ${JSON.stringify(kid)}`, { keys: [{ kid, algorithm: 'HS256', secret: SOUND }] }, [
    /kid must be/,
    /1 to 64 letters/,
  ]);
}
mistake('only keys that cannot sign', { keys: [{ kid: 'a', algorithm: 'RS256', publicKey: pem(rsa.publicKey) }] }, [
  /none can sign/,
  /set secret or privateKey of one key/,
]);

// Node's own key carries the one hash that it may sign with.
const pssSha512 = generateKeyPairSync('rsa-pss', {
  modulusLength: 2048,
  hashAlgorithm: 'sha512',
  mgf1HashAlgorithm: 'sha512',
});
for (const [title, { privateKey }] of [
  ['is for SHA-512 only', pssSha512],
  ['leaves the hash open', generateKeyPairSync('rsa-pss', { modulusLength: 2048 })],
] as const) {
  mistake(`PS256 with a key that ${title}`, { keys: [{ kid: 'a', algorithm: 'PS256', privateKey }] }, [
    /key 'a': the RSA-PSS key is not bound to the parameters of PS256/,
    /make a plain RSA key/,
  ]);
}

mistake('public keys to show, and only secrets', { secret: SOUND, routes: { jwks: true } }, [
  /routes\.jwks: no key is asymmetric/,
  /add an RS, PS, ES or Ed25519 key/,
]);

// Clients of introspection and revocation.
const CLIENT = 'Kq7xPz2mWv9tRb4nYc6hJd8s';
const OAUTH = { secret: SOUND, issuer: 'https://auth.example.com', routes: { oauth: true } };
const client = (title: string, clients: unknown, ...problems: [RegExp, RegExp][]) =>
  mistake(title, { ...OAUTH, clients }, ...problems);
const FORM_OF_ID: [RegExp, RegExp] = [/clients: an id must be/, /1 to 128 printable ASCII/];
client('introspection and no clients', undefined, [/routes\.oauth: needs clients/, /set at least one/]);
client('introspection and an empty list of clients', [], [/routes\.oauth: needs clients/, /set at least one/]);
client('clients that are no list', { id: 'a', secret: CLIENT }, [/clients: must be a list/, /secretHash/]);
for (const id of [undefined, '', 'a:b', 'a b', '50%', 'a+b', 'ä', 'a\n', 'x'.repeat(129), null, ['a', 'b']]) {
  client(`the client id ${JSON.stringify(id)}`, [{ id, secret: CLIENT }], FORM_OF_ID);
}
for (const none of [null, 'a', 7]) client(`the client ${none}`, [none], FORM_OF_ID);
client('two clients of one id', [{ id: 'a', secret: CLIENT }, { id: 'a', secret: `${CLIENT}2` }], [
  /clients: duplicate id 'a'/,
  /a unique id for each client/,
]); // prettier-ignore
for (const secret of [
  '',
  'Kq7xPz2mWv9tRb4',
  'aaaaaaaaaaaaaaaaaaaaaaaa',
  'changeme-changeme-changeme',
  'orders-secret-2024',
  1e30,
  null,
]) {
  client(`the client secret ${JSON.stringify(secret)}`, [{ id: 'a', secret }], [/client 'a': the secret/, RANDOM]);
}
client('a client with the digest of a word', [{ id: 'a', secretHash: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08' }], [
  /client 'a': the secretHash is that of a well-known secret/,
  RANDOM,
]); // prettier-ignore
client('a client without a secret', [{ id: 'a', secret: undefined }], [/client 'a': needs a secret/, RANDOM]);
client(
  'a client with a secret and a digest',
  [{ id: 'a', secret: CLIENT, secretHash: 'a'.repeat(64) }],
  [/client 'a': needs a secret/, /not both/],
);
for (const secretHash of ['', 'A'.repeat(64), 'a'.repeat(63), 'g'.repeat(64), Buffer.alloc(32)]) {
  client(`the digest ${JSON.stringify(secretHash)}`, [{ id: 'a', secretHash }], [/secretHash must be/, /sha256sum/]);
}
client(
  'a member of a client that nobody knows',
  [{ id: 'a', secret: CLIENT, scope: 'x' }],
  [/client 'a': scope: no such member/, /known are id, secret, secretHash, may/],
);
for (const may of ['introspect', [], ['write'], ['introspect', 'revoke', 'Introspect'], [undefined], null, {}, 7]) {
  client(
    `what a client may do of ${JSON.stringify(may)}`,
    [{ id: 'a', secret: CLIENT, may }],
    [/client 'a': may: must be a list/, /'introspect', 'introspect_refresh', 'revoke'/],
  );
}
client(
  'a client that may see refresh tokens and not ask',
  [{ id: 'a', secret: CLIENT, may: ['introspect_refresh'] }],
  [/client 'a': may: 'introspect_refresh' has no effect/, /add that/],
);
for (const issuer of [
  undefined, 'auth', 'auth.example.com', 'http://auth.example.com', 'https://auth.example.com?', 'https://auth.example.com#a',
  'https://a:b@auth.example.com', 'https://', 'ftp://auth.example.com', 'https://auth.example.com/a b', 'https://auth.example.com/*',
  'https://auth.example.com/a//b', 'https://auth.example.com/a/b/c/d/e', 'http://localhost.example.com', 'http://127.0.0.1.example.com',
  ' https://auth.example.com',
]) {
  mistake(`introspection with the issuer ${issuer}`, { ...OAUTH, issuer, clients: [{ id: 'a', secret: CLIENT }] }, [
    /routes\.oauth: needs an issuer that is a URL/,
    /such as 'https:\/\/auth\.example\.com'/,
  ]);
} // prettier-ignore

// Lifetimes.
const secret = SOUND;
const lifetimes: [string, (value: unknown) => Loose<JwtKnoxOptions>][] = [
  ['accessToken.ttl', (ttl) => ({ secret, accessToken: { ttl } })],
  ['session.idleTimeout', (idleTimeout) => ({ secret, session: { idleTimeout } })],
  ['session.maxLifetime', (maxLifetime) => ({ secret, session: { maxLifetime } })],
  ['session.idleTimeout', (idleTimeout) => ({ secret, refreshToken: false, session: { idleTimeout } })],
  ['storageTimeout', (storageTimeout) => ({ secret, storageTimeout })],
  ['adminTimeout', (adminTimeout) => ({ secret, adminTimeout })],
];
const NOT_LIFETIMES = [
  0,
  '0s',
  '0m',
  -1,
  -300,
  '-5m',
  NaN,
  Infinity,
  '',
  '300',
  'five minutes',
  '5 minutes',
  '5x',
  'm',
  true,
  [],
  {},
  1e300,
  '0.1ms',
];
for (const [name, options] of lifetimes) {
  for (const value of NOT_LIFETIMES) {
    const title = typeof value === 'number' ? String(value) : JSON.stringify(value);
    const mode = options(value).refreshToken === false ? ' in single-token mode' : '';
    mistake(`${name} of ${title}${mode}`, options(value), [
      new RegExp(`${name}: not a duration`),
      /set seconds or a string such as/,
    ]);
  }
}
for (const value of [-1, '-1s', NaN, '10', 'soon']) {
  const problem: [RegExp, RegExp] = [/not a duration of zero or more/, /set seconds or a string such as/];
  mistake(`refreshToken.reuseInterval of ${value}`, { secret, refreshToken: { reuseInterval: value } }, problem);
  mistake(`refreshToken.retryWindow of ${value}`, { secret, refreshToken: { retryWindow: value } }, problem);
  mistake(`clockTolerance of ${value}`, { secret, clockTolerance: value }, problem);
  mistake(`session.touchInterval of ${value}`, { secret, session: { touchInterval: value } }, problem);
}
mistake('a reuse interval of more than a minute', { secret, refreshToken: { reuseInterval: '61s' } }, [
  /reuseInterval: more than '60s'/,
  /Shorten it/,
]);
mistake('a retry window of more than a day', { secret, refreshToken: { retryWindow: '25h' } }, [
  /retryWindow: more than '1d'/,
  /Shorten it/,
]);
mistake('a retry window that the reuse interval covers', { secret, refreshToken: { retryWindow: '10s' } }, [
  /retryWindow: not longer than refreshToken.reuseInterval/,
  /set it to 0 or lengthen it/,
]);
for (const ttl of ['30s', '29s', '1s']) {
  mistake(
    `a reuse interval of 30 s with access tokens of ${ttl}`,
    { secret, accessToken: { ttl }, refreshToken: { reuseInterval: '30s' } },
    [/reuseInterval: not shorter than accessToken.ttl/, /shorten it/],
  );
}
mistake(
  'access tokens that outlive an idle session',
  { secret, accessToken: { ttl: '2h' }, session: { idleTimeout: '1h' } },
  [/accessToken.ttl: longer than session.idleTimeout/, /shorten the one or lengthen the other/],
);
mistake('a session that may be idle beyond its longest lifetime', { secret, session: { idleTimeout: '31d' } }, [
  /session.idleTimeout: longer than session.maxLifetime/,
  /shorten the one or lengthen the other/,
]);
mistake(
  'a session that may be idle beyond its longest lifetime, in single-token mode',
  { secret, refreshToken: false, session: { idleTimeout: '11h' } },
  [/session.idleTimeout: longer than session.maxLifetime/, /shorten the one or lengthen the other/],
);
mistake(
  'uses that are noted less often than an idle session ends',
  { secret, refreshToken: false, session: { idleTimeout: '10m', touchInterval: '11m' } },
  [/session.touchInterval: longer than session.idleTimeout/, /shorten the one or lengthen the other/],
);

// What would be ignored.
mistake(
  'a lifetime of access tokens in single-token mode',
  { secret, refreshToken: false, accessToken: { ttl: '5m' } },
  [/accessToken.ttl: has no effect with refreshToken: false/, /set session.maxLifetime instead/],
);
for (const onLimit of ['reject', 'evict-oldest']) {
  for (const limitPerUser of [undefined, null]) {
    mistake(`onLimit ${onLimit} with the limit ${limitPerUser}`, { secret, session: { limitPerUser, onLimit } }, [
      /session.onLimit: has no effect without session.limitPerUser/,
      /set that too, or leave onLimit out/,
    ]);
  }
}
for (const name of ['reuseInterval', 'retryWindow']) {
  mistake(`${name} without rotation`, { secret, refreshToken: { rotate: false, [name]: '30s' } }, [
    new RegExp(`refreshToken.${name}: has no effect with rotate: false`),
    /leave one of the two out/,
  ]);
}

// Former names.
mistake('the former name of the idle timeout', { secret, refreshToken: { ttl: '1d' } }, [
  /refreshToken.ttl: no such option/,
  /write session.idleTimeout instead/,
]);
mistake('the former name of a single token’s lifetime', { secret, refreshToken: false, session: { ttl: '8h' } }, [
  /session.ttl: no such option/,
  /write session.maxLifetime .* or session.idleTimeout .* instead/,
]);

// Names.
mistake('an unknown option', { secret, acessToken: { ttl: '5m' } }, [
  /acessToken: no such option/,
  /known are secret, keys,/,
]);
mistake('unknown options one level down', { secret, accessToken: { expiresIn: 1 }, refreshToken: { lifetime: 1 }, session: { limit: 1 } },
  [/accessToken.expiresIn: no such option/, /known are accessToken.ttl/],
  [/refreshToken.lifetime: no such option/, /known are refreshToken.rotate, refreshToken.reuseInterval/],
  [/session.limit: no such option/, /session.limitPerUser/],
); // prettier-ignore
mistake(
  'an unknown name beside lifetimes that contradict each other',
  { secret, accessToken: { ttl: '2d', expiresIn: 1 } },
  [/accessToken.expiresIn: no such option/, /known are accessToken.ttl/],
  [/accessToken.ttl: longer than session.idleTimeout/, /shorten the one or lengthen the other/],
);
mistake(
  'a section that is no object',
  { secret, accessToken: '5m', session: [] },
  [/accessToken: must be an object/, /object/],
  [/session: must be an object/, /object/],
);

// Everything at once.
mistake(
  'many mistakes at once',
  {
    keys: [
      { kid: 'short', algorithm: 'HS512', secret: randomBytes(63) },
      { kid: 'small', algorithm: 'RS256', privateKey: pem(smallRsa.privateKey) },
      { kid: 'curve', algorithm: 'ES512', privateKey: pem(p256.privateKey) },
      { kid: 'well-known', algorithm: 'HS256', secret: 'changeme' },
    ],
    accessToken: { ttl: '5 minutes' },
    session: { limitPerUser: 0, onLimit: 'ask' },
    audience: '',
    nonsense: true,
  },
  [/key 'short': the secret has 63 bytes and HS512 needs 64/, RANDOM],
  [/key 'small': the RSA key has 1024 bits/, /2048/],
  [/key 'curve'/, /secp521r1/],
  [/key 'well-known': the secret is published or a well-known placeholder/, RANDOM],
  [/accessToken.ttl: not a duration/, /'5m'/],
  [/session.limitPerUser/, /null for no limit/],
  [/session.onLimit/, /"reject", "evict-oldest"/],
  [/audience/, /leave it out/],
  [/nonsense: no such option/, /known are/],
);
mistake(
  'lifetimes that contradict each other twice',
  {
    secret,
    accessToken: { ttl: '5s' },
    refreshToken: { reuseInterval: '2m' },
    session: { idleTimeout: '2d', maxLifetime: '1d' },
  },
  [/reuseInterval: more than '60s'/, /Shorten it/],
  [/reuseInterval: not shorter than accessToken.ttl/, /shorten it/],
  [/session.idleTimeout: longer than session.maxLifetime/, /lengthen the other/],
);

const forms: { form: string; configure: (options: JwtKnoxOptions & JwtKnoxExtras) => DynamicModule }[] = [
  { form: 'forRoot', configure: (options) => JwtKnoxModule.forRoot(options) },
  {
    form: 'forRootAsync',
    configure: ({ routes, ...options }) => JwtKnoxModule.forRootAsync({ routes, useFactory: async () => options }),
  },
];

/** Boots a real application; gives what it logged, and the error if it refused. */
async function boot(knox: DynamicModule): Promise<{ error: unknown; logged: string }> {
  const source = TypeOrmModule.forRoot({
    type: 'better-sqlite3',
    database: ':memory:',
    autoLoadEntities: true,
    migrations: jwtKnoxMigrations,
    migrationsRun: true,
    retryAttempts: 0,
  });

  @Module({ imports: [source, knox] })
  class HostModule {}

  const lines: string[] = [];
  const note = (...args: unknown[]) =>
    void lines.push(args.map((one) => (typeof one === 'string' ? one : inspect(one))).join(' '));
  const logger = notingLogger(note);
  try {
    const app = await NestFactory.create(HostModule, { logger, abortOnError: false });
    await app.init();
    await app.close();
    return { error: undefined, logged: lines.join('\n') };
  } catch (error) {
    return { error, logged: lines.join('\n') };
  }
}

/** Every spelling of every secret in the options that a message could carry. */
function secretsOf({ secret: one, keys = [], clients = [] }: Loose<JwtKnoxOptions>): string[] {
  const ofClients = Array.isArray(clients) ? clients.map((each: any) => each?.secret) : [];
  const materials: unknown[] = [one, ...keys.flatMap((key: any) => [key.secret, key.privateKey]), ...ofClients];
  return materials
    .flatMap((material) => {
      if (Buffer.isBuffer(material))
        return (['hex', 'base64', 'base64url', 'latin1'] as const).map((as) => material.toString(as));
      return typeof material === 'string'
        ? [material, ...material.split('\n').filter((line) => !line.startsWith('---'))]
        : [];
    })
    .filter((text) => text.length >= 16);
}

describe.each(forms)('S6: an application with $form', ({ configure }) => {
  it('control: boots when nothing is wrong', async () => {
    const options: JwtKnoxOptions & JwtKnoxExtras = {
      keys: [
        { kid: 'a', algorithm: 'HS512', secret: randomBytes(64) },
        { kid: 'b', algorithm: 'HS256', secret: randomBytes(32).toString('latin1').padEnd(32, 'é') },
        { kid: 'c', algorithm: 'RS256', privateKey: pem(rsa.privateKey) },
        { kid: 'd', algorithm: 'ES256', publicKey: p256.publicKey },
        { kid: 'e', algorithm: 'ES384', privateKey: p384.privateKey },
        { kid: 'f', algorithm: 'ES512', privateKey: pem(p521.privateKey) },
      ],
      issuer: 'http://[::1]:3000/tenant',
      clients: [
        { id: "!$'()*,;=?@[]~/", secret: 'q7 Xw&2m Zk9%vT4' },
        { id: 'x'.repeat(128), secretHash: 'a'.repeat(64), may: ['introspect', 'introspect_refresh', 'revoke'] },
      ],
      routes: { oauth: true, jwks: true },
      accessToken: { ttl: '61s' },
      refreshToken: { reuseInterval: '60s' },
      session: { idleTimeout: '61s', maxLifetime: 61 },
    };
    expect(await boot(configure(options))).toMatchObject({ error: undefined });
  });

  it.each(mistakes.map((one) => [one.title, one] as const))(
    'refuses to boot with %s',
    async (_title, { options, problems }) => {
      const { error, logged } = await boot(configure(options as JwtKnoxOptions));
      expect(error).toBeInstanceOf(JwtKnoxConfigurationError);
      const told = (error as JwtKnoxConfigurationError).problems;
      for (const [what, remedy] of problems) {
        expect(told.filter((problem) => what.test(problem) && remedy.test(problem))).toHaveLength(1);
      }
      expect(told).toHaveLength(problems.length);
      for (const problem of told) expect((error as Error).message).toContain(`  - ${problem}`);
      const shown = [
        (error as Error).message,
        inspect(error, { depth: 9, showHidden: true }),
        JSON.stringify(error),
        logged,
      ].join('\n');
      for (const text of secretsOf(options)) expect(shown).not.toContain(text);
    },
  );
});

it('S6: tells of a factory that forgot to return options', async () => {
  const knox = JwtKnoxModule.forRootAsync({ useFactory: (() => undefined) as unknown as () => JwtKnoxOptions });
  expect((await boot(knox)).error).toMatchObject({
    name: 'JwtKnoxConfigurationError',
    problems: [expect.stringMatching(/secret: missing or empty/)],
  });
});
