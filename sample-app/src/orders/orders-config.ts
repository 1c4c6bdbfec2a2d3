import type { TypeOrmModuleOptions } from '@nestjs/typeorm';
import { typeOrm } from 'nestjs-jwt-knox/typeorm';
import type { JwtKnoxVerifierSettings } from 'nestjs-jwt-knox/verifier';
import { AppConfigError } from '../config/app-config.js';
import { databaseOptions } from '../config/database-url.js';
import { EnvReader } from '../config/env-reader.js';
import { natsUrlOf } from '../config/nats-url.js';
import { verifyingKeyOf } from '../config/signing-key.js';

const MODES = ['introspect', 'jwks', 'shared-database'] as const;
type Mode = (typeof MODES)[number];

export interface OrdersConfig {
  port: number;
  mode: Mode;
  /** The broker over which it takes messages too; null for none. */
  natsUrl: string | null;
  verifier: JwtKnoxVerifierSettings;
  /** Where the sessions are; null in the modes that do not read them. */
  database: TypeOrmModuleOptions | null;
}

/** @throws AppConfigError with every problem found */
export function readOrdersConfig(env: NodeJS.ProcessEnv): OrdersConfig {
  const read = new EnvReader(env);
  const mode = read.choice('ORDERS_MODE', MODES);
  const config: OrdersConfig = {
    port: read.integer('ORDERS_PORT', 0, 65_535) ?? 3001,
    mode,
    natsUrl: natsUrlOf(read),
    verifier: verifierOf(mode, read),
    database: mode === 'shared-database' ? databaseOptions(read.text('DATABASE_URL')) : null,
  };
  if (read.problems.length > 0) throw new AppConfigError(read.problems);
  return config;
}

function verifierOf(mode: Mode, read: EnvReader): JwtKnoxVerifierSettings {
  const issuer = read.text('ISSUER');
  const audience = read.list('AUDIENCE');
  const issuerUrl = read.text('ISSUER_URL') ?? issuer;
  switch (mode) {
    case 'jwks':
      return {
        issuer: issuer ?? read.problem('ISSUER: is missing.', ''),
        audience: audience ?? read.problem('AUDIENCE: is missing.', []),
        jwks: { uri: `${issuerUrl}/.well-known/jwks.json` },
      };
    case 'introspect': {
      const secret = read.text('ORDERS_SECRET') ?? read.problem('ORDERS_SECRET: is missing.', '');
      const introspection = { uri: `${issuerUrl}/auth/introspect`, client: { id: 'orders', secret } };
      return { issuer, audience, introspection };
    }
    case 'shared-database': {
      const file = read.text('VERIFYING_KEY') ?? read.problem('VERIFYING_KEY: is missing.', undefined);
      return { issuer, audience, keys: file === undefined ? [] : [verifyingKeyOf(file)], storage: typeOrm() };
    }
  }
}
