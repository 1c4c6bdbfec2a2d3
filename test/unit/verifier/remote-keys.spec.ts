import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import * as jose from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { faults, IssuerGate } from '../../support/issuer-gate';
import { RemoteKeys } from '../../../lib/verifier/remote-keys';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const jwk = (key: KeyObject, members: object) => ({ ...key.export({ format: 'jwk' }), use: 'sig', ...members });
const KEY = jwk(rsa.publicKey, { kid: 'one', alg: 'RS256' });
const ONE = { kid: 'one', algorithm: 'RS256' };

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

  it('are used with their own algorithm alone', async () => {
    const { remote } = await setUp();
    for (const algorithm of ['RS384', 'PS256', 'HS256', 'none']) {
      await expect(remote.find({ kid: 'one', algorithm })).rejects.toMatchObject({ reason: 'algorithm' });
    }
  });

  const weak = generateKeyPairSync('rsa', { modulusLength: 1_024 }).publicKey;
  const oct = { kty: 'oct', k: Buffer.alloc(32, 1).toString('base64url'), kid: 'one' };
  it.each([
    ['for encryption', jwk(rsa.publicKey, { kid: 'one', alg: 'RS256', use: 'enc' })],
    ['without an algorithm', jwk(rsa.publicKey, { kid: 'one' })],
    ['for encryption by its algorithm', jwk(rsa.publicKey, { kid: 'one', alg: 'RSA-OAEP' })],
    ['that is a secret', { ...oct, alg: 'HS256', use: 'sig' }],
    ['that is a secret under an asymmetric algorithm', { ...oct, alg: 'RS256', use: 'sig' }],
    ['that is private', jwk(rsa.privateKey, { kid: 'one', alg: 'RS256' })],
    ['of too few bits', jwk(weak, { kid: 'one', alg: 'RS256' })],
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

  it('control: the key of these tests is used when nothing is wrong with it', async () => {
    const { remote } = await setUp([{ ...KEY, use: undefined }]);
    expect((await remote.find(ONE)).algorithm).toBe('RS256');
  });
});
