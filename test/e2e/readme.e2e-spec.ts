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

/** Runs the snippets of the README as they stand, but for the database file, and returns what each of them exports. */
function runSnippets(): Record<string, Record<string, unknown>> {
  const modules: Record<string, Record<string, unknown>> = {};
  const load = (name: string): unknown => {
    if (name === 'nestjs-jwt-knox') return library;
    if (name === 'nestjs-jwt-knox/migrations') return migrations;
    return modules[name.replace('./', 'src/').replace(/\.js$/, '.ts')] ?? fromHere(name);
  };
  for (const { file, code } of snippetsOf(readPage('README.md'))) {
    const source = code.replace("'app.sqlite'", "':memory:'");
    const { outputText } = ts.transpileModule(source, { compilerOptions });
    modules[file!] = {};
    new Function('require', 'exports', outputText)(load, modules[file!]);
  }
  return modules;
}

describe('the README', () => {
  let app: INestApplication | undefined;
  let modules: ReturnType<typeof runSnippets>;
  let secret: string | undefined;

  beforeEach(() => {
    secret = process.env.JWT_SECRET;
    process.env.JWT_SECRET = SECRET;
    modules = runSnippets();
  });
  afterEach(async () => {
    await app?.close();
    if (secret === undefined) delete process.env.JWT_SECRET;
    else process.env.JWT_SECRET = secret;
  });

  async function start(module: unknown): Promise<string> {
    app = await NestFactory.create(module as Type, { logger: false });
    await app.listen(0, '127.0.0.1');
    return app.getUrl();
  }

  it('starts with an application whose logout refuses the token', async () => {
    const url = await start(modules['src/app.module.ts']!.AppModule);
    const login = await fetch(`${url}/demo-login`, { method: 'POST' });
    const { access_token: token } = (await login.json()) as { access_token: string };
    const headers = { Authorization: `Bearer ${token}` };
    const me = await fetch(`${url}/me`, { headers });
    expect([me.status, await me.json()]).toEqual([200, { id: 'alice' }]);
    const logout = await fetch(`${url}/auth/logout`, { method: 'POST', headers });
    expect(logout.ok).toBe(true);
    expect((await fetch(`${url}/me`, { headers })).status).toBe(401);
  });

  it('logs in the user of its user provider', async () => {
    const { AppModule } = modules['src/app.module.ts']!;
    const [database] = Reflect.getMetadata('imports', AppModule as Type) as [Type];
    class WithUsers {}
    Reflect.defineMetadata('imports', [database, modules['src/auth.module.ts']!.AuthModule], WithUsers);
    const url = await start(WithUsers);
    const login = (password: string) =>
      fetch(`${url}/auth/login`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ username: 'alice', password }),
      });
    const { access_token: token } = (await (await login('correct horse')).json()) as { access_token: string };
    expect(token).toEqual(expect.any(String));
    expect((await login('wrong')).status).toBe(401);
  });
});
