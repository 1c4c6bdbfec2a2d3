import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { line } from '../contracts/log-line';
import { TokenTransport } from '../contracts/token-transport';
import { setHeader } from '../guard/error-headers.interceptor';
import { ThrottledLogger } from '../sessions/throttled-logger';
import { type DbscAnswer, LATER } from './dbsc-answer';
import { challengeHeader, endOf, instructionsFor } from './dbsc-instructions';
import { DbscPlace } from './dbsc-place';
import { DbscRefresh } from './dbsc-refresh';
import { DbscRegistration } from './dbsc-registration';

/**
 * Answers browsers before anything else of the application sees the request: a guard, a throttler, a parser or a redirect
 * that answers 4xx in its place would log somebody out, for good.
 */
@Injectable()
export class DbscDoor {
  private readonly log = new ThrottledLogger('JwtKnox');

  constructor(
    host: HttpAdapterHost,
    private readonly place: DbscPlace,
    private readonly registration: DbscRegistration,
    private readonly refreshing: DbscRefresh,
    private readonly transport: TokenTransport,
  ) {
    // Now, before the application adds what is its own; in a test, when it gets its adapter.
    if (host.httpAdapter) this.mount(host.httpAdapter);
    else host.init$.subscribe(() => this.mount(host.httpAdapter));
  }

  /** Never throws: what goes wrong is told as "not now". */
  async answer(route: 'register' | 'refresh', request: any, response: any): Promise<void> {
    let answer: DbscAnswer = LATER;
    try {
      answer = route === 'refresh' ? await this.refreshing.refresh(request) : await this.registration.register(request);
      await this.send(response, answer, request);
    } catch (error) {
      const text = 'A browser was told to prolong its session later';
      this.log.write('error', line('binding-postponed', text), error);
      await this.send(response, LATER, request);
    }
  }

  private mount(adapter: HttpAdapterHost['httpAdapter']): void {
    if (adapter?.getType() === 'express') {
      adapter.use((request: any, response: any, next: () => void) => {
        const route = this.routeOf(request);
        return route ? void this.answer(route, request, response) : next();
      });
    } else if (adapter?.getType() === 'fastify') {
      adapter.getInstance().addHook('onRequest', async (request: any, response: any) => {
        const route = this.routeOf(request);
        if (!route) return undefined;
        await this.answer(route, request, response);
        return response;
      });
    }
  }

  private routeOf(request: any): 'register' | 'refresh' | undefined {
    return request.method === 'POST' ? this.place.routeAt(pathOf(request)) : undefined;
  }

  private async send(response: any, answer: DbscAnswer, request: unknown): Promise<void> {
    setHeader(response, 'Cache-Control', 'no-store');
    switch (answer.kind) {
      case 'renewed': {
        const cookie = this.transport.boundCookie(request);
        if (!cookie) throw new Error('The transport has no cookie that a browser could prolong.');
        await this.transport.write(response, answer.tokens, request);
        return reply(response, 200, instructionsFor(answer.tokens.session.id, cookie, this.place));
      }
      case 'challenge':
        setHeader(response, 'Secure-Session-Challenge', challengeHeader(answer.challenge, answer.sessionId));
        return reply(response, 403);
      case 'ended':
        return reply(response, 200, endOf(answer.sessionId));
      case 'later':
        setHeader(response, 'Retry-After', '1');
        return reply(response, 503);
      case 'refused':
        return reply(response, answer.status);
    }
  }
}

function reply(response: any, status: number, body?: object): void {
  response.status(status);
  if (body) setHeader(response, 'Content-Type', 'application/json; charset=utf-8');
  response.send(body ? JSON.stringify(body) : '');
}

function pathOf(request: any): string {
  return String(request.originalUrl ?? request.url).split('?', 1)[0]!;
}
