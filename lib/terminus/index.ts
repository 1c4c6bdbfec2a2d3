export { terminus } from './feature';
export { JwtKnoxHealthIndicator } from './health.indicator';
export type { HealthLimits } from './health.indicator';
