// Requests with a proof of the device's key (DPoP), beside the same without one, and beside the bare verification.
import { createHash, generateKeyPairSync, sign, verify } from 'node:crypto';
import { CurrentUser, JwtKnoxGuard } from 'nestjs-jwt-knox';
import { deviceBinding } from 'nestjs-jwt-knox/binding';
import { proven } from '../exchanges.mjs';
import { PLATFORMS } from '../groups.mjs';
import { startKnox } from '../knox-host.mjs';
import { meController } from '../nest-host.mjs';
import { meRequest, USERS } from '../tokens.mjs';

/** What clients see; nobody resolves it. */
export const ORIGIN = 'https://bench.example.com';

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** One signature that is good, to be verified with each request. */
function bareVerification() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const input = Buffer.from(`${encode({ alg: 'ES256' })}.${'x'.repeat(300)}`);
  const signature = sign('sha256', input, { key: privateKey, dsaEncoding: 'ieee-p1363' });
  const key = { key: publicKey, dsaEncoding: 'ieee-p1363' };
  return () => verify('sha256', input, key, signature);
}

function verifyingGuard() {
  const isGood = bareVerification();
  return class VerifyingGuard extends JwtKnoxGuard {
    async canActivate(context) {
      return isGood() && super.canActivate(context);
    }
  };
}

const WAYS = {
  bearer: { about: 'nobody is bound', guard: () => JwtKnoxGuard },
  verify: { about: 'nobody is bound, and one signature of ES256 is verified with each request', guard: verifyingGuard },
  dpop: { about: 'each request carries a proof by ES256', guard: () => JwtKnoxGuard },
};

/** A token for a program, by a key of its own. */
async function boundRequest(tokens, id) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { crv, kty, x, y } = publicKey.export({ format: 'jwk' });
  const jwk = { crv, kty, x, y };
  const dpopKeyThumbprint = createHash('sha256').update(JSON.stringify(jwk)).digest('base64url');
  const order = { name: 'bench', scopes: ['bench'], dpopKeyThumbprint };
  const { accessToken } = await tokens.issueProgramToken({ id }, order);
  const request = meRequest(accessToken, id);
  return { ...request, token: accessToken, jwk, privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }) };
}

async function requestsOf(tokens, way) {
  const requests = [];
  for (let index = 1; index <= USERS; index++) {
    const id = `u${index}`;
    if (way === 'dpop') requests.push(await boundRequest(tokens, id));
    else {
      const { accessToken } = await tokens.issueProgramToken({ id }, { name: 'bench', scopes: ['bench'] });
      requests.push(meRequest(accessToken, id));
    }
  }
  return requests;
}

function bound(platform, way) {
  const { about, guard } = WAYS[way];
  return {
    name: `bound/${platform}/postgres/${way}`,
    about: `nestjs-jwt-knox on ${platform} and postgres, deviceBinding: ${about}`,
    database: { kind: 'postgres', tables: 'own' },
    statements: 1,
    ...(way === 'dpop' && { exchanges: proven(ORIGIN) }),
    async serve(settings) {
      const options = { publicOrigin: ORIGIN };
      const features = [deviceBinding({ dbsc: 'off' })];
      const controller = meController({ guard: guard(), user: CurrentUser() });
      const how = { platform, lookUp: 'session', options, features, controller };
      const { port, tokens } = await startKnox(how, settings);
      return { port, requests: await requestsOf(tokens, way) };
    },
  };
}

export const boundRequests = PLATFORMS.flatMap((platform) => Object.keys(WAYS).map((way) => bound(platform, way)));
