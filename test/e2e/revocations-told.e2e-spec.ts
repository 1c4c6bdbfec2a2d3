import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { TypeOrmModule } from '@nestjs/typeorm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { JwtKnoxEvents, StorageUnavailableError } from '../../lib';
import { JwtKnoxFence, JwtKnoxSession } from '../../lib/typeorm';
import { leaseCache, localFeed, type RevocationFeed } from '../../lib/cache';
import type { RevocationsOptions } from '../../lib/verifier';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../../lib/options/resolve-options';
import { OpenChannels } from '../../lib/sessions/open-channels';
import { RevocationLog } from '../../lib/sessions/revocation-log';
import { BusFeed } from '../support/bus-feed';
import { type Control, controlledRepository } from '../support/controlled-repository';
import type { TestApp } from '../support/create-app';
import { platforms } from '../support/platforms';
import { createHearingService, createStreamingIssuer, portOf, Relay } from '../support/revocations';

const REFUSED = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });

const imports = [TypeOrmModule.forFeature([JwtKnoxSession, JwtKnoxFence])];

/** A service that asks nobody: what the stream tells it is all that it knows. */
describe('L5 the revocation stream tells what happened', () => {
  let issuer: TestApp;
  let service: Awaited<ReturnType<typeof createHearingService>>;
  let control: Control;
  let marks = 0;
  let closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.toReversed()) await close();
    closing = [];
  });

  const open = async (feed: RevocationFeed, options: object = {}, revocations: RevocationsOptions = {}) => {
    const controlled = controlledRepository();
    control = controlled.control;
    const extras = { features: [leaseCache({ feed })], storage: { ...controlled.storage, imports } };
    issuer = await createStreamingIssuer(platforms[0]!, 'sqlite', options, extras);
    closing.push(() => issuer.close());
    const relay = await Relay.before(portOf(issuer));
    closing.push(() => relay.close());
    await issuer.users.add('alice');
    await issuer.users.add('bob');
    service = await createHearingService(platforms[0]!, { issuer, relay }, { introspection: false, revocations });
    closing.push(() => service.close());
    await service.heard();
  };

  const atIssuer = async (token: string) => (await issuer.http.get('/notes', { token })).status;
  const atService = async (token: string) => (await service.http.get('/notes', { token })).status;
  /** What both say, once the service has heard all that was told until now. */
  const both = async (token: string) => {
    const sessionId = `marker-${marks++}`;
    issuer.app.get(JwtKnoxEvents).emit('session.announced', { scope: { sessionId }, isEnd: true });
    const marker = { sessionId, userId: '', issuedAt: Infinity, mayBeProgram: false };
    await vi.waitUntil(() => service.view.judge(marker) === 'over', { timeout: 10_000, interval: 10 });
    await service.heard();
    return [await atIssuer(token), await atService(token)];
  };
  const refreshed = async (refreshToken: string) =>
    (await issuer.http.post('/auth/refresh', { json: { refresh_token: refreshToken } })).body.access_token as string;
  const fail = (named: string, when: 'before' | 'after') => {
    control.intercept = async (method, proceed) => {
      if (method !== named) return proceed();
      if (when === 'after') await proceed();
      throw REFUSED;
    };
  };

  describe.each([
    ['over a bus', () => new BusFeed(new EventEmitter())],
    ['within one process', () => localFeed()],
  ])('%s', (_name, feed) => {
    beforeEach(() => open(feed()));

    it('nothing of a session that began after the moment of revokeBefore, and was refreshed by a clock behind', async () => {
      await issuer.login('bob');
      issuer.clock.advance('1m');
      const { refresh_token, access_token } = await issuer.login('alice');
      const began = issuer.clock.now();
      // The other process, within the margin.
      issuer.clock.advance('-3s');
      const token = await refreshed(refresh_token);
      issuer.clock.advance('30s');
      expect(await issuer.tokens.revokeBefore(began - 1_000)).toBe(1);
      expect((await both(access_token))[0]).toBe(200);
      const marker = { sessionId: 'another', userId: '1', mayBeProgram: false };
      expect(await atIssuer(token)).toBe(200);
      expect(service.view.judge({ ...marker, issuedAt: Math.floor((began - 3_000) / 1_000) })).toBe('doubtful');
      expect(service.view.judge({ ...marker, issuedAt: Math.floor((began - 60_000) / 1_000) })).toBe('over');
    });

    it('nothing of a session that somebody else wanted to end', async () => {
      const alice = await issuer.login('alice');
      const bob = await issuer.login('bob');
      const answer = await issuer.http.delete(`/auth/sessions/${alice.session_id}`, { token: bob.access_token });
      expect(answer.status).toBe(404);
      expect(await both(alice.access_token)).toEqual([200, 200]);
      expect(await issuer.tokens.revoke(alice.session_id, { userId: 'nobody' })).toBe(false);
      expect(await both(alice.access_token)).toEqual([200, 200]);
      expect(await both(await refreshed(alice.refresh_token))).toEqual([200, 200]);
    });

    it('nothing of sessions that somebody made up', async () => {
      const { access_token: token } = await issuer.login('bob');
      const known = issuer.app.get(RevocationLog);
      for (let count = 0; count < 3; count++) {
        const answer = await issuer.http.delete(`/auth/sessions/${randomUUID()}`, { token });
        expect(answer.status).toBe(404);
      }
      expect([...known.ends()].filter(({ from }) => from === undefined)).toEqual([]);
    });

    it('nothing that services would not read, whatever moment is given', async () => {
      const { refresh_token: refreshToken } = await issuer.login('alice');
      expect(await issuer.tokens.revokeBefore(new Date('1969-12-31'))).toBe(0);
      issuer.clock.advance('30s');
      expect(await both(await refreshed(refreshToken))).toEqual([200, 200]);
    });

    it('no end where the storage was down: the next token of the session is good', async () => {
      const { access_token: token, refresh_token: refreshToken, session_id: id } = await issuer.login('alice');
      fail('deleteById', 'before');
      await expect(issuer.tokens.revoke(id)).rejects.toThrow(StorageUnavailableError);
      fail('deleteByUser', 'before');
      await expect(issuer.tokens.revokeAll('1')).rejects.toThrow(StorageUnavailableError);
      control.heal();
      // In doubt, a service that asks nobody refuses.
      expect(await both(token)).toEqual([200, 401]);
      issuer.clock.advance('30s');
      expect(await both(await refreshed(refreshToken))).toEqual([200, 200]);
    });

    it.each([
      ['revoke', 'deleteById', (id: string) => issuer.tokens.revoke(id)],
      ['revokeAll', 'deleteByUser', () => issuer.tokens.revokeAll('1')],
      ['revokeBefore', 'deleteCreatedBefore', () => issuer.tokens.revokeBefore(issuer.clock.now())],
    ] as const)('an end whose answer was lost: %s', async (_verb, method, end) => {
      const { access_token: token, session_id: id } = await issuer.login('alice');
      issuer.clock.advance('30s');
      expect(await both(token)).toEqual([200, 200]);
      fail(method, 'after');
      await expect(end(id)).rejects.toThrow(StorageUnavailableError);
      expect(await both(token)).toEqual([401, 401]);
      control.heal();
      expect(Number(await end(id))).toBe(0);
      expect(await both(token)).toEqual([401, 401]);
    });

    it('the moment of an end, however long it took', async () => {
      const { access_token: old } = await issuer.login('alice');
      issuer.clock.advance('30s');
      const since = issuer.clock.now();
      control.intercept = async (method, proceed) => {
        const answer = await proceed();
        if (method === 'deleteByUser') issuer.clock.advance('60s');
        return answer;
      };
      expect(await issuer.tokens.revokeAll('1')).toBe(1);
      const until = issuer.clock.now();
      issuer.clock.advance('60s');
      const { access_token: later } = await issuer.login('alice');
      expect(await both(old)).toEqual([401, 401]);
      expect(await both(later)).toEqual([200, 200]);
      const [{ from, before }] = [...issuer.app.get(RevocationLog).ends()].filter((end) => end.user_id === '1') as [
        any,
      ];
      // By other clocks.
      const { clockMargin } = issuer.app.get<ResolvedOptions>(JWT_KNOX_OPTIONS);
      expect(from).toBe(Math.floor((since - clockMargin) / 1_000));
      expect(before).toBe(Math.ceil((until + clockMargin) / 1_000));
    });
  });

  it.each([1, 2])('the moment of an end that was told late, asked for %d times', async (times) => {
    const feed = new BusFeed(new EventEmitter());
    await open(feed);
    const { access_token: old } = await issuer.login('alice');
    feed.isDown = true;
    for (let count = 0; count < times; count++) {
      await expect(issuer.tokens.revokeAll('1')).rejects.toThrow(StorageUnavailableError);
      issuer.clock.advance('1s');
    }
    issuer.clock.advance('15s');
    const { access_token: later } = await issuer.login('alice');
    const ends: string[] = [];
    const channels = issuer.app.get(OpenChannels);
    const shown = await issuer.tokens.authenticate(later);
    channels.open(shown, undefined, { recheck: 60_000, lifetime: 'session' }, (end) => void ends.push(end));
    issuer.clock.advance('30s');
    let told = 0;
    issuer.app.get(JwtKnoxEvents).on('session.announced', ({ isEnd }) => void (told += Number(isEnd)));
    feed.isDown = false;
    await expect.poll(() => told, { timeout: 5_000 }).toBe(times);
    expect(await both(old)).toEqual([401, 401]);
    expect(await both(later)).toEqual([200, 200]);
    expect(ends).toEqual([]);
  });

  it('an end that others cannot be told of, to those who listen to this process', async () => {
    const feed = new BusFeed(new EventEmitter());
    await open(feed);
    const { access_token: old, session_id: id } = await issuer.login('alice');
    expect(await both(old)).toEqual([200, 200]);
    feed.isDown = true;
    await expect(issuer.tokens.revoke(id)).rejects.toThrow(StorageUnavailableError);
    expect(await both(old)).toEqual([401, 401]);
  });

  it('for as long as an access token lives, to those that begin to listen', async () => {
    await open(localFeed(), { accessToken: { ttl: '8h' } });
    const ended = await issuer.login('alice');
    const living = await issuer.login('alice');
    issuer.clock.advance('1m');
    await issuer.tokens.revoke(ended.session_id);
    issuer.clock.advance('7h');
    expect(await both(ended.access_token)).toEqual([401, 401]);
    expect(await both(living.access_token)).toEqual([200, 200]);
  });

  it('and what has ended stays so, though the issuer tells of it no longer', async () => {
    await open(localFeed(), {}, { onSilence: 'accept-until-exp' });
    const alice = (await issuer.users.rows.findOneBy({ username: 'alice' }))!;
    const named = { name: 'CI', scopes: ['notes:read'], ttl: '90d' };
    const { accessToken, session } = await issuer.tokens.issueProgramToken(alice, named);
    issuer.clock.advance('1m');
    await issuer.tokens.revoke(session.id);
    for (let minutes = 0; minutes < 9; minutes += 3) {
      expect(await both(accessToken)).toEqual([401, 401]);
      issuer.clock.advance('3m');
    }
    expect(await both(accessToken)).toEqual([401, 401]);
  });

  it('and what lives on is in doubt no longer than access tokens of that time live', async () => {
    await open(localFeed(), {}, { onSilence: 'accept-until-exp' });
    const alice = (await issuer.users.rows.findOneBy({ username: 'alice' }))!;
    const named = { name: 'CI', scopes: ['notes:read'], ttl: '90d' };
    const { accessToken } = await issuer.tokens.issueProgramToken(alice, named);
    issuer.clock.advance('1m');
    await issuer.login('alice');
    const { access_token: token } = await issuer.login('alice');
    expect(await both(accessToken)).toEqual([200, 200]);
    await issuer.http.post('/auth/logout-other', { token });
    expect(await both(accessToken)).toEqual([200, 401]);
    issuer.clock.advance('7m');
    await expect.poll(() => both(accessToken), { timeout: 5_000 }).toEqual([200, 200]);
  });
});
