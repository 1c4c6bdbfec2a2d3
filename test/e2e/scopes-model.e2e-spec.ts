import { Controller, Get, UseGuards } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type IssuedTokens, JwtKnoxGuard, Scopes } from '../../lib';
import { environments } from '../support/create-app';
import type { VerifierApp } from '../support/create-verifier';
import { often } from '../support/lengths';
import type { User } from '../support/users';
import { createLandscape, type Landscape, MODES, type VerifierMode } from '../support/verified-services';

const WANTED = ['a', 'a:b', 'a:b:c', 'b', 'b:a', 'c:*'];
const GRANTED = [...WANTED, '*', 'a:*', 'a:b:*', 'b:*', 'a*', 'A', 'ab'];

@Controller('model')
@UseGuards(JwtKnoxGuard)
class ModelController {}

// One route for each scope that may be wanted.
for (const [index, scope] of WANTED.entries()) {
  const name = `wants${index}`;
  Object.defineProperty(ModelController.prototype, name, { value: () => ({}), configurable: true, writable: true });
  const descriptor = Object.getOwnPropertyDescriptor(ModelController.prototype, name)!;
  Get(String(index))(ModelController.prototype, name, descriptor);
  Scopes(scope)(ModelController.prototype, name, descriptor);
}

/** What RFC 6749 section 3.3 and a wildcard at the end say, in as many words; null is everything. */
function allows(granted: readonly string[] | null, wanted: string): boolean {
  if (granted === null) return true;
  return granted.some((one) => {
    if (one === '*' || one === wanted) return true;
    return one.endsWith(':*') && wanted.startsWith(one.slice(0, -1)) && wanted.length > one.length - 1;
  });
}

/** What a session may do, as the model has it, and as its newest token says it. */
interface Modelled {
  tokens: IssuedTokens<User>;
  row: readonly string[] | null;
  token: readonly string[] | null;
}

const pick = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)]!;
const some = () =>
  Math.random() < 0.1 ? null : Array.from({ length: Math.floor(Math.random() * 4) }, () => pick(GRANTED));

describe.each(environments.slice(0, 1))(
  'scopes, narrowing and refreshes against a model: $title',
  ({ platform, kind }) => {
    let t: Landscape;
    let alice: User;
    const services = {} as Record<VerifierMode, VerifierApp>;

    beforeAll(async () => {
      t = await createLandscape(platform, kind, { refreshToken: { reuseInterval: 0 } });
      alice = await t.issuer.users.add('alice');
      for (const mode of MODES) services[mode] = await t.service(mode, {}, { controllers: [ModelController] });
    });
    afterAll(() => t?.close());

    async function step(session: Modelled): Promise<void> {
      if (Math.random() < 0.5) {
        session.tokens = await t.issuer.tokens.refresh(session.tokens.refreshToken!);
        session.token = session.row;
        return;
      }
      const wanted = some() ?? [];
      const isWithin = wanted.every((scope) => allows(session.row, scope));
      const narrowed = t.issuer.tokens.narrow(session.tokens.session.id, wanted);
      if (!isWithin) return expect(narrowed).rejects.toThrow(TypeError);
      expect(await narrowed).toBe(true);
      session.row = wanted;
    }

    it('agree at every service, after every step', async () => {
      let questions = 0;
      for (let history = 0; history < often(25, 250); history++) {
        const scopes = some();
        const tokens = await t.issuer.tokens.issue(alice, {}, { scopes });
        const session: Modelled = { tokens, row: scopes, token: scopes };
        for (let steps = 0; steps < 4; steps++) {
          for (const mode of MODES) {
            const index = Math.floor(Math.random() * WANTED.length);
            const { status } = await services[mode].http.get(`/model/${index}`, { token: session.tokens.accessToken });
            const granted = mode === 'jwks' ? session.token : session.row;
            const expected = allows(granted, WANTED[index]!) ? 200 : 403;
            expect([mode, granted, WANTED[index], status]).toEqual([mode, granted, WANTED[index], expected]);
            questions++;
          }
          await step(session);
        }
      }
      expect(questions).toBeGreaterThan(250);
    }, 120_000);
  },
);
