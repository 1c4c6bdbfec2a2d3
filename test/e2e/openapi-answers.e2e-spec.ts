import type { NestInterceptor } from '@nestjs/common';
import { map } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AnswerCheck, type Contract, contractOf } from '../support/answer-check';
import { createApp, type TestApp } from '../support/create-app';
import type { Answer } from '../support/http-client';
import { platforms } from '../support/platforms';

describe.each(platforms)('answers that are not as the document says are noticed: $name', (platform) => {
  let t: TestApp;
  let contract: Contract;
  let token: string;
  const answers: Record<string, Answer> = {};

  beforeAll(async () => {
    t = await createApp(platform, 'sqlite', { extras: { routes: { admin: true } } });
    await t.users.add('alice', { isAdmin: true });
    ({ access_token: token } = await t.login());
    contract = contractOf(t.app);
    answers.sessions = await t.http.get('/auth/sessions', { token });
    answers.refused = await t.http.get('/auth/sessions');
    answers.missing = await t.http.delete('/auth/sessions/none', { token });
    answers.statistics = await t.http.get('/auth/admin/statistics', { token });
  });
  afterAll(() => t.close());

  /** What the check has against an answer, with a document that a fault was planted in. */
  function problemOf(path: string, answer: Answer, plant: (contract: Contract) => void = () => undefined): string {
    const copy = structuredClone(contract);
    plant(copy);
    try {
      new AnswerCheck(copy).check('GET', path, answer);
      return 'none';
    } catch (error) {
      return (error as Error).message.split('\n')[0]!.replace(/^.*?-> /, '');
    }
  }
  const schemas = ({ document }: Contract) => document.components.schemas;

  it('while all others are let in', () => {
    expect(problemOf('/auth/sessions', answers.sessions!)).toBe('none');
    expect(problemOf('/auth/sessions?limit=1', answers.refused!)).toBe('none');
    expect(problemOf('/auth/admin/statistics', answers.statistics!)).toBe('none');
  });

  it.each<[string, string, (contract: Contract) => void]>([
    ['a member that the schema lacks', '200: data/0 must NOT have unevaluated properties', (one) => {
      delete schemas(one).JwtKnoxSession.properties.device_name;
      schemas(one).JwtKnoxSession.required = [];
    }],
    ['a member that the answer lacks', "200: data/0 must have required property 'color'", (one) =>
      schemas(one).JwtKnoxSession.required.push('color')],
    ['a value of another type', '200: data/0/current must be string', (one) => {
      schemas(one).JwtKnoxSession.properties.current = { type: 'string' };
    }],
    ['a status', '200: the statuses are 201', ({ document }) => {
      document.paths['/auth/sessions'].get.responses = { 201: {} };
    }],
    ['a header', '200: the header X-Color is missing', ({ document }) => {
      document.paths['/auth/sessions'].get.responses[200].headers['X-Color'] = { required: true, schema: {} };
    }],
    ['a route', '200: no such route', ({ document }) => delete document.paths['/auth/sessions']],
  ])('%s', (_title, problem, plant) => {
    expect(problemOf('/auth/sessions', answers.sessions!, plant)).toBe(problem);
  }); // prettier-ignore

  it('a code that the route does not have', () => {
    const plant = ({ document }: Contract) => {
      document.components.responses.JwtKnoxAccessRefused.content[
        'application/json'
      ].schema.allOf[1].properties.code.enum = ['forbidden'];
    };
    expect(problemOf('/auth/sessions', answers.refused!, plant)).toMatch(/^401: data\/code must be equal to one of/);
  });

  it('and an answer that is not fails the test that gets it, and the end of its application', async () => {
    const extend: NestInterceptor = {
      intercept: (_context, next) => next.handle().pipe(map((body) => ({ ...body, color: 'red' }))),
    };
    const host = await createApp(platform, 'sqlite', { prepare: (app) => void app.useGlobalInterceptors(extend) });
    await host.users.add('alice');
    await expect(host.login()).rejects.toThrow(/^Not as in the document: POST \/auth\/login -> 200: /);
    await expect(host.close()).rejects.toThrow(/unevaluated properties/);
  });
});
