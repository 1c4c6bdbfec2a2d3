import { join } from 'node:path';
import { Controller, Get, UseGuards } from '@nestjs/common';
import { ApiOkResponse, ApiProperty } from '@nestjs/swagger';
import openapiTS, { astToString } from 'openapi-typescript';
import createClient from 'openapi-fetch';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CurrentUser, JwtKnoxGuard } from '../../lib';
import { createJwtKnoxClient } from '../../lib/client/index.mjs';
import { createApp, type TestApp } from '../support/create-app';
import type { paths } from '../support/openapi-client/schema';
import { walk } from '../support/openapi-client/walk';
import { documentOf } from '../support/openapi';
import { platforms } from '../support/platforms';

const FOLDER = join(__dirname, '../support/openapi-client');

class Me {
  @ApiProperty() username!: string;
}

@Controller('me')
@UseGuards(JwtKnoxGuard)
class MeController {
  @Get() @ApiOkResponse({ type: Me }) me(@CurrentUser('username') username: string): Me {
    return { username };
  }
}

/** What the compiler has against a client. */
function problemsOf(file: string, text?: string): string[] {
  const options: ts.CompilerOptions = {
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    types: [],
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
  };
  const host = ts.createCompilerHost(options);
  const { readFile } = host;
  host.readFile = (name) => (text !== undefined && name === file ? text : readFile(name));
  const program = ts.createProgram([file], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

describe.each(platforms)('a client that is generated from the document: $name', (platform) => {
  let t: TestApp;
  beforeAll(async () => {
    t = await createApp(platform, 'sqlite', { controllers: [MeController] });
    await t.users.add('alice');
  });
  afterAll(() => t.close());

  it('is as it was reviewed; `npx vitest run test/e2e/openapi-client -u` writes a change of it down', async () => {
    const nodes = await openapiTS(JSON.stringify(documentOf(t.app)));
    await expect(astToString(nodes)).toMatchFileSnapshot(join(FOLDER, 'schema.ts'));
  });

  it('logs in, refreshes, lists, names and ends sessions, and logs out', async () => {
    expect(await walk(await t.app.getUrl())).toEqual({
      refused: 'invalid_credentials',
      username: 'alice',
      isNewToken: true,
      names: ['Laptop', 'Old phone'],
      ended: 204,
      missing: 'There is no such session.',
      revoked: 1,
      afterLogout: 'invalid_token',
    });
  });

  it("is given the fetch of the library's client, which refreshes", async () => {
    const baseUrl = await t.app.getUrl();
    const knox = createJwtKnoxClient({ baseUrl: `${baseUrl}/auth`, mode: 'bearer' });
    await knox.login({ username: 'alice', password: 'alice-password' });
    const client = createClient<paths>({ baseUrl, fetch: knox.fetch });
    t.clock.advance('6m');
    expect((await client.GET('/me')).data).toEqual({ username: 'alice' });
    await knox.logout();
  });
});

describe('the compiler', () => {
  const file = join(FOLDER, 'walk.ts');

  it('has nothing against such a client, by its strictest rules', () => {
    expect(problemsOf(file)).toEqual([]);
  });

  it('control: finds a member, a path and a code that there are not', () => {
    const text = ts.sys
      .readFile(file)!
      .replace("{ device_name: 'Old phone' }", "{ device_title: 'Old phone' }")
      .replace("'/auth/logout-other'", "'/auth/logout-others'")
      .replace('wrong.error?.code', "wrong.error?.code === 'forbidden' ? '' : ''");
    const found = problemsOf(file, text).join('\n');
    for (const part of ['device_title', 'logout-others', 'no overlap']) expect(found).toContain(part);
  });
});
