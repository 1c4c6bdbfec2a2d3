// The code of docs/22-graphql.md. A test runs it, and holds the page to it.
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Module, UseGuards } from '@nestjs/common';
import { Args, GraphQLModule, Mutation, Query, Resolver, Subscription } from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import { createClient } from 'graphql-ws';
import { on } from 'node:events';
import { EventEmitter } from 'node:events';
import { CurrentUser, JwtKnoxGuard } from '../../lib';
import { JwtKnoxGraphqlAuth } from '../../lib/graphql';
import type { User } from './users';

/** Example: resolver */
const notes = new EventEmitter(); // stands for your PubSub

@Resolver()
@UseGuards(JwtKnoxGuard)
export class NotesResolver {
  @Query(() => String)
  me(@CurrentUser() user: User) {
    return user.username;
  }

  @Mutation(() => Boolean)
  add(@Args('text') text: string, @CurrentUser() user: User) {
    return notes.emit('added', { by: user.username, text });
  }

  @Subscription(() => String)
  async *added() {
    for await (const [{ by, text }] of on(notes, 'added')) yield { added: `${by}: ${text}` };
  }
}
/** End of example */

/** Example: Apollo */
@Module({
  imports: [
    GraphQLModule.forRootAsync<ApolloDriverConfig>({
      driver: ApolloDriver,
      inject: [JwtKnoxGraphqlAuth],
      useFactory: (auth: JwtKnoxGraphqlAuth) => ({ autoSchemaFile: true, ...auth.forApollo() }),
    }),
  ],
  providers: [NotesResolver],
})
export class ApiModule {}
/** End of example */

/** Example: Mercurius */
export const api = GraphQLModule.forRootAsync<MercuriusDriverConfig>({
  driver: MercuriusDriver,
  inject: [JwtKnoxGraphqlAuth],
  useFactory: (auth: JwtKnoxGraphqlAuth) => ({ autoSchemaFile: true, ...auth.forMercurius() }),
});
/** End of example */

/** Example: client */
/** `freshToken` returns a valid access token: see the client for WebSockets. */
export function subscriptions(url: string, freshToken: () => Promise<string>) {
  let socket: WebSocket | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const authorization = async () => ({ authorization: `Bearer ${await freshToken()}` });
  const renew = async () => {
    const init = { type: 'connection_init', payload: await authorization() };
    socket?.send(JSON.stringify(init));
  };
  const renewIn = (wait: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => void renew().catch(() => socket && renewIn(5_000)), wait);
  };
  return createClient({
    url,
    connectionParams: authorization,
    // 4403: the session has ended. All else may pass.
    shouldRetry: (event) => (event as { code?: number }).code !== 4403,
    retryAttempts: Infinity,
    on: {
      connected: (opened) => {
        socket = opened as WebSocket;
        renewIn(0); // the answer says until when the connection stays open
      },
      message: ({ type, payload }: { type: string; payload?: any }) => {
        if (type !== 'connection_ack' || !payload?.until) return;
        // 5 seconds after the token has expired, 25 before the connection is closed.
        renewIn(Math.max(Date.parse(payload.until) - Date.now() - 25_000, 5_000));
      },
      closed: () => {
        socket = undefined;
        clearTimeout(timer);
      },
    },
  });
}
/** End of example */
