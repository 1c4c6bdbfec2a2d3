import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import * as jose from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { type Fault, faults, IssuerGate } from '../../support/issuer-gate';
import { publicRsaOf, rocaPrime } from '../../support/weak-keys';
import { RemoteKeys } from '../../../lib/verifier/remote-keys';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const jwk = (key: KeyObject, members: object) => ({ ...key.export({ format: 'jwk' }), use: 'sig', ...members });
const KEY = jwk(rsa.publicKey, { kid: 'one', alg: 'RS256' });
const ONE = { kid: 'one', algorithm: 'RS256' };
const DAY = 86_400_000;

describe('the published keys of an issuer', () => {
  let gate: IssuerGate;
  afterEach(() => gate.down());

  async function setUp(keys: object[] = [KEY]) {
    gate = await IssuerGate.before(9);
    gate.fault = faults.answers(200, { keys });
    const time = { now: 0 };
    const options = { uri: `${gate.url}/jwks.json`, maxAge: 300_000, cooldown: 10_000, timeout: 500 };
    return { time, remote: new RemoteKeys(jose, options, () => time.now) };
  }
  const publish = (...keys: object[]) => void (gate.fault = faults.answers(200, { keys }));

  it('are asked for once, also by many at once', async () => {
    const { remote } = await setUp();
    const found = await Promise.all(Array.from({ length: 10 }, () => remote.find(ONE)));
    expect(found.every(({ verifying }) => verifying.equals(rsa.publicKey))).toBe(true);
    expect(gate.requests).toHaveLength(1);
  });

  it('are asked for again when they are old, before they are used: a removed key leaves', async () => {
    const { time, remote } = await setUp();
    await remote.find(ONE);
    publish(jwk(ec.publicKey, { kid: 'two', alg: 'ES256' }));
    time.now = 299_999;
    await remote.find(ONE);
    time.now = 300_000;
    await expect(remote.find(ONE)).rejects.toMatchObject({ reason: 'unknown_key' });
    await remote.find({ kid: 'two', algorithm: 'ES256' });
    expect(gate.requests).toHaveLength(2);
  });

  it('are asked for again when a kid is not known, at most once in the cooldown', async () => {
    const { time, remote } = await setUp();
    await remote.find(ONE);
    const two = { kid: 'two', algorithm: 'ES256' };
    publish(KEY, jwk(ec.publicKey, { kid: 'two', alg: 'ES256' }));
    await expect(remote.find(two)).rejects.toMatchObject({ reason: 'unknown_key' });
    time.now = 10_000;
    expect((await remote.find(two)).verifying.equals(ec.publicKey)).toBe(true);
    await expect(remote.find({ kid: 'three', algorithm: 'ES256' })).rejects.toMatchObject({ reason: 'unknown_key' });
    expect(gate.requests).toHaveLength(2);
  });

  it('that are old still count while the issuer fails, and are asked for again once in a second', async () => {
    const { time, remote } = await setUp();
    await remote.find(ONE);
    gate.fault = faults.answers(500);
    time.now = 400_000;
    for (let i = 0; i < 20; i++) await remote.find(ONE);
    expect(gate.requests).toHaveLength(2);
    time.now += 1_000;
    for (let i = 0; i < 20; i++) await remote.find(ONE);
    // In the background, so that nobody waits: it may be under way still.
    await remote.load().catch(() => undefined);
    expect(gate.requests).toHaveLength(3);
    time.now += 1_000;
    publish(KEY);
    await remote.find(ONE);
    await remote.load();
    time.now += 5_000;
    for (let i = 0; i < 20; i++) await remote.find(ONE);
    expect(gate.requests).toHaveLength(4);
  });

  it('end a day after the issuer was last asked: one that is shut off is not trusted for ever', async () => {
    const { time, remote } = await setUp();
    await remote.find(ONE);
    gate.fault = faults.answers(404);
    time.now = DAY - 1;
    await remote.find(ONE);
    time.now = DAY;
    await expect(remote.find(ONE)).rejects.toMatchObject({ status: 503, code: 'issuer_unavailable' });
    time.now += 1_000;
    await expect(remote.find(ONE)).rejects.toMatchObject({ status: 503 });
    publish(KEY);
    time.now += 1_000;
    await remote.find(ONE);
  });

  it('count from the question on, not from the answer: one that was removed meanwhile gains no time', async () => {
    const { time, remote } = await setUp();
    gate.fault = (_request, response) => {
      time.now = 200_000;
      response.end(JSON.stringify({ keys: [KEY] }));
    };
    await remote.find(ONE);
    publish();
    time.now = 300_000;
    await expect(remote.find(ONE)).rejects.toMatchObject({ reason: 'unknown_key' });
  });

  it('are asked for past the caches in between', async () => {
    const { remote } = await setUp();
    const asked: unknown[] = [];
    gate.fault = (request, response) => {
      asked.push(request.headers['cache-control']);
      response.end(JSON.stringify({ keys: [KEY] }));
    };
    await remote.find(ONE);
    expect(asked).toEqual(['no-cache']);
  });

  /** A shared cache that takes no notice of the request's `Cache-Control`. */
  function sharedCache(
    time: { now: number },
    current: () => object[],
    { seconds, tells = true }: { seconds: number; tells?: boolean },
  ): Fault {
    let kept = { at: -Infinity, keys: [] as object[] };
    return (request, response) => {
      if (time.now - kept.at >= seconds * 1_000) kept = { at: time.now, keys: current() };
      const age = String(Math.floor((time.now - kept.at) / 1_000));
      void faults.answers(200, { keys: kept.keys }, tells ? { age } : {})(request, response);
    };
  }

  /**
   * For how long a key that the issuer has removed still counts (ms), at worst: it was removed right after the cache had
   * asked, and the verifier asks the cache right before that asks again.
   */
  async function lifeOfARemovedKey(cache: { seconds: number; tells?: boolean }) {
    const { time, remote } = await setUp();
    let keys: object[] = [KEY];
    gate.fault = sharedCache(time, () => keys, cache);
    // Somebody else's request fills the cache.
    await fetch(`${gate.url}/jwks.json`);
    keys = [];
    time.now = (cache.seconds - 1) * 1_000;
    const isTaken = () => remote.find(ONE).then(() => true, () => false); // prettier-ignore
    expect(await isTaken()).toBe(true);
    while (await isTaken()) time.now += 1_000;
    return time.now;
  }

  it('end within keysMaxAge when they are removed, whatever a shared cache in between keeps', async () => {
    expect(await lifeOfARemovedKey({ seconds: 60 })).toBe(300_000);
    expect(await lifeOfARemovedKey({ seconds: 300 })).toBe(300_000);
  });

  it('control: a cache that hides the age of what it keeps adds its own time, a minute by the issuer', async () => {
    expect(await lifeOfARemovedKey({ seconds: 300, tells: false })).toBe(599_000);
    expect(await lifeOfARemovedKey({ seconds: 60, tells: false })).toBe(359_000);
  });

  it('that a cache keeps for longer than they count are used while there are none better, and not after a day', async () => {
    const { time, remote } = await setUp();
    const old = (seconds: number, ...keys: object[]) => void (gate.fault = faults.answers(200, { keys }, { age: String(seconds) })); // prettier-ignore
    old(86_399, KEY);
    for (let i = 0; i < 20; i++) await remote.find(ONE);
    expect(gate.requests).toHaveLength(1);
    time.now += 1_000;
    old(86_400, KEY);
    await expect(remote.find(ONE)).rejects.toMatchObject({ status: 503 });
    publish(KEY);
    time.now += 1_000;
    await remote.find(ONE);
    // What is older than what is known is of no use.
    old(700);
    time.now += 300_000;
    await remote.find(ONE);
    await expect(remote.find({ kid: 'two', algorithm: 'ES256' })).rejects.toMatchObject({ status: 503 });
  });

  it.each(['soon', '-5', '1.5', ''])('take no notice of an age of %j', async (age) => {
    const { time, remote } = await setUp();
    gate.fault = faults.answers(200, { keys: [KEY] }, { age });
    await remote.find(ONE);
    time.now = 299_999;
    await remote.find(ONE);
    expect(gate.requests).toHaveLength(1);
  });

  it('are used with their own algorithm alone', async () => {
    const { remote } = await setUp();
    for (const algorithm of ['RS384', 'PS256', 'HS256', 'none']) {
      await expect(remote.find({ kid: 'one', algorithm })).rejects.toMatchObject({ reason: 'algorithm' });
    }
  });

  const weak = generateKeyPairSync('rsa', { modulusLength: 1_024 }).publicKey;
  const three = generateKeyPairSync('rsa', { modulusLength: 2_048, publicExponent: 3 }).publicKey;
  const roca = publicRsaOf(rocaPrime() * rocaPrime());
  const ops = (...operations: unknown[]) => ({ ...KEY, key_ops: operations });
  const oct = { kty: 'oct', k: Buffer.alloc(32, 1).toString('base64url'), kid: 'one' };
  it.each([
    ['for encryption', jwk(rsa.publicKey, { kid: 'one', alg: 'RS256', use: 'enc' })],
    ['without an algorithm', jwk(rsa.publicKey, { kid: 'one' })],
    ['for encryption by its algorithm', jwk(rsa.publicKey, { kid: 'one', alg: 'RSA-OAEP' })],
    ['that is a secret', { ...oct, alg: 'HS256', use: 'sig' }],
    ['that is a secret under an asymmetric algorithm', { ...oct, alg: 'RS256', use: 'sig' }],
    ['that is private', jwk(rsa.privateKey, { kid: 'one', alg: 'RS256' })],
    ['that is private in part', { ...KEY, qi: 'AQAB' }],
    ['of too few bits', jwk(weak, { kid: 'one', alg: 'RS256' })],
    ['S6, with three as public exponent', jwk(three, { kid: 'one', alg: 'RS256' })],
    ['S6, with one as public exponent', { ...KEY, e: 'AQ' }],
    ['S6, with an even public exponent', { ...KEY, e: 'AQAA' }],
    ['S6, of a broken generator (ROCA)', jwk(roca, { kid: 'one', alg: 'PS256' })],
    ['S6, that is not to verify', ops('sign')],
    ['S6, that is to do nothing', ops()],
    ['S6, that is to encrypt as well', ops('verify', 'encrypt')],
    ['S6, that is to verify twice', ops('verify', 'verify')],
    ['S6, that is to do what is no text', ops('verify', null)],
    ['S6, whose operations are no list', { ...KEY, key_ops: 'verify' }],
    ['S6, whose operations are null', { ...KEY, key_ops: null }],
    ['S6, whose use contradicts its operations', { ...ops('verify'), use: 'enc' }],
    ['S6, whose operations contradict its use', { ...ops('wrapKey'), use: 'sig' }],
    ['on another curve', jwk(ec.publicKey, { kid: 'one', alg: 'ES384' })],
    ['of another type', jwk(ec.publicKey, { kid: 'one', alg: 'RS256' })],
    ['that is broken', { kty: 'RSA', n: '!', e: 'AQAB', kid: 'one', alg: 'RS256' }],
    ['whose kid is no text', jwk(rsa.publicKey, { kid: 1, alg: 'RS256' })],
  ])('leave out one %s', async (_title, key) => {
    const { remote } = await setUp([key, jwk(ec.publicKey, { kid: 'two', alg: 'ES256' })]);
    const algorithm = String((key as { alg?: string }).alg);
    await expect(remote.find({ kid: 'one', algorithm })).rejects.toMatchObject({ reason: 'unknown_key' });
    await remote.find({ kid: 'two', algorithm: 'ES256' });
  });

  it('leave out all of one kid', async () => {
    const { remote } = await setUp([KEY, { ...KEY, alg: 'PS256' }, KEY]);
    await expect(remote.find(ONE)).rejects.toMatchObject({ reason: 'unknown_key' });
  });

  it.each([KEY, { ...KEY, use: undefined }, ops('verify'), { ...ops('verify', 'sign'), use: undefined }])(
    'control: the key of these tests is used when nothing is wrong with it: %#',
    async (key) => {
      const { remote } = await setUp([key]);
      expect((await remote.find(ONE)).algorithm).toBe('RS256');
    },
  );
});
