// Requests with a proof of the device's key (DPoP), beside the same without one, and beside the bare verification.
import { createHash, generateKeyPairSync, verify } from 'node:crypto';
import { CurrentUser, JwtKnoxGuard } from 'nestjs-jwt-knox';
import { deviceBinding } from 'nestjs-jwt-knox/binding';
import { proofsOf, proven } from '../exchanges.mjs';
import { PLATFORMS } from '../groups.mjs';
import { startKnox } from '../knox-host.mjs';
import { requestBytes } from '../load.mjs';
import { meController } from '../nest-host.mjs';
import { meRequest, USERS } from '../tokens.mjs';

/** What clients see; nobody resolves it. */
export const ORIGIN = 'https://bench.example.com';

/** A key of a device, and how it is written in proofs. */
function newDevice() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { crv, kty, x, y } = publicKey.export({ format: 'jwk' });
  return { publicKey, jwk: { crv, kty, x, y }, privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }) };
}

/** As many proofs by as many keys, each good: the signature of the next one is verified with each request. */
function bareVerification() {
  const all = Array.from({ length: USERS }, () => {
    const { publicKey, ...device } = newDevice();
    const proof = proofsOf({ ...device, token: 'any' }, ORIGIN)();
    const end = proof.lastIndexOf('.');
    const signature = Buffer.from(proof.slice(end + 1), 'base64url');
    return { input: Buffer.from(proof.slice(0, end)), signature, key: { key: publicKey, dsaEncoding: 'ieee-p1363' } };
  });
  let next = 0;
  return () => {
    const { input, signature, key } = all[next++ % all.length];
    return verify('sha256', input, key, signature);
  };
}

function verifyingGuard() {
  const isGood = bareVerification();
  return class VerifyingGuard extends JwtKnoxGuard {
    async canActivate(context) {
      return isGood() && super.canActivate(context);
    }
  };
}

/** A token for a program, by a key of its own. */
async function boundRequest(tokens, id) {
  const { jwk, privateKey } = newDevice();
  const dpopKeyThumbprint = createHash('sha256').update(JSON.stringify(jwk)).digest('base64url');
  const order = { name: 'bench', scopes: ['bench'], dpopKeyThumbprint };
  const { accessToken } = await tokens.issueProgramToken({ id }, order);
  const request = meRequest(accessToken, id);
  return { ...request, token: accessToken, jwk, privateKey };
}

/** The same, bound to nothing. */
async function unboundRequest(tokens, id) {
  const { accessToken } = await tokens.issueProgramToken({ id }, { name: 'bench', scopes: ['bench'] });
  return meRequest(accessToken, id);
}

/** The same, and as long as one with a proof, by a header that nobody reads. */
async function paddedRequest(tokens, id) {
  const request = await unboundRequest(tokens, id);
  const { request: wanted } = proven(ORIGIN)([await boundRequest(tokens, id)])();
  const padded = (Padd) => ({ ...request, headers: { ...request.headers, Padd } });
  return padded('x'.repeat(wanted.length - requestBytes(padded('')).length));
}

const usual = () => JwtKnoxGuard;

const WAYS = {
  without: { about: 'without deviceBinding', isOff: true, guard: usual, request: unboundRequest },
  bearer: { about: 'with deviceBinding, nobody is bound', guard: usual, request: unboundRequest },
  padded: {
    about: 'the same, and a header that nobody reads is as long as a proof',
    guard: usual,
    request: paddedRequest,
  },
  verify: { about: 'as padded, and a signature of ES256 is verified', guard: verifyingGuard, request: paddedRequest },
  dpop: { about: 'with deviceBinding, each request carries a proof by ES256', guard: usual, request: boundRequest },
};

async function requestsOf(tokens, { request }) {
  const requests = [];
  for (let index = 1; index <= USERS; index++) requests.push(await request(tokens, `u${index}`));
  return requests;
}

function bound(platform, way) {
  const { about, guard, isOff } = WAYS[way];
  return {
    name: `bound/${platform}/postgres/${way}`,
    about: `nestjs-jwt-knox on ${platform} and postgres, ${about}`,
    database: { kind: 'postgres', tables: 'own' },
    statements: 1,
    ...(way === 'dpop' && { exchanges: proven(ORIGIN) }),
    async serve(settings) {
      const options = { publicOrigin: ORIGIN };
      const features = isOff ? [] : [deviceBinding({ dbsc: 'off' })];
      const controller = meController({ guard: guard(), user: CurrentUser() });
      const how = { platform, lookUp: 'session', options, features, controller };
      const { port, tokens } = await startKnox(how, settings);
      return { port, requests: await requestsOf(tokens, WAYS[way]) };
    },
  };
}

export const boundRequests = PLATFORMS.flatMap((platform) => Object.keys(WAYS).map((way) => bound(platform, way)));
