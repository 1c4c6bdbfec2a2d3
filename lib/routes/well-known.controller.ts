import {
  Get,
  Header,
  Inject,
  Injectable,
  Logger,
  NotFoundException,
  type OnModuleInit,
  Req,
  RequestMethod,
  UseGuards,
  Version,
  VERSION_NEUTRAL,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { line } from '../contracts/log-line';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { TokenService } from '../sessions/token.service';
import { Public } from '../guard/decorators';
import { ServedRoutes } from './served-routes';
import { type DocumentController, DocumentGuard } from './verbatim-body';

/** RFC 8615: at the root of the host, whatever the prefix of the other routes. */
export const WELL_KNOWN = '.well-known';

const METADATA = 'oauth-authorization-server';

/**
 * A minute, and never stale: a removed key ends once for all when the verifiers' own time is over, and a cache that hides
 * how old its answer is adds no more than this.
 */
const KEYS_CACHED = 'public, max-age=60, must-revalidate';
const METADATA_CACHED = 'public, max-age=300';

/** `GET /.well-known/jwks.json` (RFC 7517), off by default. */
@Injectable()
@UseGuards(DocumentGuard)
export class JwksController implements OnModuleInit, DocumentController {
  readonly #moduleRef: ModuleRef;
  private readonly keys: ReturnType<TokenService['publicKeys']>;

  constructor(moduleRef: ModuleRef, tokens: TokenService) {
    this.#moduleRef = moduleRef;
    this.keys = tokens.publicKeys();
  }

  onModuleInit(): void {
    reportMoved(this.#moduleRef, 'jwks.json');
  }

  @Get('jwks.json')
  @Public()
  @Version(VERSION_NEUTRAL)
  @Header('Cache-Control', KEYS_CACHED)
  jwks() {
    return this.document();
  }

  document() {
    return this.keys;
  }
}

/** `GET /.well-known/oauth-authorization-server` (RFC 8414): where clients find what. */
@Injectable()
@UseGuards(DocumentGuard)
export class MetadataController implements OnModuleInit, DocumentController {
  readonly #moduleRef: ModuleRef;

  constructor(
    moduleRef: ModuleRef,
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
  ) {
    this.#moduleRef = moduleRef;
  }

  onModuleInit(): void {
    reportMoved(this.#moduleRef, METADATA);
  }

  /** An issuer's own path comes last (RFC 8414 section 3.1). Wildcards are not alike in Express and Fastify. */
  @Public()
  @Get(['', '/:a', '/:a/:b', '/:a/:b/:c', '/:a/:b/:c/:d'].map((end) => METADATA + end))
  @Version(VERSION_NEUTRAL)
  @Header('Cache-Control', METADATA_CACHED)
  metadata(@Req() request: unknown) {
    const document = this.document(request);
    if (document === null) throw new NotFoundException();
    return document;
  }

  document(request: any) {
    const { pathname } = new URL(this.options.issuer!);
    const [path = ''] = String(request.originalUrl ?? request.url).split('?');
    const start = `/${WELL_KNOWN}/${METADATA}`;
    return path.slice(path.indexOf(start)) === start + pathname.replace(/\/$/, '') ? this.describe() : null;
  }

  private describe() {
    const { issuer, routes } = this.options;
    const served = new ServedRoutes(this.#moduleRef);
    const url = (method: RequestMethod, path: string) => new URL(served.pathOf(method, path), issuer).href;
    const auth = ['client_secret_basic'];
    return {
      issuer,
      // There is no authorization and no token endpoint: users log in at the application itself.
      response_types_supported: [],
      grant_types_supported: [],
      introspection_endpoint: url(RequestMethod.POST, `/${routes.prefix}/introspect`),
      introspection_endpoint_auth_methods_supported: auth,
      revocation_endpoint: url(RequestMethod.POST, `/${routes.prefix}/revoke`),
      revocation_endpoint_auth_methods_supported: auth,
      ...(routes.jwks && { jwks_uri: url(RequestMethod.GET, `/${WELL_KNOWN}/jwks.json`) }),
    };
  }
}

/** Clients look at the root of the host and nowhere else. */
function reportMoved(moduleRef: ModuleRef, name: string): void {
  const path = `/${WELL_KNOWN}/${name}`;
  const routes = new ServedRoutes(moduleRef);
  const served = routes.pathOf(RequestMethod.GET, path);
  if (served === path) return;
  const remedy = routes.modulePath
    ? `leave JwtKnoxModule out of RouterModule, and write its path in routes.prefix, such as 'api/auth'.`
    : `keep it out of the global prefix by app.setGlobalPrefix('…', { exclude: ['${WELL_KNOWN}/{*path}'] }).`;
  new Logger('JwtKnox').error(
    line('well-known-moved', `${path} is served at ${served}, where no client looks for it: ${remedy}`),
  );
}
