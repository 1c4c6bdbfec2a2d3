import { Challenges } from '../tokens/challenge';
import type { JwtKnoxFeature } from '../contracts/feature';
import { dbscParts } from './dbsc';
export interface DeviceBindingOptions { dbsc?: 'prefer'; dpop?: 'off'; enforceFrom?: 'first-proof' | 'registration' }
export function deviceBinding(o: DeviceBindingOptions): JwtKnoxFeature {
  const parts = dbscParts(o.enforceFrom ?? 'first-proof');
  return { name: 'binding', ...parts, providers: [...parts.providers, Challenges] };
}
