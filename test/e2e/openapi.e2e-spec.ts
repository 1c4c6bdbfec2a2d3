import { Controller, Get, type INestApplication, UseGuards, VersioningType } from '@nestjs/common';
import { ApiOperation } from '@nestjs/swagger';
import { writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { CookieTransport, CurrentUser, JwtKnoxGuard, OptionalAuth, Public } from '../../lib';
import { pages } from '../../lib/pages';
import { type AppSettings, createApp, type TestApp } from '../support/create-app';
import { oauthOptions } from '../support/oauth';
import { documentOf, lintErrors } from '../support/openapi';
import { platforms } from '../support/platforms';

@Controller('me')
@UseGuards(JwtKnoxGuard)
class MeController {
  @Get() @ApiOperation({ summary: 'Who I am.' }) me(@CurrentUser('username') username: string) {
    return { username };
  }
  @Public() @Get('about') @ApiOperation({ summary: 'What this is.' }) about() {
    return { about: 'me' };
  }
  @OptionalAuth() @Get('greeting') @ApiOperation({ summary: 'Greets.' }) greeting() {
    return {};
  }
}

const EVERYTHING: AppSettings = {
  options: oauthOptions,
  extras: { routes: { admin: true, oauth: true, jwks: true, debug: true } },
  prepare: (app: INestApplication) => {
    app.setGlobalPrefix('api', { exclude: ['.well-known/{*path}'] });
    app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
  },
};

const HOSTS: [string, AppSettings][] = [
  ['with the defaults', {}],
  ['with cookies and pages', { options: { transport: new CookieTransport() }, extras: { features: [pages()], routes: { admin: true } } }],
  ['with everything, a global prefix and versions', EVERYTHING],
]; // prettier-ignore

describe.each(platforms)('the OpenAPI document: $name', (platform) => {
  let t: TestApp | undefined;
  const start = async (settings: AppSettings = {}) =>
    (t = await createApp(platform, 'sqlite', { controllers: [MeController], ...settings }));
  afterEach(async () => {
    await t?.close();
    t = undefined;
  });

  it.each(HOSTS)('%s, has no errors by the rules of Redocly', async (_title, settings) => {
    const { app } = await start(settings);
    const document = documentOf(app);
    if (process.env.SHOW) writeFileSync(`/tmp/openapi-${_title.length}.json`, JSON.stringify(document, null, 1));
    expect(await lintErrors(document)).toEqual([]);
    expect(await lintErrors(documentOf(app, '3.1.0'))).toEqual([]);
  });
});
