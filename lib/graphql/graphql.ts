import { JwtKnoxConfigurationError } from '../contracts/errors';
import type { JwtKnoxFeature } from '../contracts/feature';
import { Connections } from '../guard/connections';
import { type ChannelOptions, channelTermsOf } from '../sessions/channel-terms';
import { ConnectedGraphqlAuth, JwtKnoxGraphqlAuth } from './graphql-auth';

/**
 * Authentication for GraphQL, for the extra `features`: inject {@link JwtKnoxGraphqlAuth} where you configure
 * `GraphQLModule`.
 * @throws JwtKnoxConfigurationError for options that are wrong
 * @example
 * JwtKnoxModule.forRoot({ secret, userProvider: KnoxUsers, features: [graphql()] });
 */
export function graphql(options: ChannelOptions = {}): JwtKnoxFeature {
  const problems: string[] = [];
  const terms = channelTermsOf(options, [], problems);
  if (problems.length > 0) throw new JwtKnoxConfigurationError(problems, 'graphql');
  return {
    name: 'graphql',
    providers: [
      {
        provide: JwtKnoxGraphqlAuth,
        useFactory: (connections: Connections) => new ConnectedGraphqlAuth(connections, terms),
        inject: [Connections],
      },
    ],
    exports: [JwtKnoxGraphqlAuth],
    routes: [],
  };
}
