import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SOCKETS_CHANNEL } from '../../lib';
import { AUTHENTICATE, ownerBehind } from '../../lib/contracts/diagnostics';
import { STORAGE_CALLS } from '../../lib/options/traced-storage';
import { SessionRepository } from '../../lib/contracts/session.repository';
import { leaseCache, localFeed } from '../../lib/cache';
import { LeasedSessionRepository } from '../../lib/cache/leased-session.repository';
import { InMemorySessionRepository } from '../../lib/testing';
import { SessionAdminService } from '../../lib/sessions/session-admin.service';
import { AccessTokenVerifier } from '../../lib/sessions/access-token.verifier';
import { OpenChannels } from '../../lib/sessions/open-channels';
import { controlledRepository } from '../support/controlled-repository';
import { createApp, environments, type TestApp } from '../support/create-app';
import { JwtKnoxFence, JwtKnoxSession } from '../../lib/typeorm';
import { listen } from '../support/diagnostics';
import { useApp } from '../support/use-app';

describe.each(environments)('what diagnostics channels tell: $title', ({ platform, kind }) => {
  let t: TestApp;
  let name = '';
  let ears: ReturnType<typeof listen>;
  useApp({ platform, kind }, (app, { username }) => ([t, name] = [app, username]), {
    options: { session: { limitPerUser: 2, onLimit: 'evict-oldest' } },
  });
  beforeEach(() => {
    ears = listen();
  });
  afterEach(() => ears.stop());

  const refresh = (token: string) => t.http.post('/auth/refresh', { json: { refresh_token: token } });

  it('a login, a request, a refresh and a logout, each from its start to its end', async () => {
    const login = await t.login(name);
    await t.http.get('/notes', { token: login.access_token });
    const { body } = await refresh(login.refresh_token);
    await t.http.post('/auth/logout', { token: body.access_token });
    expect(ears.settled('login')).toEqual([{ realm: '', kind: 'login', outcome: 'ok' }]);
    expect(ears.settled('authenticate')).toEqual([{ realm: '', isCached: false, outcome: 'ok' }]);
    expect(ears.settled('refresh')).toEqual([{ realm: '', decision: 'rotate', outcome: 'ok' }]);
    expect(ears.settled('revoke')).toEqual([{ realm: '', why: 'logout', count: 1, outcome: 'ok' }]);
    const steps = ears.heard.filter((one) => one.name === 'login').map((one) => [one.step, one.said.outcome]);
    expect(steps).toEqual([
      ['start', undefined],
      ['end', undefined],
      ['asyncStart', 'ok'],
      ['asyncEnd', 'ok'],
    ]);
  });

  it('why a login came to nothing', async () => {
    const post = (password: string) => t.http.post('/auth/login', { json: { username: name, password } });
    await post('wrong');
    await t.users.rows.update({ username: name }, { isActive: false });
    await post(`${name}-password`);
    expect(ears.settled('login')).toEqual([
      { realm: '', kind: 'login', outcome: 'refused', reason: 'credentials' },
      { realm: '', kind: 'login', outcome: 'refused', reason: 'inactive' },
    ]);
    expect(ears.heard.filter((one) => one.step === 'error').map((one) => one.name)).toEqual(['login', 'login']);
  });

  it('as many refusals of tokens as events, with the same reasons', async () => {
    const login = await t.login(name);
    await t.http.get('/notes', { token: `${login.access_token}x` });
    await t.http.post('/auth/logout', { token: login.access_token });
    await t.http.get('/notes', { token: login.access_token });
    await refresh(login.refresh_token);
    await t.http.post('/auth/logout', { token: login.access_token });
    const refused = (['authenticate', 'refresh', 'revoke'] as const).flatMap((one) =>
      ears.settled(one).filter(({ outcome }) => outcome === 'refused'),
    );
    const emitted = t.events.filter((one) => one.name === 'authentication.rejected').map((one) => one.event.reason);
    expect(emitted.length).toBe(4);
    expect(refused.map(({ reason }) => reason).toSorted()).toEqual(emitted.toSorted());
  });

  it('every end of sessions once, also those by a replay and by the limit', async () => {
    const first = await t.login(name);
    const second = await refresh(first.refresh_token);
    t.clock.advance('20m');
    await refresh(second.body.refresh_token);
    t.clock.advance('20m');
    expect((await refresh(first.refresh_token)).body.code).toBe('refresh_token_reused');
    for (let count = 0; count < 3; count++) await t.login(name);
    const ends = t.events.filter((one) => one.name === 'session.revoked').map((one) => one.event);
    expect(ends.map(({ reason }) => reason)).toEqual(['reused', 'evicted']);
    expect(ears.settled('revoke')).toEqual([
      { realm: '', why: 'reused', count: 1, outcome: 'ok' },
      { realm: '', why: 'evicted', count: 1, outcome: 'ok' },
    ]);
    expect(ears.settled('refresh').map(({ outcome, reason, decision }) => [outcome, reason ?? decision])).toEqual([
      ['ok', 'rotate'],
      ['ok', 'rotate'],
      ['refused', 'reused'],
    ]);
  });

  it('what a purge deleted', async () => {
    await t.login(name);
    t.clock.advance('40d');
    const deleted = await t.app.get(SessionAdminService).purgeExpired();
    expect(deleted).toBeGreaterThan(0);
    expect(ears.settled('purge')).toEqual([{ realm: '', count: deleted, outcome: 'ok' }]);
  });

  it('the calls of the storage, by their names', async () => {
    await t.login(name);
    expect(ears.settled('storage').map(({ call }) => call)).toEqual(['readCounter', 'findSlots', 'insert', 'isFenced']);
  });

  it('S11: no message has a token, a key, an id or what was sent', async () => {
    const login = await t.login(name);
    const { body } = await refresh(login.refresh_token);
    await t.http.get('/notes', { token: `${body.access_token}x` });
    await t.http.post('/auth/login', { json: { username: name, password: 'a-wrong-password' } });
    await t.http.post('/auth/logout', { token: body.access_token });
    const messages = ears.heard.map((one) => one.message);
    const shown = inspect(messages, { depth: 20, showHidden: true }) + JSON.stringify(messages);
    const secrets = [login.access_token, login.refresh_token, body.access_token, body.refresh_token, login.session_id];
    for (const secret of [...secrets, name, 'a-wrong-password']) expect(shown).not.toContain(secret);
    expect(messages.every((message) => ownerBehind(message) !== undefined)).toBe(true);
    expect(Object.keys(Object.assign({}, ...messages)).toSorted()).toEqual([
      'call',
      'count',
      'decision',
      'duration',
      'isCached',
      'kind',
      'outcome',
      'realm',
      'reason',
      'why',
    ]);
  });

  it('and enter a store that a listener binds, so that what runs within finds it', async () => {
    const { start } = tracingChannel<string, object>('jwt-knox:authenticate');
    const store = new AsyncLocalStorage<string>();
    const found: unknown[] = [];
    const storage = tracingChannel<unknown, object>('jwt-knox:storage').start;
    const look = () => void found.push(store.getStore());
    const login = await t.login(name);
    start.bindStore(store, () => 'within');
    storage.subscribe(look);
    await t.http.get('/notes', { token: login.access_token });
    start.unbindStore(store);
    storage.unsubscribe(look);
    expect(found).toEqual(['within']);
  });

  it('how many sockets and streams are open', async () => {
    const told: unknown[] = [];
    const listener = (message: unknown) => void told.push(message);
    subscribe(SOCKETS_CHANNEL, listener);
    const channels = t.app.get(OpenChannels, { strict: false });
    const shown = await t.tokens.authenticate((await t.login(name)).access_token);
    const open = channels.open(shown, undefined, { lifetime: 'session', recheck: 60_000 } as any, () => undefined);
    channels.leave(open);
    unsubscribe(SOCKETS_CHANNEL, listener);
    expect(told).toEqual([
      { realm: '', open: 1 },
      { realm: '', open: 0 },
    ]);
  });
});

describe('what diagnostics channels tell of a storage that fails', () => {
  it('503 as unavailable, with the call that failed', async () => {
    const { storage, control } = controlledRepository();
    const { platform, kind } = environments[0]!;
    const t = await createApp(platform, kind, { extras: { storage }, entities: [JwtKnoxSession, JwtKnoxFence] });
    await t.users.add('alice');
    const login = await t.login();
    const ears = listen();
    control.intercept = async () => Promise.reject(Object.assign(new Error('secret words'), { code: 'ECONNRESET' }));
    expect((await t.http.get('/notes', { token: login.access_token })).status).toBe(503);
    control.heal();
    ears.stop();
    await t.close();
    const reason = 'storage_unavailable';
    expect(ears.settled('authenticate')).toEqual([{ realm: '', isCached: false, outcome: 'unavailable', reason }]);
    expect(ears.settled('storage')).toEqual([{ realm: '', call: 'findById', outcome: 'failed', reason: 'Error' }]);
    expect(inspect(ears.heard)).not.toContain('secret words');
  });
});

describe('what memory answers', () => {
  const { platform, kind } = environments[0]!;
  const settings = {
    extras: { features: [leaseCache({ feed: localFeed(), users: { announcedBy: 'application' as const } })] },
  };

  it('is told when it is over, at once; and makes no promise, listened to or not', async () => {
    const t = await createApp(platform, kind, settings);
    await t.users.add('alice');
    const { access_token: token } = await t.login();
    const verifier = t.app.get(AccessTokenVerifier, { strict: false });
    await verifier.authenticate(token);
    expect(AUTHENTICATE.isHeard).toBe(false);
    const unheard = verifier.recall(token);
    const ears = listen(['authenticate']);
    const recalled = verifier.recall(token);
    ears.stop();
    await t.close();
    expect(unheard).toBeDefined();
    expect(unheard).not.toBeInstanceOf(Promise);
    expect(recalled!.session.id).toBe(unheard!.session.id);
    expect(ears.heard.map(({ step, said }) => [step, said.isCached, said.outcome])).toEqual([
      ['start', true, 'ok'],
      ['end', true, 'ok'],
    ]);
  });
});

/** What the contract has beside calls of the storage. */
const NO_CALLS = [
  'constructor', 'within', 'location', 'spellingOf', 'primaryDatabase', 'setupProblems', 'inspect', 'isUnavailable', 'columnProblems',
  'here', 'told', 'areGone',
]; // prettier-ignore

describe('the storage that is told of', () => {
  it('stays the object that it is, and every call of the contract is told', async () => {
    const { platform, kind } = environments[0]!;
    const repository = new InMemorySessionRepository();
    const t = await createApp(platform, kind, { extras: { storage: { useFactory: () => repository } } });
    expect(t.app.get(SessionRepository)).toBe(repository);
    expect(Object.keys(repository)).not.toContain('findById');
    await t.close();
    const all = Object.getOwnPropertyNames(LeasedSessionRepository.prototype);
    expect(all.filter((one) => !NO_CALLS.includes(one)).toSorted()).toEqual([...STORAGE_CALLS].toSorted());
  });
});
