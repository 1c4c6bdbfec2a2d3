import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { IssuedTokens, RevokeOptions } from '../../lib';
import { JwtKnoxFence, JwtKnoxSession } from '../../lib/typeorm';
import { controlledRepository, deferred } from '../support/controlled-repository';
import { createApp, environments, type TestApp } from '../support/create-app';
import type { User } from '../support/users';

type Pair = Pick<IssuedTokens, 'accessToken' | 'refreshToken'>;

describe.each(environments)('credentials that were proven again: $title', ({ platform, kind }) => {
  const { storage, control } = controlledRepository();
  let t: TestApp;
  let alice: User;
  let copied: IssuedTokens<User>;
  let count = 0;

  beforeAll(async () => {
    const extras = { storage };
    t = await createApp(platform, kind, { extras, entities: [JwtKnoxSession, JwtKnoxFence] });
  });
  afterAll(() => t.close());
  beforeEach(async () => {
    control.heal();
    alice = await t.users.add(`alice${++count}`);
    copied = await t.tokens.issue(alice);
    t.events.length = 0;
  });

  const refresh = (token: string | undefined) => t.http.post('/auth/refresh', { json: { refresh_token: token } });
  const isGood = async (token: string) => (await t.statusOf(token)) === 204;
  const rowOf = (id: string) => t.source.getRepository(JwtKnoxSession).findOneByOrFail({ id });

  async function expectWorthless(...pairs: Pair[]): Promise<void> {
    for (const { accessToken, refreshToken } of pairs) {
      expect(await isGood(accessToken)).toBe(false);
      const json = { refresh_token: refreshToken };
      const answers = [await t.http.post('/auth/refresh', { json }), await t.http.post('/auth/logout', { json })];
      // Not a replay either: whoever holds them can end nothing.
      expect(answers.map((one) => [one.status, one.body.code])).toEqual([
        [401, 'invalid_refresh_token'],
        [401, 'invalid_refresh_token'],
      ]);
    }
  }

  async function expectGood({ accessToken, refreshToken }: Pair): Promise<void> {
    expect(await isGood(accessToken)).toBe(true);
    t.clock.advance('1m');
    expect((await refresh(refreshToken)).status).toBe(200);
  }

  const proofs: [string, (tokens: IssuedTokens) => Promise<IssuedTokens | null>][] = [
    ['changeCredentials', ({ session }) => t.tokens.changeCredentials(session, () => undefined)],
    ['reauthenticate', ({ session }) => t.tokens.reauthenticate(session)],
  ];

  describe.each(proofs)('%s', (_title, prove) => {
    it('makes everything worthless that was issued in this session before, whoever holds a copy', async () => {
      t.clock.advance('10m');
      const rotated = await t.tokens.refresh(copied.refreshToken!);
      const fresh = await prove(copied);
      expect(fresh!.session.id).toBe(copied.session.id);
      await expectWorthless(copied, rotated);
      await expectGood(fresh!);
    });

    it('moves the moment of the proof on, for who proved it alone', async () => {
      t.clock.advance('4m');
      const fresh = await prove(copied);
      expect(fresh!.session.authenticatedAt).toBe(t.clock.now());
      await expect(t.tokens.authenticate(copied.accessToken)).rejects.toMatchObject({ code: 'invalid_token' });
    });

    it.each(['findById', 'rotate'] as const)('wins against a refresh that is held at its %s', async (held) => {
      const [reached, released] = [deferred(), deferred()];
      control.intercept = async (method, proceed) => {
        if (method !== held) return proceed();
        control.heal();
        const read = held === 'findById' ? await proceed() : undefined;
        reached.resolve();
        await released.promise;
        return read ?? proceed();
      };
      t.clock.advance('1m');
      const late = refresh(copied.refreshToken);
      await reached.promise;
      const fresh = await prove(copied);
      released.resolve();
      const { status, body } = await late;
      expect([status, body.code]).toEqual([401, 'invalid_refresh_token']);
      await expectWorthless(copied);
      await expectGood(fresh!);
    });

    it('wins against a refresh that comes between its read and its write', async () => {
      t.clock.advance('1m');
      let rotated: IssuedTokens | undefined;
      control.intercept = async (method, proceed) => {
        if (method !== 'renewKeys') return proceed();
        control.heal();
        rotated = await t.tokens.refresh(copied.refreshToken!);
        return proceed();
      };
      const fresh = await prove(copied);
      await expectWorthless(copied, rotated!);
      await expectGood(fresh!);
    });
  });

  it('changeCredentials ends the other sessions, by an event that says who did it', async () => {
    const other = await t.tokens.issue(alice);
    await t.tokens.changeCredentials(copied.session, () => undefined);
    await expectWorthless(other);
    const actor = { userId: String(alice.id), sessionId: copied.session.id };
    const scope = { realm: '', userId: actor.userId, except: copied.session.id };
    const ended = {
      scope,
      userId: actor.userId,
      sessionId: null,
      count: 1,
      since: expect.any(Number),
      reason: 'credentials_changed',
      actor,
    };
    expect(t.events.filter(({ name }) => name === 'session.revoked').map(({ event }) => event)).toEqual([ended]);
  });

  it('changeCredentials ends nothing, and keeps the keys, when the new ones could not be stored', async () => {
    const store = () => Promise.reject(new Error('disk full'));
    await expect(t.tokens.changeCredentials(copied.session, store)).rejects.toThrow('disk full');
    expect(await isGood(copied.accessToken)).toBe(true);
  });

  it("does not touch another user's session, whatever its id is given with", async () => {
    const bob = await t.users.add(`bob${count}`);
    const target = { id: copied.session.id, userId: String(bob.id) };
    expect(await t.tokens.changeCredentials(target, () => undefined)).toBeNull();
    await expect(t.tokens.reauthenticate(target)).rejects.toMatchObject({ code: 'invalid_token' });
    expect(await isGood(copied.accessToken)).toBe(true);
  });

  it('refuses a proof that is still to come, and writes nothing', async () => {
    const before = await rowOf(copied.session.id);
    const nextYear = new Date(t.clock.now() + 365 * 86_400_000);
    const error = 'lies in the future';
    await expect(t.tokens.issue(alice, {}, { authenticatedAt: nextYear })).rejects.toThrow(error);
    await expect(t.tokens.reauthenticate(copied.session, { at: nextYear })).rejects.toThrow(error);
    await expect(t.tokens.issue(alice, {}, { authenticatedAt: new Date(NaN) })).rejects.toThrow('not a valid date');
    expect(await rowOf(copied.session.id)).toEqual(before);
    expect(await t.tokens.list(String(alice.id))).toHaveLength(1);
    const now = new Date(t.clock.now());
    expect((await t.tokens.issue(alice, {}, { authenticatedAt: now })).session.authenticatedAt).toBe(now.getTime());
  });

  describe('an id that went missing', () => {
    const nobody = undefined as any;

    it.each<[string, any]>([
      ['undefined', nobody],
      ['null', null],
      ['a bare id', '1'],
      ['{ userId: undefined }', { userId: nobody }],
      ['{ userId: null }', { userId: null }],
      ["{ userId: '' }", { userId: '' }],
      ['{ userId: 0 }', { userId: 0 }],
      ['a reason beside it', { userId: nobody, reason: 'admin' }],
    ])('ends no session of anybody: revoke(id, %s)', async (_title, only: RevokeOptions) => {
      await expect(t.tokens.revoke(copied.session.id, only)).rejects.toThrow(TypeError);
      expect(await isGood(copied.accessToken)).toBe(true);
      expect(t.events).toEqual([]);
    });

    it('is refused by whatever ends or lists sessions', async () => {
      const calls = [
        () => t.tokens.revokeAll(nobody),
        () => t.tokens.userDisabled(nobody),
        () => t.tokens.revokeOther({ id: copied.session.id, userId: nobody }),
        () => t.tokens.revokeOther({ id: nobody, userId: String(alice.id) }),
        () => t.tokens.changeCredentials({ userId: nobody }, () => expect.unreachable()),
        () => t.tokens.changeCredentials({ id: nobody, userId: String(alice.id) }, () => expect.unreachable()),
        () => t.tokens.reauthenticate({ id: copied.session.id, userId: nobody }),
        () => t.tokens.list(nobody),
      ];
      for (const call of calls) await expect(call()).rejects.toThrow(TypeError);
      expect(await isGood(copied.accessToken)).toBe(true);
    });

    it.each([undefined, null, {}, { counter: -1, at: 0 }, { counter: '0', at: 0 }, { counter: 0, at: NaN }])(
      'starts no session: issue with the arrival %j',
      async (arrival: any) => {
        await expect(t.tokens.issue(alice, {}, { arrival })).rejects.toThrow('arrival must be what');
        expect(await t.tokens.list(String(alice.id))).toHaveLength(1);
      },
    );

    it('control: leaving the options out is no mistake', async () => {
      expect(await t.tokens.revoke(copied.session.id)).toBe(true);
      expect(await t.tokens.revoke(copied.session.id, {})).toBe(false);
    });
  });
});
