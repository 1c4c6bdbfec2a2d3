import { randomBytes } from 'node:crypto';
import { Controller, Get, Module } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { Public } from 'nestjs-jwt-knox';
import { openTelemetry } from 'nestjs-jwt-knox/opentelemetry';
import { JwtKnoxHealthIndicator, terminus } from 'nestjs-jwt-knox/terminus';
import { appWith, forRoot } from '../src/apps.js';
import { type Running, start } from './start.js';

const secret = randomBytes(48).toString('base64');
const exporter = new InMemorySpanExporter();
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });

@Public()
@Controller('health')
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly sessions: JwtKnoxHealthIndicator,
  ) {}

  @Get() @HealthCheck() ready() {
    return this.health.check([() => this.sessions.isHealthy('sessions')]);
  }
}

@Module({
  imports: [
    appWith(forRoot({ secret, features: [openTelemetry({ tracerProvider, metrics: false }), terminus()] })),
    TerminusModule,
  ],
  controllers: [HealthController],
})
class ObservedModule {}

describe('Observability', () => {
  let running: Running;
  beforeAll(async () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    running = await start(ObservedModule, false);
  });
  afterAll(async () => {
    context.disable();
    await running?.app.close();
  });

  it('has spans of a login, those of the storage below it', async () => {
    exporter.reset();
    await running.request('POST', '/auth/login', { json: { username: 'alice', password: 'correct horse' } });
    const spans = exporter.getFinishedSpans();
    const login = spans.find(({ name }) => name === 'jwt_knox.login')!;
    const below = spans.filter(({ parentSpanContext }) => parentSpanContext?.spanId === login.spanContext().spanId);
    expect(below.map(({ name }) => name)).toContain('jwt_knox.storage insert');
  });

  it('has a health check that reads the storage', async () => {
    const { status, body } = await running.request('GET', '/health');
    expect([status, body.info.sessions]).toEqual([200, { status: 'up', storage: 'up' }]);
  });
});
