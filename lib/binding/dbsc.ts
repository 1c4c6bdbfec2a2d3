import type { JwtKnoxFeature } from '../contracts/feature';
import { DbscChallenges } from './dbsc-challenges';
import { DBSC_ROUTES, DBSC_SCHEMAS, DbscController } from './dbsc.controller';
import { DbscDoor } from './dbsc-door';
import { DbscOffer } from './dbsc-offer';
import { DbscPlace } from './dbsc-place';
import { DbscRefresh } from './dbsc-refresh';
import { DbscRegistration } from './dbsc-registration';
import { ENFORCE_FROM, type EnforceFrom, KeyBinder } from './key-binder';

/** What a module needs for Device Bound Session Credentials. */
export function dbscParts(enforceFrom: EnforceFrom) {
  return {
    providers: [
      { provide: ENFORCE_FROM, useValue: enforceFrom },
      DbscOffer,
      DbscChallenges,
      DbscPlace,
      KeyBinder,
      DbscRegistration,
      DbscRefresh,
      DbscDoor,
    ],
    controllers: [DbscController],
    routes: DBSC_ROUTES,
    schemas: DBSC_SCHEMAS,
  } satisfies Partial<JwtKnoxFeature>;
}
