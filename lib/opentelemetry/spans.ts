import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Attributes,
  type Context,
  context,
  type Span,
  SpanStatusCode,
  trace,
  type TracerProvider,
} from '@opentelemetry/api';
import type { OperationMessages } from '../contracts/diagnostics';
import { errorOf, SCOPE } from './metrics';
import { channelOf, onSettled, type OperationName, OPERATIONS } from './subscribe';

type Message = OperationMessages[OperationName];

/**
 * Stands for the store that a channel enters while an operation runs: enters OpenTelemetry's own context in its place, so
 * that whatever runs within, a driver that is instrumented too, finds the span of the operation active.
 */
class ActiveContext extends AsyncLocalStorage<Context> {
  override run<R, Args extends unknown[]>(entered: Context, work: (...args: Args) => R, ...args: Args): R {
    return context.with(entered, work, undefined, ...args);
  }
}

/** A span for each operation, below the span that is active where it begins. */
export function recordSpans(provider: TracerProvider, isOurs: (message: object) => boolean): (() => void)[] {
  return OPERATIONS.flatMap((name) => recordSpansOf(name, provider, isOurs));
}

function recordSpansOf(name: OperationName, provider: TracerProvider, isOurs: (message: object) => boolean) {
  const tracer = provider.getTracer(SCOPE);
  const { start } = channelOf(name);
  const spans = new WeakMap<object, Span>();
  const active = new ActiveContext();
  start.bindStore(active, (told) => {
    const parent = context.active();
    if (!isOurs(told)) return parent;
    const message = told as Message;
    // What is told when it is over began before.
    const { duration } = message;
    const startTime = duration === undefined ? {} : { startTime: Date.now() - duration };
    const span = tracer.startSpan(
      titleOf(name, message),
      { attributes: startAttributes(message), ...startTime },
      parent,
    );
    spans.set(message, span);
    return trace.setSpan(parent, span);
  });
  const unsubscribe = onSettled(name, isOurs, (message) => {
    const span = spans.get(message);
    if (!span) return;
    span.setAttributes(endAttributes(message));
    // A refusal is no error of the server's, as a 4xx is none for the conventions of HTTP.
    if (message.outcome === 'unavailable' || message.outcome === 'failed')
      span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  });
  return [unsubscribe, () => void start.unbindStore(active)];
}

const titleOf = (name: OperationName, message: Message) =>
  'call' in message ? `jwt_knox.storage ${message.call}` : `jwt_knox.${name}`;

function startAttributes(message: Message): Attributes {
  return {
    ...(message.realm !== '' && { 'jwt_knox.realm': message.realm }),
    ...('call' in message && { 'db.operation.name': message.call }),
    ...('isCached' in message && { 'jwt_knox.cached': message.isCached }),
    ...('kind' in message && { 'jwt_knox.session.kind': message.kind }),
    ...('why' in message && { 'jwt_knox.revocation.reason': message.why }),
  };
}

function endAttributes(message: Message): Attributes {
  return {
    'jwt_knox.outcome': message.outcome!,
    ...errorOf(message),
    ...('decision' in message && { 'jwt_knox.refresh.decision': message.decision }),
    ...('count' in message && { 'jwt_knox.session.count': message.count }),
  };
}
