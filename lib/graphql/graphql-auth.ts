import { MissingTokenError } from '../contracts/errors';
import { refusalOf } from '../guard/close-codes';
import type { Connections } from '../guard/connections';
import { closeSocket } from '../guard/raw-socket';
import type { ChannelTerms } from '../sessions/open-channel';
import { type FormattedError, formattedOf, withLibraryCode } from './graphql-errors';
import { SubscriptionSocket } from './subscription-socket';

/** What resolvers are given: the request, and the response where there is one to write to. */
export interface GraphqlContext {
  req: any;
  res?: any;
}

/** What {@link JwtKnoxGraphqlAuth.forApollo} sets: spread it into the options of `ApolloDriver`. */
export interface ApolloSettings {
  context: (...given: any[]) => GraphqlContext;
  formatError: <Formatted extends FormattedError>(formatted: Formatted, error: unknown) => Formatted;
  subscriptions: {
    'graphql-ws': {
      /** Who sends nothing is disconnected after this time, in milliseconds. */
      connectionInitWaitTimeout: number;
      onConnect: (context: any) => Promise<boolean>;
      onNext: (...given: any[]) => any;
      onError: (...given: any[]) => any;
    };
  };
}

/** What {@link JwtKnoxGraphqlAuth.forMercurius} sets: spread it into the options of `MercuriusDriver`. */
export interface MercuriusSettings {
  context: (...given: any[]) => GraphqlContext;
  errorFormatter: (execution: any, context: any) => { statusCode: number; response: any };
  subscription: { onConnect: (this: any, data: { payload: any }) => Promise<any> };
}

/** Who sends no `connection_init` by then is disconnected, in milliseconds. */
const SILENCE_MS = 2_000;

/**
 * What `GraphQLModule` needs for `JwtKnoxGuard` and its decorators to work in queries, mutations and subscriptions. Inject
 * it where you configure that module.
 * @example
 * GraphQLModule.forRootAsync<ApolloDriverConfig>({
 *   driver: ApolloDriver,
 *   inject: [JwtKnoxGraphqlAuth],
 *   useFactory: (auth: JwtKnoxGraphqlAuth) => ({ autoSchemaFile: true, ...auth.forApollo() }),
 * });
 */
export abstract class JwtKnoxGraphqlAuth {
  /** For `ApolloDriver`, with subscriptions by `graphql-ws`. */
  abstract forApollo(): ApolloSettings;

  /** For `MercuriusDriver`. */
  abstract forMercurius(): MercuriusSettings;

  /**
   * The context of an operation, from what the server passes: of Apollo on Express `{ req, res }`, on Fastify and of
   * Mercurius the request and its reply, of `graphql-ws` what it keeps for a socket.
   * @throws MissingTokenError for what is none of these, and for a socket that {@link onConnect} did not let in
   */
  abstract readonly context: (...given: any[]) => GraphqlContext;

  /** For the server of `graphql-ws`: lets in who shows a valid access token, and closes the socket of all others. */
  abstract readonly onConnect: (context: any) => Promise<boolean>;
}

/** By the connections of the module. */
export class ConnectedGraphqlAuth extends JwtKnoxGraphqlAuth {
  readonly #connections: Connections;
  readonly #terms: ChannelTerms;
  /** By what the server of subscriptions keeps for one socket. */
  readonly #sockets = new WeakMap<object, SubscriptionSocket>();

  constructor(connections: Connections, terms: ChannelTerms) {
    super();
    this.#connections = connections;
    this.#terms = terms;
  }

  forApollo(): ApolloSettings {
    return {
      context: this.context,
      formatError: withLibraryCode,
      subscriptions: {
        'graphql-ws': {
          connectionInitWaitTimeout: SILENCE_MS,
          onConnect: this.onConnect,
          // Context, id, message, arguments, result.
          onNext: (...given) => formattedResult(given[4]),
          onError: (_context, _id, _payload, errors) => errors.map(formattedOf),
        },
      },
    };
  }

  forMercurius(): MercuriusSettings {
    const connect = (connection: unknown, params: unknown) => this.#connectMercurius(connection, params);
    return {
      context: this.context,
      errorFormatter: ({ data, errors }) => ({
        statusCode: 200,
        response: { data: data ?? null, ...(errors && { errors: errors.map(formattedOf) }) },
      }),
      subscription: {
        // Mercurius calls it on the connection, and says in no other way which one it is about.
        onConnect(data) {
          return connect(this, data?.payload);
        },
      },
    };
  }

  readonly context = (...given: any[]): GraphqlContext => {
    const [first, second] = given;
    if (first?.extra?.socket) {
      const socket = this.#sockets.get(first.extra);
      if (!socket) throw new MissingTokenError();
      return { req: socket.request };
    }
    if (hasHeaders(first?.req)) return { req: first.req, res: first.res };
    if (hasHeaders(first)) return { req: first, res: second };
    throw new MissingTokenError();
  };

  readonly onConnect = async (context: any): Promise<boolean> => {
    const { extra, connectionParams: params } = Object(context);
    if (typeof extra?.socket?.close !== 'function') return false;
    try {
      const given = { socket: extra.socket, request: extra.request, params };
      const socket = await SubscriptionSocket.open(this.#connections, this.#terms, given);
      this.#sockets.set(extra, socket);
      socket.takeFurtherInits();
      return true;
    } catch (error) {
      closeSocket(extra.socket, refusalOf(error));
      return false;
    }
  };

  async #connectMercurius(connection: any, params: unknown): Promise<GraphqlContext | false> {
    const { socket, context } = Object(connection);
    if (typeof socket?.close !== 'function') return false;
    const known = this.#sockets.get(connection);
    try {
      if (known) await known.renew(params);
      // Mercurius starts another one after each, and stops the last only.
      if (known) clearInterval(connection.keepAliveTimer);
      const request = context?.request?.raw ?? context?.request;
      const given = { socket, request, params };
      const opened = known ?? (await SubscriptionSocket.open(this.#connections, this.#terms, given));
      this.#sockets.set(connection, opened);
      return { req: opened.request };
    } catch (error) {
      closeSocket(socket, refusalOf(error));
      return false;
    }
  }
}

/** Undefined: as it is. */
function formattedResult(result: any): object | undefined {
  return result?.errors ? { ...result, errors: result.errors.map(formattedOf) } : undefined;
}

function hasHeaders(request: unknown): boolean {
  return typeof (Object(request) as { headers?: unknown }).headers === 'object';
}
