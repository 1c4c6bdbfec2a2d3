import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp, everyEnvironment, type TestApp } from '../support/create-app';
import { attackerKeys, configuredKeys, decode, forge, headers, rightful } from '../support/forge';
import { type Booty, FORGERIES } from '../support/forgeries';

const CHALLENGE = /^Bearer realm="[^"]+", error="invalid_token"$/;

describe.each(everyEnvironment)('S4: forged tokens: $title', ({ platform, kind }) => {
  let t: TestApp;
  let server: Server;
  let visits = 0;
  let booty: Booty;

  beforeAll(async () => {
    server = createServer((_request, response) => {
      visits++;
      const key = attackerKeys.rsa.publicKey.export({ format: 'jwk' });
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [{ ...key, kid: 'rsa' }] }));
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    t = await createApp(platform, kind, { options: { keys: configuredKeys } });
    await t.users.add('alice');
    const { access_token: access, refresh_token: refresh } = await t.login();
    booty = { access, refresh, server: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  });
  afterAll(async () => {
    await t?.close();
    await new Promise((closed) => server.close(closed));
  });

  /** Presents a token; tells the answer, what was read or written meanwhile, and what the application noted of it. */
  async function present(token: string) {
    const statements = t.statements.length;
    const events = t.events.length;
    const answer = await t.http.get('/notes', { token });
    return { answer, statements: t.statements.slice(statements), events: t.events.slice(events) };
  }

  it.each(Object.keys(rightful) as (keyof typeof rightful)[])(
    'control: a token forged with nothing changed is accepted, by the key %s',
    async (kid) => {
      const { answer, statements, events } = await present(
        forge(booty.access, rightful[kid], { header: headers[kid] }),
      );
      expect([answer.status, answer.body]).toEqual([200, expect.objectContaining({ username: 'alice' })]);
      expect(statements.length).toBeGreaterThan(0);
      expect(events).toEqual([]);
    },
  );

  it("control: the attacker's server would be heard of", async () => {
    await fetch(`${booty.server}/jwks.json`);
    expect(visits).toBe(1);
    visits = 0;
  });

  it.each(FORGERIES.map((forgery) => [forgery.title, forgery] as const))(
    'refuses %s, without asking the database',
    async (_title, { make, reason }) => {
      const { answer, statements, events } = await present(make(booty));
      expect(answer.status).toBe(401);
      expect(answer.body).toEqual({
        statusCode: 401,
        error: 'Unauthorized',
        code: reason === 'expired' ? 'token_expired' : 'invalid_token',
        message: reason === 'expired' ? 'The access token has expired.' : 'The access token is not valid.',
      });
      expect(answer.headers['www-authenticate']).toMatch(CHALLENGE);
      expect(statements).toEqual([]);
      expect(events).toEqual([
        { name: 'authentication.rejected', event: expect.objectContaining({ reason, sessionId: null, userId: null }) },
      ]);
    },
  );

  it('takes the last of two members of one name, as RFC 7515 section 4 allows, wherever the token is read', async () => {
    const { payload } = decode(booty.access);
    const payloadText = `{"sub":"nobody",${JSON.stringify(payload).slice(1)}`;
    expect((await present(forge(booty.access, rightful.rsa, { payloadText }))).answer.body).toMatchObject({
      userId: Number(payload.sub),
    });
  });

  it('gave no forged token anything: no request left the application, and the session is as it was', async () => {
    expect(visits).toBe(0);
    expect((await present(booty.access)).answer.status).toBe(200);
    expect(await t.tokens.list(String(decode(booty.access).payload.sub))).toHaveLength(1);
  });
});
