import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { INestApplication, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import ts from 'typescript';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as library from '../../lib';
import * as migrations from '../../lib/typeorm/migrations';
import { SECRET } from '../support/create-app';
import { readPage, root, snippetsOf } from '../unit/docs/pages';

const fromHere = createRequire(join(root, 'package.json'));
const compilerOptions = {
  module: ts.ModuleKind.CommonJS,
  target: ts.ScriptTarget.ES2022,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
};

type Exports = Record<string, unknown>;

/** Loads a file that a page shows, as it stands but for the database file, and returns what it exports. */
function loadPage(page: string): (file: string) => Exports {
  const snippets = new Map(snippetsOf(readPage(page)).map(({ file, code }) => [file, code]));
  const loaded: Record<string, Exports> = {};
  const load = (file: string): Exports => {
    if (loaded[file]) return loaded[file];
    const source = snippets.get(file)!.replace("'app.sqlite'", "':memory:'");
    const { outputText } = ts.transpileModule(source, { compilerOptions });
    const exports: Exports = (loaded[file] = {});
    new Function('require', 'exports', outputText)(requireModule, exports);
    return exports;
  };
  const requireModule = (name: string): unknown => {
    if (name === 'nestjs-jwt-knox') return library;
    if (name === 'nestjs-jwt-knox/migrations') return migrations;
    return name.startsWith('./') ? load(`src/${name.slice(2, -3)}.ts`) : fromHere(name);
  };
  return load;
}

describe('an application made of what a page shows', () => {
  let app: INestApplication | undefined;
  let url: string;
  let secret: string | undefined;

  beforeEach(() => {
    secret = process.env.JWT_SECRET;
    process.env.JWT_SECRET = SECRET;
  });
  afterEach(async () => {
    await app?.close();
    if (secret === undefined) delete process.env.JWT_SECRET;
    else process.env.JWT_SECRET = secret;
  });

  async function start(module: unknown): Promise<void> {
    app = await NestFactory.create(module as Type, { logger: false });
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  }
  async function post(path: string, body: object = {}, token?: string) {
    const headers = { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) };
    const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
    return { status: response.status, body: JSON.parse((await response.text()) || 'null') };
  }
  async function get(path: string, token: string) {
    const response = await fetch(url + path, { headers: { Authorization: `Bearer ${token}` } });
    return { status: response.status, body: await response.json() };
  }
  const alice = { username: 'alice', password: 'correct horse' };

  it('README: logout refuses the token', async () => {
    await start(loadPage('README.md')('src/app.module.ts').AppModule);
    const { access_token: token } = (await post('/demo-login')).body;
    expect(await get('/me', token)).toEqual({ status: 200, body: { id: 'alice' } });
    expect((await post('/auth/logout', {}, token)).status).toBe(204);
    expect((await get('/me', token)).status).toBe(401);
  });

  it('README: the user provider logs its user in', async () => {
    const load = loadPage('README.md');
    const [database] = Reflect.getMetadata('imports', load('src/app.module.ts').AppModule as Type) as [Type];
    class WithUsers {}
    Reflect.defineMetadata('imports', [database, load('src/auth.module.ts').AuthModule], WithUsers);
    await start(WithUsers);
    expect((await post('/auth/login', alice)).body.access_token).toEqual(expect.any(String));
    expect((await post('/auth/login', { ...alice, password: 'wrong' })).status).toBe(401);
  });

  it('getting started: sign-up, login, a guarded route, logout, 401', async () => {
    await start(loadPage('docs/01-getting-started.md')('src/app.module.ts').AppModule);
    expect(await post('/users', alice)).toEqual({ status: 201, body: { id: 1, username: 'alice' } });
    expect((await post('/users', alice)).status).toBe(409);
    expect((await post('/users', { username: 'bob', password: 'short' })).status).toBe(400);
    const { access_token: token } = (await post('/auth/login', alice)).body;
    expect((await get('/notes', token)).body).toEqual({ owner: 'alice', since: expect.any(String) });
    expect((await post('/auth/logout', {}, token)).status).toBe(204);
    expect(await get('/notes', token)).toMatchObject({ status: 401, body: { code: 'invalid_token' } });
  });
});
