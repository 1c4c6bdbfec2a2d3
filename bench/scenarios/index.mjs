// Every scenario by its name.
import { betterAuth } from './better-auth.mjs';
import { boundRequests } from './bound.mjs';
import { cachedRequests } from './cached.mjs';
import { capacity } from './capacity.mjs';
import { handWritten } from './hand-written.mjs';
import { knox, ofPages } from './knox.mjs';
import { operations } from './operations.mjs';
import { raw } from './raw.mjs';
import { scale } from './scale.mjs';
import { stateless } from './stateless.mjs';
import { verifiedRequests } from './verified.mjs';

const ALL = new Map(
  [
    ...raw,
    ...stateless,
    handWritten,
    ...knox,
    ...ofPages,
    ...cachedRequests,
    ...boundRequests,
    ...verifiedRequests,
    ...betterAuth,
    ...operations,
    ...scale,
    ...capacity,
  ].map((scenario) => [scenario.name, scenario]),
);

export function findScenario(name) {
  const scenario = ALL.get(name);
  if (scenario) return scenario;
  throw new Error(`No scenario is named ${name}. There are:\n  ${[...ALL.keys()].join('\n  ')}`);
}
