import { type INestApplication, type Type, VersioningType } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import { JwtKnoxConfigurationError } from '../contracts/errors';
import { TokenTransport, type TransportDescription } from '../contracts/token-transport';
import { applicationConfigOf, modulesOf, scopeOf } from '../guard/nest-application';
import { RequestAuthenticator } from '../guard/request-authenticator';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { FeatureDescriptions, ServedRoutes } from '../routes/served-routes';

type NestModule = ReturnType<ModulesContainer['get']> & object;

/** A module of the library in a running application: `JwtKnoxModule`, or `JwtKnoxVerifierModule`, which has no routes. */
export interface MountedModule {
  readonly module: NestModule;
  readonly isVerifier: boolean;
  readonly realm: string;
  /** Those of a verifier have no `routes`, `session` and `refresh`. */
  readonly options: ResolvedOptions;
  readonly transport: TransportDescription;
  readonly authenticator: RequestAuthenticator;
  readonly features: FeatureDescriptions['features'];
  readonly served: ServedRoutes;
  /** The guards of all routes of the application. */
  readonly globalGuards: readonly unknown[];
  /** With a leading slash; empty for none. */
  readonly globalPrefix: string;
  /** The header that names the version of a route, where the application has versions in one. */
  readonly versionHeader: string | undefined;
}

const instanceIn = <T>(module: NestModule, token: unknown): T | undefined =>
  module.providers.get(token as Type)?.instance as T | undefined;

/** @throws JwtKnoxConfigurationError where there is none */
export function mountedModules(app: Pick<INestApplication, 'get'>): MountedModule[] {
  const all = allModules(app);
  const moduleRef = all.map((one) => instanceIn<ModuleRef>(one, ModuleRef)).find(Boolean)!;
  const found = modulesOf(moduleRef);
  if (found.length === 0) {
    const problem = 'this application has no module of the library; import JwtKnoxModule.forRoot(…) first.';
    throw new JwtKnoxConfigurationError([problem], 'describeJwtKnox');
  }
  const config = applicationConfigOf(moduleRef)!;
  const [prefix] = /[^/].*[^/]|[^/]/.exec(config.getGlobalPrefix() ?? '') ?? [];
  const versioning = config.getVersioning();
  return found.map((module) => {
    const options = instanceIn<ResolvedOptions>(module, JWT_KNOX_OPTIONS)!;
    const described = instanceIn<TokenTransport>(module, TokenTransport)!.describe();
    return {
      module,
      isVerifier: scopeOf(module).moduleName !== 'JwtKnoxModule',
      realm: options.realm ?? '',
      options,
      transport: options.tokenResponse ? { ...described, body: 'other' } : described,
      authenticator: instanceIn<RequestAuthenticator>(module, RequestAuthenticator)!,
      features: instanceIn<FeatureDescriptions>(module, FeatureDescriptions)?.features ?? [],
      served: new ServedRoutes(instanceIn<ModuleRef>(module, ModuleRef)!),
      globalGuards: config.getGlobalGuards(),
      versionHeader: versioning?.type === VersioningType.HEADER ? versioning.header : undefined,
      globalPrefix: prefix === undefined ? '' : `/${prefix}`,
    };
  });
}

export function allModules(app: Pick<INestApplication, 'get'>): NestModule[] {
  return [...app.get(ModulesContainer, { strict: false }).values()];
}
