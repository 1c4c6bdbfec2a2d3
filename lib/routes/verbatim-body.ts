import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { requestContextOf } from '../guard/request-context';

/** What the adapters of Nest answer with: Express has both, Fastify the last. */
const SENDERS = ['json', 'send'];

/**
 * Answers with this body whatever the host's interceptors make of it, since clients of any make read what an RFC defines.
 * They run and see it; the status and the headers stay theirs, and so does what an error is answered with.
 */
export function sendVerbatim(response: any, body: object): void {
  const senders = SENDERS.filter((name) => typeof response[name] === 'function');
  const own = senders.map((name) => [name, Object.getOwnPropertyDescriptor(response, name)] as const);
  const restore = () => {
    for (const [name, descriptor] of own) {
      delete response[name];
      if (descriptor) Object.defineProperty(response, name, descriptor);
    }
  };
  for (const name of senders) {
    const value = (...given: unknown[]) => {
      restore();
      const isSuccess = response.statusCode >= 200 && response.statusCode < 300;
      return isSuccess ? response[senders[0]!](body) : response[name](...given);
    };
    Object.defineProperty(response, name, { value, configurable: true, writable: true });
  }
}

/** A controller of one document that an RFC defines. */
export interface DocumentController {
  /** The document; null where the request asks for another one. */
  document(request: unknown): object | null;
}

/** Has the document of a controller sent verbatim: a guard, because an interceptor may answer without the handler. */
@Injectable()
export class DocumentGuard implements CanActivate {
  readonly #moduleRef: ModuleRef;

  constructor(moduleRef: ModuleRef) {
    this.#moduleRef = moduleRef;
  }

  canActivate(context: ExecutionContext): boolean {
    const { request, response } = requestContextOf(context);
    const document = this.#moduleRef.get<DocumentController>(context.getClass()).document(request);
    if (document) sendVerbatim(response, document);
    return true;
  }
}
