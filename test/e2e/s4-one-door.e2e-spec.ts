import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { JwtKnoxError, type Presenter } from '../../lib';
import { JwtKnoxSession } from '../../lib/typeorm/session.entity';
import { createApp, everyEnvironment, type TestApp } from '../support/create-app';
import { configuredKeys, decode, forge, headers, rightful } from '../support/forge';
import { type Booty, FORGERIES } from '../support/forgeries';
import type { User } from '../support/users';
import { often } from '../support/lengths';

/** What a door says of a token: who came in, or what the caller and the log are told. */
interface Verdict {
  userId?: number;
  sessionId?: string;
  status?: number;
  code?: string;
  rejections: unknown[];
  statements: number;
}

describe.each(everyEnvironment)(
  'S4: the guard and TokenService.authenticate judge every token alike: $title',
  ({ platform, kind }) => {
    let t: TestApp;
    let user: User;
    let booty: Booty;
    let count = 0;

    beforeAll(async () => {
      t = await createApp(platform, kind, {
        options: { keys: configuredKeys, session: { bindUserAgent: 'reject', touchInterval: '1h' } },
      });
    });
    afterAll(() => t?.close());
    beforeEach(async () => {
      const name = `user${++count}`;
      user = await t.users.add(name);
      const { access_token: access, refresh_token: refresh } = await t.login(name);
      booty = { access, refresh, server: 'http://127.0.0.1:9' };
    });

    async function judged(door: () => Promise<Pick<Verdict, 'userId' | 'sessionId' | 'status' | 'code'>>) {
      const statements = t.statements.length;
      const events = t.events.length;
      const said = await door();
      // The presenter differs: only a request has an address.
      const rejections = t.events
        .slice(events)
        .map(({ name, event }) => ({ name, event: { ...event, presenter: null } }));
      return { ...said, rejections, statements: t.statements.length - statements } satisfies Verdict;
    }

    const byGuard = (token: string, { userAgent }: Presenter) =>
      judged(async () => {
        const headersSent = { ...(userAgent != null && { 'user-agent': userAgent }) };
        const { status, body } = await t.http.get('/notes', { token, headers: headersSent });
        return status === 200 ? { userId: body.userId, sessionId: body.sessionId } : { status, code: body.code };
      });

    const byService = (token: string, presenter: Presenter) =>
      judged(async () => {
        try {
          const { user: found, session } = await t.tokens.authenticate(token, presenter);
          return { userId: found.id, sessionId: session.id };
        } catch (error) {
          if (!(error instanceof JwtKnoxError)) throw error;
          return { status: error.status, code: error.code };
        }
      });

    async function bothSay(token: string, presenter: Presenter = {}): Promise<Verdict> {
      const [guard, service] = [await byGuard(token, presenter), await byService(token, presenter)];
      expect(service).toEqual(guard);
      return guard;
    }

    const rejectedFor = (reason: string) => ({
      status: 401,
      code: 'invalid_token',
      rejections: [{ name: 'authentication.rejected', event: expect.objectContaining({ reason }) }],
    });

    it.each(Object.keys(rightful) as (keyof typeof rightful)[])(
      'both accept a good token of the key %s, with as many statements',
      async (kid) => {
        const verdict = await bothSay(forge(booty.access, rightful[kid], { header: headers[kid] }));
        const { sid } = decode(booty.access).payload;
        expect(verdict).toEqual({ userId: user.id, sessionId: sid, rejections: [], statements: expect.any(Number) });
        expect(verdict.statements).toBeGreaterThan(0);
      },
    );

    it('both refuse every known kind of forged token, for the same reason', async () => {
      for (const { make, reason } of FORGERIES) {
        const code = reason === 'expired' ? 'token_expired' : 'invalid_token';
        expect(await bothSay(make(booty))).toEqual({ ...rejectedFor(reason), code, statements: 0 });
      }
    });

    it('both refuse a good token with any one character changed', async () => {
      const { access } = booty;
      const character = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCodePoint(code));
      const position = fc.nat({ max: access.length - 1 });
      await fc.assert(
        fc.asyncProperty(position, character, async (at, other) => {
          fc.pre(access[at] !== other);
          const verdict = await bothSay(access.slice(0, at) + other + access.slice(at + 1));
          expect(verdict).toMatchObject({ code: 'invalid_token', statements: 0 });
        }),
        { numRuns: often(60, 150) },
      );
    });

    it('both refuse any other text', async () => {
      const word = fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCodePoint(code)) });
      const part = fc
        .uint8Array({ minLength: 1, maxLength: 90 })
        .map((bytes) => Buffer.from(bytes).toString('base64url'));
      const token = fc.oneof(
        word,
        fc.array(part, { minLength: 2, maxLength: 4 }).map((parts) => parts.join('.')),
      );
      await fc.assert(
        fc.asyncProperty(token, async (text) => {
          expect(await bothSay(text)).toMatchObject({ code: 'invalid_token', statements: 0 });
        }),
        { numRuns: often(60, 150) },
      );
    });

    it('both refuse the token of a session that was ended', async () => {
      await t.tokens.revokeAll(String(user.id));
      expect(await bothSay(booty.access)).toMatchObject(rejectedFor('session_not_found'));
    });

    it('both refuse the token of a session that never was', async () => {
      const sid = '0d9f9a0e-6c3f-4a3e-9a55-0f4a5d1f0c11';
      const verdict = await bothSay(forge(booty.access, rightful.rsa, { payload: { sid } }));
      expect(verdict).toMatchObject(rejectedFor('session_not_found'));
    });

    it("both refuse a token whose key is not the session's", async () => {
      const verdict = await bothSay(forge(booty.access, rightful.rsa, { payload: { token_key: 'A'.repeat(43) } }));
      expect(verdict).toMatchObject(rejectedFor('key_mismatch'));
    });

    it("both refuse a token that names another user than the session's", async () => {
      const other = await t.users.add(`other${count}`);
      const verdict = await bothSay(forge(booty.access, rightful.rsa, { payload: { sub: String(other.id) } }));
      expect(verdict).toMatchObject(rejectedFor('user_mismatch'));
    });

    it('both refuse a token whose session has expired in the database', async () => {
      const { sid } = decode(booty.access).payload as { sid: string };
      await t.source.getRepository(JwtKnoxSession).update({ id: sid }, { expiresAt: t.clock.now() });
      expect(await bothSay(booty.access)).toMatchObject(rejectedFor('session_expired'));
    });

    it('both refuse the token of a user who was disabled', async () => {
      await t.users.rows.update({ id: user.id }, { isActive: false });
      expect(await bothSay(booty.access)).toMatchObject(rejectedFor('user_inactive'));
    });

    it('both refuse the token of a user who was removed', async () => {
      await t.users.rows.delete({ id: user.id });
      expect(await bothSay(booty.access)).toMatchObject(rejectedFor('user_not_found'));
    });

    it('both refuse a token from before the password was changed', async () => {
      await t.users.rows.update({ id: user.id }, { validSince: t.clock.now() + 1 });
      expect(await bothSay(booty.access)).toMatchObject(rejectedFor('credentials_outdated'));
    });

    it('both refuse a token that comes with another user-agent than the login', async () => {
      const presenter = { userAgent: 'another browser' };
      expect(await bothSay(booty.access, presenter)).toMatchObject(rejectedFor('user_agent_mismatch'));
    });

    it('both call a token that has expired expired, and not before', async () => {
      const exp = Number(decode(booty.access).payload.exp) * 1_000;
      const start = t.clock.now();
      t.clock.set(exp - 1);
      expect(await bothSay(booty.access)).toMatchObject({ userId: user.id });
      t.clock.set(exp);
      expect(await bothSay(booty.access)).toMatchObject({
        ...rejectedFor('expired'),
        code: 'token_expired',
        statements: 0,
      });
      t.clock.set(start);
    });
  },
);
