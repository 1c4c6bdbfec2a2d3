import { Challenges } from '../tokens/challenge';
import type { JwtKnoxFeature } from '../contracts/feature';
import { dbscParts } from './dbsc';
export function deviceBinding(_: { dbsc: 'prefer' }): JwtKnoxFeature {
  const parts = dbscParts('first-proof');
  return { name: 'binding', ...parts, providers: [...parts.providers, Challenges] };
}
