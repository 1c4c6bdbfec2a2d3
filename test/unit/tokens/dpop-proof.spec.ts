import { describe, expect, it } from 'vitest';
import { InvalidDpopProofError } from '../../../lib/contracts/binding-errors';
import { ShownProof } from '../../../lib/contracts/shown-proof';
import { DpopProofs } from '../../../lib/tokens/dpop-proof';
import { DpopDevice, ORIGIN, type ProofClaims } from '../../support/dpop-device';

const NOW = 1_800_000_000_000;
const TOKEN = 'the.access.token';
const device = new DpopDevice(() => NOW);
const own = device.claims('GET', '/notes', { token: TOKEN });
const signed = (claims: ProofClaims, jwk: object = device.jwk, typ = 'dpop+jwt') =>
  device.signed({ typ, alg: 'ES256', jwk }, { ...own, ...claims });

describe('what is wrong with a DPoP proof', () => {
  const proofs = new DpopProofs({ clock: { now: () => NOW }, origins: [ORIGIN, 'https://b.example'] });
  const detailOf = (dpop: string | undefined) => {
    const request = { method: 'GET', url: '/notes?page=2', headers: { authorization: `DPoP ${TOKEN}`, dpop } };
    const demand = {
      thumbprint: device.thumbprint,
      accessToken: TOKEN,
      named: { sessionId: 'the-sid', userId: 'alice' },
    };
    try {
      proofs.require(new ShownProof(request), demand);
      return null;
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidDpopProofError);
      const { detail, message } = error as InvalidDpopProofError;
      expect([message, JSON.stringify(error).includes(detail)]).toEqual(['The DPoP proof is not valid.', false]);
      return detail;
    }
  };

  const other = new DpopDevice(() => NOW).signed({ typ: 'dpop+jwt', alg: 'ES256', jwk: device.jwk }, own);
  const unreadable = /^it is no JWT of typ dpop\+jwt, with an alg .* and a jwk of the public members alone$/;
  it.each<[string, string | undefined, RegExp | null]>([
    ['nothing', signed({}), null],
    ['that it came before', signed({}), /^its jti was accepted before$/],
    ['that there is none', undefined, /^there is none$/],
    ['its form', 'x.y.z', unreadable],
    ['its typ', signed({}, device.jwk, 'JWT'), unreadable],
    ['a jwk with more than the key', signed({}, { ...device.jwk, kid: 'mine' }), unreadable],
    ['its signature', other, /^it is not signed by the key of its jwk$/],
    ['jti', signed({ jti: undefined }), /^jti has not 1 to 128 characters$/],
    ['htm', signed({ htm: 'POST' }), /^htm is not the method of the request$/],
    ['the path of htu', signed({ htu: `${ORIGIN}/other` }), /^htu has another path than the request$/],
    [
      'the origin of htu',
      signed({ htu: 'http://10.0.0.7:3000/notes' }),
      /^htu does not begin with https:\/\/app\.example\.com or https:\/\/b\.example, which publicOrigin says$/,
    ],
    ['iat in milliseconds', signed({ iat: NOW }), /^iat, in seconds, is more than 60 s from the clock of this server$/],
    ['ath', signed({ ath: 'other' }), /^ath is not the SHA-256 of the access token in base64url$/],
  ])('says %s', (_what, dpop, expected) => {
    const detail = detailOf(dpop);
    if (expected === null) expect(detail).toBeNull();
    else expect(detail).toMatch(expected);
  });
});
