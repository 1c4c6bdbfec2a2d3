import {
  createHash,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  randomBytes,
  randomInt,
  randomUUID,
} from 'node:crypto';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import { JwtKnoxVerifierModule } from '../../../lib/verifier';
import { OAuthClients } from '../../../lib/tokens/oauth-clients';
import { COMMON_WORDS, PLACEHOLDER_PHRASES } from '../../../lib/tokens/guessable-words';
import { Keyring } from '../../../lib/tokens/keyring';
import { publicKeysIn } from '../../../lib/tokens/published-keys';
import { PUBLISHED_SECRETS as PUBLISHED_DIGESTS } from '../../../lib/tokens/published-secrets';
import type { KeyMaterial } from '../../../lib/options/options';
import {
  PUBLISHED_CLIENT_SECRETS,
  PUBLISHED_KEYS,
  PUBLISHED_SECRETS,
  RANDOM_LOOKING,
} from '../../support/published-secrets';
import { often } from '../../support/lengths';

const problemsOf = (secret: KeyMaterial) => Keyring.load({ secret }).problems;
const accepted = (secrets: KeyMaterial[]) => secrets.filter((secret) => problemsOf(secret).length === 0);
const clientProblems = (secret: string) => OAuthClients.load([{ id: 'a', secret }]).problems;

const ROUNDS = often(300, 2_000);
const ASCII = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i));
const some = (length: number) => Array.from({ length }, () => ASCII[randomInt(94)]).join('');

describe('S6: a secret', () => {
  it.each(PUBLISHED_SECRETS)('that is published does not start: %s', (secret) => {
    const problems = problemsOf(secret);
    expect(problems).toEqual([expect.stringMatching(/^key 'default': the secret (?:is published|can be guessed)/)]);
    expect(problems[0]).toMatch(/; make one with `openssl rand -base64 48`\.$/);
    expect(problems[0]).not.toContain(secret);
  });

  it.each<[string, (secret: string) => KeyMaterial]>([
    ['as bytes', (secret) => Buffer.from(secret)],
    ['as a KeyObject', (secret) => createSecretKey(Buffer.from(secret))],
    ['in quotes, and with a line break', (secret) => `"${secret}"\n`],
    ['in hex', (secret) => Buffer.from(secret).toString('hex')],
    ['in base64', (secret) => Buffer.from(secret).toString('base64')],
    ['in base64url, as bytes', (secret) => Buffer.from(Buffer.from(secret).toString('base64url'))],
  ])('that is published does not start %s', (_title, as) => {
    expect(accepted(PUBLISHED_SECRETS.map(as))).toEqual([]);
  });

  it('that is published does not start in another case, or with other separators', () => {
    const others = PUBLISHED_SECRETS.flatMap((secret) => [
      secret.toUpperCase(),
      secret.toLowerCase(),
      ...['_', '.', '--', ' '].map((separator) => secret.replace(/[ _-]+/g, separator)),
    ]);
    // The base64 of a sentence is another one in another case.
    expect(accepted(others.filter((secret) => !/^(?:bXkt|VGhp)/i.test(secret)))).toEqual([]);
  });

  it('that is published as hex or base64 does not start as the bytes that it means, nor in the other spelling', () => {
    for (const secret of RANDOM_LOOKING.filter((one) => /^[0-9a-f]{64}$/.test(one))) {
      const bytes = Buffer.from(secret, 'hex');
      expect(accepted([bytes, bytes.toString('base64'), bytes.toString('base64url')])).toEqual([]);
    }
    for (const secret of RANDOM_LOOKING.filter((one) => /^[\w+/-]{43}=$|^[\w-]{86}$/.test(one))) {
      const bytes = Buffer.from(secret, 'base64');
      expect(accepted([bytes, bytes.toString('hex'), bytes.toString('base64')])).toEqual([]);
    }
  });

  it('that asks to be replaced does not start, whatever else stands in it', () => {
    const random = randomBytes(32).toString('hex');
    for (const phrase of [
      'change me',
      'CHANGE_THIS',
      'Replace this with',
      'replace-with',
      'do not use',
      'your.secret',
    ]) {
      expect(accepted([`${phrase} ${random}`, `${random}${phrase}`, `${random}/${phrase}/`])).toEqual([]);
    }
    const labelled = ['change', 'jwt-secret', 'my_secret', 'test-secret', 'prod/'].map((label) => `${label}-${random}`);
    expect(accepted(labelled)).toEqual(labelled);
  });

  it('is told from a placeholder by phrases of eight characters or more, which no random one holds by chance', () => {
    expect(PLACEHOLDER_PHRASES.filter((phrase) => !/^[a-z0-9]{8,}$/.test(phrase))).toEqual([]);
    expect(COMMON_WORDS.filter((word) => !/^[a-z]{3,}$/.test(word) || /^[a-f]+$/.test(word))).toEqual([]);
  });

  it('is kept out of the list of published ones unless these tests know it', () => {
    const known = [...PUBLISHED_SECRETS, ...PUBLISHED_CLIENT_SECRETS].map((secret) =>
      createHash('sha256').update(secret.toLowerCase().replace(/[^a-z0-9]/g, '')).digest('base64url'),
    ); // prettier-ignore
    expect([...PUBLISHED_DIGESTS].filter((digest) => !known.includes(digest))).toEqual([]);
    expect(RANDOM_LOOKING.length).toBeLessThanOrEqual(PUBLISHED_DIGESTS.size);
  });

  it.each<[string, () => KeyMaterial]>([
    ['base64', () => randomBytes(32).toString('base64')],
    ['base64url', () => randomBytes(32).toString('base64url')],
    ['hex', () => randomBytes(32).toString('hex')],
    ['hex of 128 bits', () => randomBytes(16).toString('hex')],
    ['upper-case hex', () => randomBytes(24).toString('hex').toUpperCase()],
    ['a UUID', () => randomUUID()],
    ['two UUIDs', () => randomUUID() + randomUUID()],
    ['printable ASCII', () => some(32)],
    ['a label before it', () => `myapp-secret-${randomBytes(32).toString('base64url')}`],
    ['bytes', () => randomBytes(32)],
  ])('that is random starts: %s', (_title, draw) => {
    const refused = Array.from({ length: ROUNDS }, draw).filter((secret) => problemsOf(secret).length > 0);
    expect(refused).toEqual([]);
  });

  it('of words that nobody expects starts: six of diceware', () => {
    expect(problemsOf('uncork-giblet-sappy-tripod-exhume-wobbly')).toEqual([]);
  });
});

describe('S6: a key pair whose private half is published', () => {
  it.each(PUBLISHED_KEYS)('does not start, nor count in a JWK set: %s %j', (algorithm, jwk) => {
    const publicKey = createPublicKey({ key: jwk, format: 'jwk' });
    for (const material of [publicKey, publicKey.export({ format: 'pem', type: 'spki' })]) {
      const signing = { kid: 'signs', algorithm: 'HS256', secret: randomBytes(32) } as const;
      expect(Keyring.load({ keys: [signing, { kid: 'a', algorithm, publicKey: material }] }).problems).toEqual([
        "key 'a': the key is published in documentation, with its private half; make one with `openssl genpkey`.",
      ]);
    }
    expect(publicKeysIn({ keys: [{ ...jwk, kid: 'a', alg: algorithm }] }).size).toBe(0);
  });

  it('control: another one on the same curve starts, and counts', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    expect(publicKeysIn({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'a', alg: 'ES256' }] }).size).toBe(1);
  });
});

describe('S6: the secret of a client', () => {
  it.each([...PUBLISHED_CLIENT_SECRETS, ...PUBLISHED_SECRETS])('does not start when it is published: %s', (secret) => {
    expect(clientProblems(secret)).toEqual([
      "client 'a': the secret is published, a placeholder or can be guessed; make one with `openssl rand -hex 32`.",
    ]);
  });

  it('does not start at a verifier either', async () => {
    const start = (secret: string) => {
      const client = { id: 'orders', secret };
      const knox = { introspection: { uri: 'https://auth.example.com/introspect', client } };
      return Test.createTestingModule({ imports: [JwtKnoxVerifierModule.forRoot(knox)] }).compile();
    };
    await expect(start('my-client-secret')).rejects.toMatchObject({
      name: 'JwtKnoxConfigurationError',
      problems: [
        expect.stringMatching(
          /^introspection.client: the secret is published, a placeholder or can be guessed; configure/,
        ),
      ],
    });
    await (await start(randomBytes(32).toString('hex'))).close();
  });

  it('starts when it is random', () => {
    for (let i = 0; i < ROUNDS; i++) expect(clientProblems(randomBytes(12).toString('base64url'))).toEqual([]);
  });

  it.each(['', 'test', 'secret', 'password', 'changeme', RANDOM_LOOKING[1]!])(
    'does not start as the digest of a well-known one: "%s"',
    (secret) => {
      const secretHash = createHash('sha256').update(secret).digest('hex');
      expect(OAuthClients.load([{ id: 'a', secretHash }]).problems).toEqual([
        expect.stringMatching(/^client 'a': the secretHash is that of a well-known secret; make another secret with/),
      ]);
    },
  );
});
