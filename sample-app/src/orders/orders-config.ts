import type { TypeOrmModuleOptions } from '@nestjs/typeorm';
import type { JwtKnoxVerifierOptions, VerifierMode } from 'nestjs-jwt-knox';
import { AppConfigError } from '../config/app-config.js';
import { databaseOptions } from '../config/database-url.js';
import { EnvReader } from '../config/env-reader.js';
import { verifyingKeyOf } from '../config/signing-key.js';

export interface OrdersConfig {
  port: number;
  mode: VerifierMode;
  verifier: JwtKnoxVerifierOptions;
  /** Where the sessions are; null in the modes that do not read them. */
  database: TypeOrmModuleOptions | null;
}

/** @throws AppConfigError with every problem found */
export function readOrdersConfig(env: NodeJS.ProcessEnv): OrdersConfig {
  const read = new EnvReader(env);
  const mode = read.choice('ORDERS_MODE', ['introspect', 'jwks', 'shared-database']);
  const config: OrdersConfig = {
    port: read.integer('ORDERS_PORT', 0, 65_535) ?? 3001,
    mode,
    verifier: { issuer: read.text('ISSUER'), audience: read.list('AUDIENCE'), ...optionsOf(mode, read) },
    database: mode === 'shared-database' ? databaseOptions(read.text('DATABASE_URL')) : null,
  };
  if (read.problems.length > 0) throw new AppConfigError(read.problems);
  return config;
}

function optionsOf(mode: VerifierMode, read: EnvReader): JwtKnoxVerifierOptions {
  const issuerUrl = read.text('ISSUER_URL') ?? read.text('ISSUER');
  switch (mode) {
    case 'jwks':
      return { jwksUri: `${issuerUrl}/.well-known/jwks.json` };
    case 'introspect':
      return {
        introspectionUri: `${issuerUrl}/auth/introspect`,
        client: { id: 'orders', secret: read.text('ORDERS_SECRET') ?? read.problem('ORDERS_SECRET: is missing.', '') },
      };
    case 'shared-database': {
      const file = read.text('VERIFYING_KEY') ?? read.problem('VERIFYING_KEY: is missing.', undefined);
      return { keys: file === undefined ? [] : [verifyingKeyOf(file)] };
    }
  }
}
