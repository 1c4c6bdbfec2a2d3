import { context, type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { DataPointType, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import type { INestApplication } from '@nestjs/common';

/** Collects when it is asked to. */
class ManualReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** The real SDK of OpenTelemetry, which keeps what it is told. */
export class Telemetry {
  readonly exporter = new InMemorySpanExporter();
  readonly tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(this.exporter)] });
  private readonly reader = new ManualReader();
  readonly meterProvider = new MeterProvider({ readers: [this.reader] });
  private readonly manager = new AsyncLocalStorageContextManager().enable();

  constructor() {
    context.setGlobalContextManager(this.manager);
  }

  async stop(): Promise<void> {
    context.disable();
    await this.tracerProvider.shutdown();
    await this.meterProvider.shutdown();
  }

  /** A span for each request, as an instrumentation of HTTP makes it. */
  traceRequests = (app: INestApplication): void => {
    const tracer = this.tracerProvider.getTracer('http');
    app.use((request: any, response: any, next: () => void) => {
      const span = tracer.startSpan(`${request.method} ${request.originalUrl}`);
      response.on('finish', () => span.end());
      context.with(trace.setSpan(context.active(), span), next);
    });
  };

  inSpan<T>(name: string, work: (span: Span) => T): T {
    return this.tracerProvider.getTracer('test').startActiveSpan(name, work);
  }

  /** Every span below its parent, in the order of their names: attributes, and `!` for an error. */
  spanTree(): unknown[] {
    const all = this.exporter.getFinishedSpans();
    const below = (parent: string | undefined): unknown[] =>
      all
        .filter((span) => span.parentSpanContext?.spanId === parent)
        .map((span) => this.shown(span, below(span.spanContext().spanId)));
    return below(undefined);
  }

  private shown(span: ReadableSpan, children: unknown[]): unknown {
    const failed = span.status.code === SpanStatusCode.ERROR ? '!' : '';
    const order = (one: unknown) => (one as { span: string }).span;
    return {
      span: `${failed}${span.name}`,
      ...(Object.keys(span.attributes).length > 0 && { attributes: span.attributes }),
      ...(children.length > 0 && { children: children.toSorted((a, b) => order(a).localeCompare(order(b))) }),
    };
  }

  /** Every point of every metric: a histogram by how often it was recorded. */
  async points(): Promise<Record<string, { unit: string; points: [object, number][] }>> {
    const { resourceMetrics, errors } = await this.reader.collect();
    if (errors.length > 0) throw errors[0];
    const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
    return Object.fromEntries(
      metrics
        .map(({ descriptor, dataPointType, dataPoints }) => {
          const points = dataPoints.map(({ attributes, value }): [object, number] => [
            attributes,
            dataPointType === DataPointType.HISTOGRAM ? (value as { count: number }).count : (value as number),
          ]);
          const key = ([attributes]: [object, number]) => JSON.stringify(attributes);
          const sorted = points.toSorted((a, b) => key(a).localeCompare(key(b)));
          return [descriptor.name, { unit: descriptor.unit, points: sorted }] as const;
        })
        .toSorted(([a], [b]) => a.localeCompare(b)),
    );
  }
}
