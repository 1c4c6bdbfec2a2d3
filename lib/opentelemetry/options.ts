import { type MeterProvider, metrics, trace, type TracerProvider } from '@opentelemetry/api';
import { JwtKnoxConfigurationError } from '../contracts/errors';

/** What is told to OpenTelemetry, and to which providers. */
export interface OpenTelemetryOptions {
  /** False: no spans. @default true */
  spans?: boolean | undefined;
  /** False: no metrics. @default true */
  metrics?: boolean | undefined;
  /** Where spans go. @default the global one, `trace.getTracerProvider()` */
  tracerProvider?: TracerProvider | undefined;
  /** Where metrics go. @default the global one, `metrics.getMeterProvider()` */
  meterProvider?: MeterProvider | undefined;
}

export interface ResolvedTelemetry {
  /** Null: none are made. */
  readonly tracerProvider: TracerProvider | null;
  readonly meterProvider: MeterProvider | null;
}

const KNOWN = ['spans', 'metrics', 'tracerProvider', 'meterProvider'];

/** @throws JwtKnoxConfigurationError with all that is wrong */
export function resolveTelemetry(given: OpenTelemetryOptions): ResolvedTelemetry {
  const options = Object(given) as OpenTelemetryOptions;
  const problems = Object.keys(options)
    .filter((name) => !KNOWN.includes(name))
    .map((name) => `${name}: no such option; known are ${KNOWN.join(', ')}.`);
  for (const [kind, provider] of [
    ['spans', 'tracerProvider'],
    ['metrics', 'meterProvider'],
  ] as const) {
    const isWanted = options[kind] ?? true;
    if (typeof isWanted !== 'boolean') problems.push(`${kind}: must be true or false.`);
    if (isWanted === false && options[provider])
      problems.push(`${provider}: has no effect with ${kind}: false; leave one out.`);
  }
  if (problems.length > 0) throw new JwtKnoxConfigurationError(problems, 'openTelemetry');
  const { spans = true, metrics: isMeasured = true, tracerProvider, meterProvider } = options;
  return {
    tracerProvider: spans ? (tracerProvider ?? trace.getTracerProvider()) : null,
    meterProvider: isMeasured ? (meterProvider ?? metrics.getMeterProvider()) : null,
  };
}
