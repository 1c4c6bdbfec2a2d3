import { readFileSync } from 'node:fs';
import {
  type CanActivate,
  Controller,
  Delete,
  Get,
  type INestApplication,
  Injectable,
  Module,
  Post,
  UseGuards,
  VersioningType,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ApiBearerAuth, ApiResponse, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { afterEach, describe, expect, it } from 'vitest';
import {
  BearerTransport,
  CookieTransport,
  JwtKnoxConfigurationError,
  type JwtKnoxFeature,
  JwtKnoxGuard,
  JwtKnoxModule,
  OptionalAuth,
  Public,
} from '../../lib';
import { ApiJwtKnox, describeJwtKnox } from '../../lib/swagger';
import { inMemory } from '../../lib/testing';
import { JwtKnoxVerifierModule } from '../../lib/verifier';
import { contractOf } from '../support/answer-check';
import { type AppSettings, createApp, SECRET, type TestApp } from '../support/create-app';
import { oauthOptions } from '../support/oauth';
import { OrdersController, serveDocument } from '../support/openapi-recipe';
import { builder, documentOf, lintErrors } from '../support/openapi';
import { platforms } from '../support/platforms'; // prettier-ignore

/** Says that the user is the first, whoever asks. */
@Injectable()
class Trusting implements CanActivate {
  canActivate(context: any): boolean {
    context.switchToHttp().getRequest().user = { id: 1 };
    return true;
  }
}

class StrictGuard extends JwtKnoxGuard {}

@Controller('plain')
class PlainController {
  @Get() open() {}
  @UseGuards(JwtKnoxGuard) @Get('guarded') guarded() {}
  @UseGuards(StrictGuard) @Get('strict') strict() {}
  @UseGuards(Trusting) @Get('other') other() {}
  @UseGuards(Trusting) @ApiJwtKnox() @Get('said') said() {}
  @UseGuards(Trusting) @ApiJwtKnox({ optional: true }) @Get('said-optional') saidOptional() {}
}

@Controller('guarded')
@UseGuards(JwtKnoxGuard)
class GuardedController {
  @Get(':id') one() {}
  @Delete(':id') end() {}
  @Public() @Get() about() {}
  @OptionalAuth() @Get('greeting/:rest') greeting() {}
  @ApiBearerAuth('own') @ApiResponse({ status: 401, description: 'As ever.' }) @Post() own() {}
}

const CONTROLLERS = [PlainController, GuardedController];
const TOKEN = [{ accessToken: [] }];

const schemaOf = ({ components }: OpenAPIObject, name: string) => components!.schemas![name] as any;
const membersOf = (document: OpenAPIObject, name: string) => Object.keys(schemaOf(document, name).properties ?? {});
const securityOf = ({ paths }: OpenAPIObject) =>
  Object.fromEntries(
    Object.entries(paths).flatMap(([path, item]) =>
      Object.entries(item as object).map(([method, operation]) => [`${method} ${path}`, operation.security]),
    ),
  );

describe.each(platforms)('the OpenAPI document of an application: $name', (platform) => {
  let app: INestApplication | undefined;
  const documented = async (settings: AppSettings = {}): Promise<OpenAPIObject> => {
    const t: TestApp = await createApp(platform, 'sqlite', { controllers: CONTROLLERS, ...settings });
    app = t.app;
    return documentOf(app);
  };
  afterEach(async () => {
    await app?.close();
    app = undefined;
  });

  describe('has of the routes of the library', () => {
    it.each<[string, AppSettings]>([
      ['the usual ones', {}],
      ['those of the administration', { extras: { routes: { admin: true, debug: true } } }],
      [
        'a prefix, and versions in the path',
        {
          extras: { routes: { prefix: 'a/b', admin: true } },
          prepare: (one) => {
            one.setGlobalPrefix('/api/');
            one.enableVersioning({ type: VersioningType.URI, defaultVersion: ['1', '2'] });
          },
        },
      ],
      ['none, without routes', { extras: { routes: false } }],
      ['no login, without a user provider', { extras: { userProvider: undefined } }],
    ])('%s: all that are mounted, and no others', async (_title, settings) => {
      const { paths } = await documented(settings);
      const served = contractOf(app!).served.map(
        ({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`,
      );
      const described = Object.entries(paths).flatMap(([path, item]) =>
        Object.entries(item as object)
          .filter(([, { tags }]) =>
            (tags ?? []).includes(
              settings.extras?.routes ? ((settings.extras.routes as any).prefix ?? 'auth') : 'auth',
            ),
          )
          .map(([method]) => `${method.toUpperCase()} ${path}`),
      );
      expect(described.toSorted()).toEqual(served.toSorted());
      const ids = Object.values(paths).flatMap((item) => Object.values(item as object).map((one) => one.operationId));
      expect(new Set(ids).size).toBe(ids.length);
    });

    it.each(['', '/auth/'])('names for what is below the prefix "%s"', async (prefix) => {
      const { paths, tags } = await documented({ extras: { routes: { prefix } } });
      const { post } = paths[prefix === '' ? '/login' : '/auth/login']!;
      expect([post!.operationId, post!.tags, tags!.map(({ name }) => name)]).toEqual([
        'auth_login',
        ['auth'],
        ['auth'],
      ]);
    });

    it('the body of a login with tokens', async () => {
      const document = await documented();
      expect(membersOf(document, 'JwtKnoxTokens')).toEqual(
        ['token_type', 'expires_in', 'session_id', 'access_token', 'refresh_token', 'refresh_expires_in'],
      );
      expect(membersOf(document, 'JwtKnoxLogin')).toEqual(['username', 'password', 'device_name', 'remember']);
    }); // prettier-ignore

    it('no refresh tokens in single-token mode', async () => {
      const document = await documented({ options: { refreshToken: false } });
      expect(membersOf(document, 'JwtKnoxTokens')).toEqual(['token_type', 'expires_in', 'session_id', 'access_token']);
      expect(document.paths['/auth/refresh']!.post!.responses).not.toHaveProperty('200');
    });

    it('in a browser tokens in cookies, in a program tokens in the body', async () => {
      const document = await documented({ options: { transport: new CookieTransport() } });
      const [program, browser] = schemaOf(document, 'JwtKnoxTokens').anyOf;
      expect(Object.keys(program.properties)).toContain('access_token');
      expect(Object.keys(browser.properties)).toEqual(['token_type', 'expires_in', 'session_id', 'refresh_expires_in']);
      expect(document.components!.securitySchemes).toMatchObject({
        accessToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        accessCookie: { type: 'apiKey', in: 'cookie', name: '__Host-knox-access' },
        refreshCookie: { type: 'apiKey', in: 'cookie', name: '__Host-knox-refresh' },
      });
      const { post } = document.paths['/auth/login']!;
      expect(Object.keys((post!.responses as any)[200].headers)).toContain('Set-Cookie');
      expect(JSON.stringify(post!.responses[403])).toContain('JwtKnoxCrossOriginRefused');
      expect(document.paths['/auth/refresh']!.post!.requestBody).toMatchObject({ required: false });
    });

    it('tokens in cookies for all, where there are no programs', async () => {
      const transport = new CookieTransport({ bearer: false, names: { access: 'a', refresh: 'r' } });
      const document = await documented({ options: { transport } });
      expect(membersOf(document, 'JwtKnoxTokens')).not.toContain('access_token');
      expect(document.components!.securitySchemes!.accessCookie).toMatchObject({ name: 'a' });
    });

    it.each<[string, AppSettings['options']]>([
      ['tokenResponse', { tokenResponse: () => ({ token: 'x' }) }],
      ['that of a transport', { transport: new BearerTransport({ tokenResponse: () => ({ token: 'x' }) }) }],
      ['write', { transport: new (class extends BearerTransport {
        override write() {
          return {};
        }
      })() }],
    ])('any body where you return one: %s', async (_title, options) => {
      const document = await documented({ options });
      expect(schemaOf(document, 'JwtKnoxTokens')).toMatchObject({ type: 'object', additionalProperties: true });
    }); // prettier-ignore

    it('the name under which you take the username', async () => {
      const document = await documented({ extras: { routes: { login: { usernameField: 'email' } } } });
      expect(membersOf(document, 'JwtKnoxLogin')).toEqual(['email', 'password', 'device_name', 'remember']);
    });

    it('behind guards of your own, the members of a login that the library reads', async () => {
      const document = await documented({ extras: { loginGuards: [Trusting] } });
      expect(membersOf(document, 'JwtKnoxLogin')).toEqual(['device_name', 'remember']);
      const { responses } = document.paths['/auth/login']!.post as any;
      expect(responses[401].content['application/json'].schema).toEqual({});
      expect(Object.keys(responses)).toContain('429');
    });

    it('the limit of sessions, where it refuses a login', async () => {
      const document = await documented({ options: { session: { limitPerUser: 2 } } });
      expect(JSON.stringify(document.paths['/auth/login']!.post!.responses[403])).toContain(
        'JwtKnoxSessionLimitReached',
      );
    });

    it('those of a feature, with its schemas', async () => {
      @Controller('devices')
      @UseGuards(JwtKnoxGuard)
      class DevicesController {
        @Get(':id') get() {}
        @Post() post() {}
      }
      const devices: JwtKnoxFeature = {
        name: 'devices',
        controllers: [DevicesController],
        routes: [
          { method: 'GET', path: 'devices/:id', summary: 'Shows a device.', auth: 'access', query: ['color'], responses: { 200: 'Device' } },
        ],
        schemas: { Device: { type: 'object', properties: { color: { type: 'string', nullable: true } } } },
      }; // prettier-ignore
      const { paths, components } = await documented({ extras: { features: [devices] } });
      expect(paths['/auth/devices/{id}']!.get).toMatchObject({
        operationId: 'auth_get_devices_id',
        summary: 'Shows a device.',
        security: TOKEN,
        parameters: [
          { in: 'path', name: 'id', required: true },
          { in: 'query', name: 'color', required: false },
        ],
        responses: {
          200: { content: { 'application/json': { schema: { $ref: '#/components/schemas/JwtKnoxDevice' } } } },
        },
      });
      expect(components!.schemas).toHaveProperty('JwtKnoxDevice');
      // What a feature does not describe, stays as Nest describes it.
      expect(paths['/auth/devices']!.post!.operationId).toBe('DevicesController_post');
    });

    it.each([
      ['https://auth.example.com', ''],
      ['https://auth.example.com/a/b', '/a/b'],
    ])('the metadata of the issuer %s where they are', async (issuer, path) => {
      const extras = { routes: { oauth: true } };
      const { paths } = await documented({ options: { ...oauthOptions, issuer }, extras });
      const found = Object.keys(paths).filter((one) => one.startsWith('/.well-known'));
      expect(found).toEqual([`/.well-known/oauth-authorization-server${path}`]);
      expect(paths['/auth/introspect']!.post!.security).toEqual([{ oauthClient: [] }]);
    });

    it('the header of a version that a request needs', async () => {
      const prepare = (one: INestApplication) =>
        void one.enableVersioning({ type: VersioningType.HEADER, header: 'Api-Version', defaultVersion: '3' });
      const { paths } = await documented({ prepare });
      const parameters = paths['/auth/verify']!.get!.parameters as { in: string; name: string }[];
      expect(parameters.map((one) => `${one.in} ${one.name}`)).toEqual(['header Api-Version']);
    });

    it('paths without the global prefix, in a document without it', async () => {
      await documented({ prepare: (one) => void one.setGlobalPrefix('api') });
      const bare = SwaggerModule.createDocument(app!, builder().build(), { ignoreGlobalPrefix: true });
      const { paths } = describeJwtKnox(app!, bare);
      expect(paths['/auth/login']!.post!.operationId).toBe('auth_login');
      expect(paths['/plain/guarded']!.get!.security).toEqual(TOKEN);
      expect(Object.keys(paths).filter((path) => path.startsWith('/api'))).toEqual([]);
    });

    it('types with null in OpenAPI 3.1, and nullable in 3.0', async () => {
      const document = await documented();
      expect(schemaOf(document, 'JwtKnoxSession').properties.user_agent).toEqual({ type: 'string', nullable: true });
      const newer = documentOf(app!, '3.1.0');
      expect(schemaOf(newer, 'JwtKnoxSession').properties.user_agent).toEqual({ type: ['string', 'null'] });
    });
  });

  describe('marks of your own routes', () => {
    it('those behind the guard, and not those that are public', async () => {
      const security = securityOf(await documented());
      expect(security).toMatchObject({
        'get /plain': undefined,
        'get /plain/guarded': TOKEN,
        'get /plain/strict': TOKEN,
        'get /plain/other': undefined,
        'get /plain/said': TOKEN,
        'get /plain/said-optional': [{}, ...TOKEN],
        'get /guarded/{id}': TOKEN,
        'get /guarded': [],
        'get /guarded/greeting/{rest}': [{}, ...TOKEN],
        'post /guarded': [{ own: [] }],
      });
    });

    it('with the refusals of the library, beside what you say', async () => {
      const { paths } = await documented({ options: { transport: new CookieTransport() } });
      const statusesOf = (path: string, method: 'get' | 'post' | 'delete') =>
        Object.keys(paths[path]![method]!.responses);
      expect(statusesOf('/guarded/{id}', 'get')).toEqual(['200', '401', '503']);
      expect(statusesOf('/guarded/{id}', 'delete')).toEqual(['200', '401', '403', '503']);
      expect(statusesOf('/plain', 'get')).toEqual(['200']);
      expect(paths['/guarded']!.post!.responses[401]).toEqual({ description: 'As ever.' });
    });

    it.each<[string, AppSettings]>([
      ["guard: 'global'", { extras: { guard: 'global' } }],
      ['useGlobalGuards', { prepare: (one) => void one.useGlobalGuards(one.get(JwtKnoxGuard)) }],
    ])('all but the public ones, by %s', async (_title, settings) => {
      const security = securityOf(await documented(settings));
      expect(security).toMatchObject({ 'get /plain': TOKEN, 'get /plain/other': TOKEN, 'get /guarded': [] });
    });

    it('those of each realm by its own name', async () => {
      @Controller('shop')
      @UseGuards(JwtKnoxGuard)
      class ShopController {
        @Get() get() {}
        @ApiJwtKnox({ realm: 'staff' }) @Get('staff') staff() {}
      }
      const customers = JwtKnoxModule.forRoot({
        secret: SECRET,
        realm: 'customers',
        isGlobal: false,
        storage: inMemory(),
        routes: { prefix: 'customers' },
        refreshToken: false,
      });
      @Module({ imports: [customers], controllers: [ShopController] })
      class ShopModule {}
      const document = await documented({ extras: { realm: 'staff' }, imports: [ShopModule] });
      expect(securityOf(document)).toMatchObject({
        'get /plain/guarded': [{ 'accessToken-staff': [] }],
        'get /shop': [{ 'accessToken-customers': [] }],
        'get /shop/staff': [{ 'accessToken-staff': [] }],
        'get /auth/verify': [{ 'accessToken-staff': [] }],
        'get /customers/verify': [{ 'accessToken-customers': [] }],
      });
      expect(Object.keys(document.components!.schemas!)).toContain('JwtKnoxRefresh');
      expect(document.tags!.map(({ name }) => name)).toEqual(['auth', 'customers']);
    });

    it('those of a service that takes the tokens of another one', async () => {
      @Module({
        imports: [JwtKnoxVerifierModule.forRoot({ issuer: 'https://auth.example.com', audience: 'x', jwks: {} })],
        controllers: CONTROLLERS,
      })
      class ServiceModule {}
      app = await NestFactory.create(ServiceModule, platform.adapter() as never, {
        logger: false,
        abortOnError: false,
      });
      const document = documentOf(app);
      expect(securityOf(document)).toMatchObject({ 'get /plain/guarded': TOKEN, 'get /guarded': [] });
      expect(JSON.stringify(document.components!.responses)).toContain('issuer_unavailable');
      expect(Object.keys(document.paths).filter((path) => path.startsWith('/auth'))).toEqual([]);
    });
  });

  it('the example of the page does what it says, and is what stands there', async () => {
    const source = readFileSync('test/support/openapi-recipe.ts', 'utf8');
    const [, code] = /\/\*\* Example: .* \*\/\n([\s\S]*?)\/\*\* End of example \*\//.exec(source)!;
    expect(readFileSync('docs/20-openapi.md', 'utf8')).toContain(code!.trim());
    const t = await createApp(platform, 'sqlite', { controllers: [OrdersController], prepare: serveDocument });
    ({ app } = t);
    const { body } = await t.http.get('/docs-json');
    expect(securityOf(body)).toMatchObject({ 'get /orders': TOKEN, 'get /orders/about': [], 'post /auth/login': [] });
    expect(
      await lintErrors({ ...body, paths: { ...body.paths, '/orders': undefined, '/orders/about': undefined } }),
    ).toEqual([]);
    expect((await t.http.get('/docs')).text).toContain('swagger-ui');
  });

  it('keeps what is given: a new document is returned', async () => {
    await documented();
    const given = SwaggerModule.createDocument(app!, builder().build());
    const before = structuredClone(given);
    const document = describeJwtKnox(app!, given);
    expect(given).toEqual(before);
    expect(document).not.toEqual(before);
    expect(describeJwtKnox(app!, document)).toEqual(document);
  });

  it('keeps a schema of yours that has the same name', async () => {
    await documented();
    const given = SwaggerModule.createDocument(app!, builder().build());
    const own = { type: 'object' as const };
    const { components, paths } = describeJwtKnox(app!, { ...given, components: { schemas: { JwtKnoxSession: own } } });
    expect(components!.schemas!.JwtKnoxSession).toBe(own);
    expect(JSON.stringify(paths['/auth/session'])).toContain('#/components/schemas/JwtKnoxSession_2');
  });

  it('cannot be made without a module of the library, and says so', async () => {
    @Module({})
    class EmptyModule {}
    app = await NestFactory.create(EmptyModule, platform.adapter() as never, { logger: false });
    expect(() => documentOf(app!)).toThrow(JwtKnoxConfigurationError);
    expect(() => documentOf(app!)).toThrow(/import JwtKnoxModule\.forRoot/);
  });
});
