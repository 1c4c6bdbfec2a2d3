import { JwtKnoxConfigurationError } from '../contracts/errors';
import type { JwtKnoxFeature } from '../contracts/feature';
import { Connections } from '../guard/connections';
import { type ChannelOptions, channelTermsOf } from '../sessions/channel-terms';
import { JwtKnoxSocketAuth, SocketDoors } from './socket-auth';

/** How sockets are authenticated, and how long they stay open. */
export interface SocketsOptions extends ChannelOptions {
  /**
   * The parameter of the query in which a token may come, such as `access_token`. Addresses are logged on their way, tokens
   * with them. @default none
   */
  query?: string | undefined;
}

/**
 * Authentication for WebSockets, for the extra `features`: inject {@link JwtKnoxSocketAuth} into your gateway, for
 * socket.io and `ws` alike.
 * @throws JwtKnoxConfigurationError for options that are wrong
 * @example
 * JwtKnoxModule.forRoot({ secret, userProvider: KnoxUsers, features: [sockets({ recheck: '30s' })] });
 */
export function sockets(options: SocketsOptions = {}): JwtKnoxFeature {
  const problems: string[] = [];
  const terms = channelTermsOf(options, ['query'], problems);
  const { query } = options;
  if (query !== undefined && (typeof query !== 'string' || query === ''))
    problems.push("query: must be the name of a parameter, such as 'access_token'.");
  if (problems.length > 0) throw new JwtKnoxConfigurationError(problems, 'sockets');
  return {
    name: 'sockets',
    providers: [
      {
        provide: JwtKnoxSocketAuth,
        useFactory: (connections: Connections) => new SocketDoors(connections, { terms, query }),
        inject: [Connections],
      },
    ],
    exports: [JwtKnoxSocketAuth],
    routes: [],
  };
}
