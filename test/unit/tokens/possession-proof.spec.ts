import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { DpopDemand } from '../../../lib/tokens/dpop-proof';
import { DpopProofs } from '../../../lib/tokens/dpop-proof';
import { isSigned, PossessionProofs } from '../../../lib/tokens/possession-proof';
import { ShownProof } from '../../../lib/contracts/shown-proof';
import { FakeClock } from '../../../lib/testing';
import { DpopDevice, ORIGIN } from '../../support/dpop-device';
import { primeAfter, publicRsaOf, randomPrime, rsaOf } from '../../support/weak-keys';

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a key of RSA in a proof', () => {
  const p = randomPrime();
  const read = (publicKey: KeyObject, privateKey: KeyObject) => {
    const { kty, n, e } = publicKey.export({ format: 'jwk' });
    const input = `${encode({ typ: 'dpop+jwt', alg: 'RS256', jwk: { e, kty, n } })}.${encode({ jti: 'one' })}`;
    const signature = sign('sha256', Buffer.from(input), privateKey).toString('base64url');
    return new PossessionProofs({ typ: 'dpop+jwt', hasKey: true }).read(`${input}.${signature}`);
  };

  it('is looked at closely, which takes long, once it has signed: nobody has keys examined that are none', () => {
    const close = rsaOf(p, primeAfter(p));
    const weak = publicRsaOf(p * primeAfter(p));
    const signed = read(weak, close)!;
    expect(isSigned(signed, signed.key)).toBe(false);
    // What has not signed is known by that alone.
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    const other = read(weak, privateKey)!;
    expect(isSigned(other, other.key)).toBe(false);
  });

  it('control: a sound one counts', () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    const proof = read(publicKey, privateKey)!;
    expect(isSigned(proof, proof.key)).toBe(true);
    expect(isSigned(proof, proof.key)).toBe(true);
  });

  it.each([1n, 3n, 65_536n, 4_294_967_297n, 2n ** 255n + 1n])(
    'with the public exponent %s is none: what it signs would take long to check, or anybody could sign',
    (e) => {
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
      expect(read(publicRsaOf(p * randomPrime(), e), privateKey)).toBeNull();
    },
  );
});

describe('K4: proofs that were accepted lately', () => {
  const clock = new FakeClock();
  const device = new DpopDevice(() => clock.now());
  const shown = (path: string, dpop: string) => new ShownProof({ method: 'POST', url: path, headers: { dpop } });
  const demand: DpopDemand = {
    thumbprint: device.thumbprint,
    accessToken: null,
    named: { sessionId: 'a', userId: '1' },
  };

  it('are not forgotten because of logins, for which nobody has shown anything yet', () => {
    const proofs = new DpopProofs({ clock, origins: [ORIGIN], remembered: 3 });
    const copied = device.proof('POST', '/refresh');
    proofs.require(shown('/refresh', copied), demand);
    for (let n = 0; n < 9; n++)
      proofs.keyOf(shown('/login', new DpopDevice(() => clock.now()).proof('POST', '/login')));
    expect(() => proofs.require(shown('/refresh', copied), demand)).toThrow('The DPoP proof is not valid.');
  });

  it('count once, whether they came with a login or with a token', () => {
    const proofs = new DpopProofs({ clock, origins: [ORIGIN] });
    const [first, second] = [device.proof('POST', '/both'), device.proof('POST', '/both')];
    proofs.keyOf(shown('/both', first));
    expect(() => proofs.require(shown('/both', first), demand)).toThrow('The DPoP proof is not valid.');
    proofs.require(shown('/both', second), demand);
    expect(() => proofs.keyOf(shown('/both', second))).toThrow('The DPoP proof is not valid.');
    expect(() => proofs.keyOf(shown('/both', first))).toThrow('The DPoP proof is not valid.');
  });

  it('control: proofs of bound sessions themselves do push out the oldest, where there are too many', () => {
    const proofs = new DpopProofs({ clock, origins: [ORIGIN], remembered: 3 });
    const copied = device.proof('POST', '/refresh');
    proofs.require(shown('/refresh', copied), demand);
    for (let n = 0; n < 9; n++) proofs.require(shown('/refresh', device.proof('POST', '/refresh')), demand);
    expect(() => proofs.require(shown('/refresh', copied), demand)).not.toThrow();
  });
});
