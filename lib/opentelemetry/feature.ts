import type { OnApplicationShutdown } from '@nestjs/common';
import { ownerBehind } from '../contracts/diagnostics';
import type { JwtKnoxFeature } from '../contracts/feature';
import { JWT_KNOX_OPTIONS } from '../options/resolve-options';
import { OpenChannels } from '../sessions/open-channels';
import { SessionCache } from '../sessions/session-cache';
import { watchGauges } from './gauges';
import { recordMetrics } from './metrics';
import { type OpenTelemetryOptions, resolveTelemetry } from './options';
import { recordSpans } from './spans';

/** Whether a message is of the module that is observed: applications that share a process are told apart. */
type Filter = (message: object) => boolean;

/** Observes one module from its start to its shutdown. */
class ModuleTelemetry implements OnApplicationShutdown {
  constructor(private readonly stops: readonly (() => void)[]) {}

  onApplicationShutdown(): void {
    for (const stop of this.stops) stop();
  }
}

/**
 * Spans and metrics of a module, for the extra `features`. Needs the package `@opentelemetry/api`, and an SDK that your
 * application starts before it loads anything else.
 * @throws JwtKnoxConfigurationError for options that are wrong
 * @example
 * JwtKnoxModule.forRoot({ secret, features: [openTelemetry()] });
 */
export function openTelemetry(given: OpenTelemetryOptions = {}): JwtKnoxFeature {
  const options = resolveTelemetry(given);
  return {
    name: 'opentelemetry',
    providers: [
      {
        provide: ModuleTelemetry,
        inject: [JWT_KNOX_OPTIONS, OpenChannels, { token: SessionCache, optional: true }],
        useFactory: (owner: { realm: string }, channels: OpenChannels, cache?: SessionCache) => {
          const watched = options.meterProvider && watchGauges(options.meterProvider, owner, channels, cache);
          const stops = observe(options, (message) => ownerBehind(message) === owner);
          return new ModuleTelemetry(watched ? [...stops, watched] : stops);
        },
      },
    ],
    routes: [],
  };
}

/**
 * The same for all modules of this process, without the gauges: for services with `JwtKnoxVerifierModule`, which takes no
 * features. Where `openTelemetry()` is used too, everything would be counted twice.
 * @returns ends it
 * @throws JwtKnoxConfigurationError for options that are wrong
 * @example
 * const stop = observeJwtKnox();
 */
export function observeJwtKnox(given: OpenTelemetryOptions = {}): () => void {
  const stops = observe(resolveTelemetry(given), () => true);
  return () => {
    for (const stop of stops) stop();
  };
}

function observe({ tracerProvider, meterProvider }: ReturnType<typeof resolveTelemetry>, isOurs: Filter) {
  const spans = tracerProvider ? recordSpans(tracerProvider, isOurs) : [];
  const measured = meterProvider ? recordMetrics(meterProvider, isOurs) : [];
  return [...spans, ...measured];
}
