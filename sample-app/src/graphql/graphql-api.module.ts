import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Module } from '@nestjs/common';
import { GraphQLModule } from '@nestjs/graphql';
import { JwtKnoxGraphqlAuth } from 'nestjs-jwt-knox/graphql';
import { NotesModule } from '../notes/notes.module.js';
import { NotesResolver } from './notes.resolver.js';

/** `/graphql`, over HTTP and, for subscriptions, over WebSockets. */
@Module({
  imports: [
    NotesModule,
    GraphQLModule.forRootAsync<ApolloDriverConfig>({
      driver: ApolloDriver,
      inject: [JwtKnoxGraphqlAuth],
      useFactory: (auth: JwtKnoxGraphqlAuth) => ({
        autoSchemaFile: true,
        includeStacktraceInErrorResponses: false,
        ...auth.forApollo(),
      }),
    }),
  ],
  providers: [NotesResolver],
})
export class GraphqlApiModule {}
