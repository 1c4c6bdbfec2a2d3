import { TerminusModule } from '@nestjs/terminus';
import type { JwtKnoxFeature } from '../contracts/feature';
import { JwtKnoxHealthIndicator } from './health.indicator';

/**
 * Provides {@link JwtKnoxHealthIndicator}, for the extra `features`. Needs the package `@nestjs/terminus`.
 * @example
 * JwtKnoxModule.forRoot({ secret, features: [terminus()] });
 */
export function terminus(): JwtKnoxFeature {
  return {
    name: 'terminus',
    imports: [TerminusModule],
    providers: [JwtKnoxHealthIndicator],
    exports: [JwtKnoxHealthIndicator],
    routes: [],
  };
}
