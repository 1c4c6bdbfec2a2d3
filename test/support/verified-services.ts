import type { AddressInfo } from 'node:net';
import type { JwtKnoxExtras, JwtKnoxKey, JwtKnoxOptions } from '../../lib';
import { typeOrm } from '../../lib/typeorm';
import type {
  CommonVerifierOptions,
  IntrospectionOptions,
  JwksOptions,
  JwtKnoxVerifierExtras,
  JwtKnoxVerifierSettings,
} from '../../lib/verifier';
import { createApp, type TestApp } from './create-app';
import { createVerifier, type VerifierApp, type VerifierSettings } from './create-verifier';
import { createSharedDatabase, type DatabaseKind, type TestDatabase } from './databases';
import { configuredKeys, victimKeys } from './forge';
import { IssuerGate } from './issuer-gate';
import type { Platform } from './platforms';

export const ISSUER = 'http://localhost:3000';
export const AUDIENCE = 'orders';
export const CLIENT = { id: 'orders', secret: 'k7Tq2mWv9Xz4Rb8Ns3:Lp6%Yd1+=' };
/** A client of the issuer that may end sessions, and not ask about tokens. */
export const REVOKER = { id: 'revoker', secret: 'Kq7xPz2mWv9tRb4nYc6hJd8s' };
/** The ways in which a service verifies tokens. */
export type VerifierMode = 'jwks' | 'introspect' | 'shared-database';
export const MODES: VerifierMode[] = ['jwks', 'introspect', 'shared-database'];

/** What a service that only verifies is given of the issuer's keys. */
export const publicKeys: JwtKnoxKey[] = [
  { kid: 'rsa', algorithm: 'RS256', publicKey: victimKeys.rsa.publicKey },
  { kid: 'pss', algorithm: 'PS256', publicKey: victimKeys.pss.publicKey },
  { kid: 'ec', algorithm: 'ES256', publicKey: victimKeys.ec.publicKey },
  { kid: 'ed', algorithm: 'Ed25519', publicKey: victimKeys.ed.publicKey },
  { kid: 'hmac', algorithm: 'HS256', secret: victimKeys.hmac },
];

/** What a test changes of a service; what it leaves out of a section stays. */
export type VerifierChange = Partial<CommonVerifierOptions & JwtKnoxVerifierExtras> & {
  jwks?: JwksOptions;
  introspection?: Partial<IntrospectionOptions>;
};

/** An issuer, a gate before it, and room for services that verify its tokens. */
export interface Landscape {
  issuer: TestApp;
  gate: IssuerGate;
  database: TestDatabase;
  /** A service in this mode, set up as it should be but for the changes. */
  service(mode: VerifierMode, change?: VerifierChange, settings?: Partial<VerifierSettings>): Promise<VerifierApp>;
  close(): Promise<void>;
}

export async function createLandscape(
  platform: Platform,
  kind: DatabaseKind,
  options: JwtKnoxOptions & Pick<JwtKnoxExtras, 'realm' | 'features'> = {},
): Promise<Landscape> {
  const database = await createSharedDatabase(kind);
  const issuer = await createApp(platform, kind, {
    database,
    options: {
      keys: configuredKeys,
      issuer: ISSUER,
      audience: [AUDIENCE, 'notes'],
      clients: [CLIENT, { ...REVOKER, may: ['revoke'] }],
      ...options,
    },
    extras: { routes: { oauth: true, jwks: true } },
  });
  const gate = await IssuerGate.before((issuer.app.getHttpServer().address() as AddressInfo).port);
  const services: VerifierApp[] = [];
  const settingsOf = (
    mode: VerifierMode,
    { jwks, introspection, ...change }: VerifierChange,
  ): JwtKnoxVerifierSettings => {
    const common = { issuer: ISSUER, audience: AUDIENCE, clock: issuer.clock, ...change };
    switch (mode) {
      case 'jwks':
        return { ...common, storage: undefined, jwks: { uri: `${gate.url}/.well-known/jwks.json`, ...jwks } };
      case 'introspect': {
        const endpoint = { uri: `${gate.url}/auth/introspect`, client: CLIENT, ...introspection };
        return { ...common, storage: undefined, introspection: endpoint };
      }
      case 'shared-database':
        return { ...common, keys: publicKeys, storage: typeOrm() };
    }
  };
  return {
    issuer,
    gate,
    database,
    async service(mode, change = {}, settings = {}) {
      const own = mode === 'shared-database' ? { database } : {};
      const service = await createVerifier(platform, { knox: settingsOf(mode, change), ...own, ...settings });
      services.push(service);
      return service;
    },
    async close() {
      for (const service of services) await service.close();
      await gate.down();
      await issuer.close();
      await database.drop();
    },
  };
}
