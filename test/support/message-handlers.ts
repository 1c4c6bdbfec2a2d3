import { Controller, createParamDecorator, type ExecutionContext, type Type, UseGuards } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import {
  type Actor, AnyScope, CurrentActor, CurrentSession, CurrentUser, JwtKnoxGuard, OptionalAuth, Public, RequireFresh, RequireLogin, requestOf,
  Scopes, type Session,
} from '../../lib'; // prettier-ignore
import { AccessToken } from '../../lib/microservices';
import type { User } from './users';

/** What a handler finds in the payload that it was given. */
interface Ask {
  text?: string;
}

/** What the guard left for the handler of a message, and what it was given beside. */
const Found = createParamDecorator((_: unknown, context: ExecutionContext) => Object.keys(requestOf(context) ?? {}));

const turns = (count: number) => new Promise((resolve) => setTimeout(resolve, count));

/**
 * Handlers of messages with every decorator of the library.
 * @param on makes a method the handler of a name
 * @param pack makes an answer what the transport sends
 */
export function messageHandlers(
  on: (name: string) => MethodDecorator,
  pack: (answer: unknown) => unknown = (answer) => answer,
): Type {
  @Controller()
  @UseGuards(JwtKnoxGuard)
  class Handlers {
    @on('me') me(
      @CurrentUser() user: User,
      @CurrentUser('username') username: string,
      @CurrentSession() session: Session,
      @CurrentActor() actor: Actor | undefined,
      @AccessToken() token: string | undefined,
      @Payload() payload: Ask,
      @Found() found: string[],
    ) {
      const sent = { keys: Reflect.ownKeys(Object(payload)).map(String), text: payload?.text?.length };
      return pack({ userId: user.id, username, sessionId: session.id, actorId: actor?.userId, token, sent, found });
    }
    @Public() @on('open') open(@CurrentUser() user: User | undefined, @AccessToken() token: string | undefined) {
      return pack({ user: user ?? null, token: token ?? null });
    }
    @OptionalAuth() @on('greet') greet(@CurrentUser('username') username?: string) {
      return pack({ hello: username ?? 'stranger' });
    }
    @Scopes('orders:read') @on('read') read() {
      return pack({});
    }
    @AnyScope('orders:read', 'support') @on('any') any() {
      return pack({});
    }
    @RequireFresh('3m') @on('fresh') fresh() {
      return pack({});
    }
    @RequireLogin() @on('own') own() {
      return pack({});
    }
    /** Answers late, so that messages of one connection are under way together. */
    @on('slow') async slow(@CurrentUser('username') username: string, @Payload() { text }: Ask) {
      await turns(Number(text));
      return pack({ username });
    }
    /** Two guards for one message. */
    @UseGuards(JwtKnoxGuard) @on('twice') twice(@CurrentUser('username') username: string) {
      return pack({ username });
    }
  }
  return Handlers;
}
