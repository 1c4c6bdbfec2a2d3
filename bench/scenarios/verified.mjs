// A service that checks signatures by itself, and the same when it hears which sessions end.
import { setTimeout as delay } from 'node:timers/promises';
import { CurrentUser, JwtKnoxGuard } from 'nestjs-jwt-knox';
import { JwtKnoxVerifierModule } from 'nestjs-jwt-knox/verifier';
import { PLATFORMS } from '../groups.mjs';
import { startIssuer } from '../issuer.mjs';
import { meController, startNest } from '../nest-host.mjs';
import { meRequest, USERS } from '../tokens.mjs';

/** As many as a service keeps. */
const ENDS = 100_000;
const FIRST_MS = 5_000;
const PATIENCE_MS = 30_000;
const MB = 2 ** 20;

/** Asks until the answer has this status. @param tokenOf gives what to ask with */
async function untilAnswered(port, status, tokenOf) {
  const late = performance.now() + PATIENCE_MS;
  while (performance.now() < late) {
    const headers = { authorization: `Bearer ${await tokenOf()}` };
    const answer = await fetch(`http://127.0.0.1:${port}/me`, { headers });
    await answer.arrayBuffer();
    if (answer.status === status) return;
    await delay(50);
  }
  throw new Error(`The service did not answer ${status}.`);
}

function heap() {
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

/** @returns what the ends take in memory, MB */
async function hear(issuer, port) {
  const last = async () => {
    const [{ id, token }] = await issuer.tokens(1);
    return { id, token };
  };
  const before = heap();
  await issuer.endOthers(ENDS - 1);
  const { id, token } = await last();
  await issuer.end(id);
  // Told after all others.
  await untilAnswered(port, 401, () => token);
  // What came is on its way through buffers no more.
  await delay(2_000);
  return (heap() - before) / MB;
}

function verified(platform, hears) {
  return {
    name: `verified/${platform}/${hears ? 'revocations' : 'signature'}`,
    about: `JwtKnoxVerifierModule on ${platform}, jwks${hears ? ` with revocations, of which it keeps ${ENDS}` : ''}`,
    async serve() {
      const issuer = await startIssuer();
      const { jwks, ...options } = issuer.options;
      const { port } = await startNest(platform, {
        imports: [
          JwtKnoxVerifierModule.forRoot({
            ...options,
            jwks: { ...jwks, ...(hears && { revocations: issuer.revocations }) },
          }),
        ],
        controllers: [meController({ guard: JwtKnoxGuard, user: CurrentUser() })],
      });
      // What was issued in the first seconds of an issuer, nothing is known of.
      await delay(FIRST_MS);
      await untilAnswered(port, 200, async () => (await issuer.tokens(1))[0].token);
      const held = hears ? await hear(issuer, port) : 0;
      const requests = (await issuer.tokens(USERS)).map(({ id, token }) => meRequest(token, id));
      return { port, requests, held };
    },
  };
}

export const verifiedRequests = PLATFORMS.flatMap((platform) =>
  [false, true].map((hears) => verified(platform, hears)),
);
