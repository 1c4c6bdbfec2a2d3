// What stands behind doors other than routes, each in its smallest form.
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Controller, Sse, UseGuards } from '@nestjs/common';
import { GraphQLModule, Query, Resolver, Subscription } from '@nestjs/graphql';
import { WebSocketGateway } from '@nestjs/websockets';
import { of } from 'rxjs';
import { CurrentUser, EndWithSession, JwtKnoxGuard } from '../../lib';
import { JwtKnoxGraphqlAuth } from '../../lib/graphql';
import { JwtKnoxSocketAuth } from '../../lib/websockets';

@WebSocketGateway()
export class GuardedGateway {
  constructor(private readonly auth: JwtKnoxSocketAuth) {}

  afterInit(server: any): void {
    this.auth.protect(server);
  }
}

@Resolver()
@UseGuards(JwtKnoxGuard)
export class WhoResolver {
  @Query(() => String) who(@CurrentUser('username') username: string) {
    return username;
  }

  @Subscription(() => String) async *mine(@CurrentUser('username') mine: string) {
    yield { mine };
  }
}

@Controller('stream')
@UseGuards(JwtKnoxGuard)
@EndWithSession()
export class GuardedStreamController {
  @Sse() one(@CurrentUser('username') username: string) {
    return of({ data: username });
  }
}

/** Apollo, with queries and subscriptions. */
export const graphqlApi = GraphQLModule.forRootAsync<ApolloDriverConfig>({
  driver: ApolloDriver,
  inject: [JwtKnoxGraphqlAuth],
  useFactory: (auth: JwtKnoxGraphqlAuth) => ({ autoSchemaFile: true, ...auth.forApollo() }),
});
