import type { JwtKnoxFeature } from '../contracts/feature';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { SessionBinding } from '../sessions/session-binding';
import { Challenges } from '../tokens/challenge';
import { DpopProofs } from '../tokens/dpop-proof';
import { bindingProblems, type DeviceBindingOptions, resolveBindingOptions } from './binding.options';
import { CopiedSessions } from './copied-sessions';
import { dbscParts } from './dbsc';
import { DbscOffer } from './dbsc-offer';
import { DeviceBinding } from './device-binding';

/**
 * Binds sessions to a key of the device that they began on: what is copied from there is worth nothing elsewhere. For the
 * extra `features`. Needs the option `publicOrigin`.
 * @throws JwtKnoxConfigurationError for options that are wrong
 * @example
 * JwtKnoxModule.forRoot({ secret, publicOrigin: 'https://app.example.com', features: [deviceBinding()] });
 */
export function deviceBinding(given: DeviceBindingOptions = {}): JwtKnoxFeature {
  const options = resolveBindingOptions(given);
  // Served where none is offered, too: sessions that browsers have bound already go on.
  const dbsc = dbscParts(options.enforceFrom);
  return {
    name: 'binding',
    providers: [
      Challenges,
      CopiedSessions,
      ...dbsc.providers,
      {
        provide: SessionBinding,
        useFactory: ({ clock, publicOrigins }: ResolvedOptions, challenges: Challenges, offer: DbscOffer) => {
          const nonces = options.dpop === 'nonce' ? challenges : null;
          const proofs = options.dpop === 'off' ? null : new DpopProofs({ clock, origins: publicOrigins, nonces });
          return new DeviceBinding(options, proofs, options.dbsc === 'off' ? null : offer);
        },
        inject: [JWT_KNOX_OPTIONS, Challenges, DbscOffer],
      },
    ],
    controllers: dbsc.controllers,
    routes: dbsc.routes,
    schemas: dbsc.schemas,
    problems: bindingProblems,
  };
}
