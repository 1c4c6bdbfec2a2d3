export { graphql } from './graphql';
export { JwtKnoxGraphqlAuth } from './graphql-auth';
export type { ApolloSettings, GraphqlContext, MercuriusSettings } from './graphql-auth';
export type { FormattedError } from './graphql-errors';
