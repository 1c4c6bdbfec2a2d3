import type { Session, SessionRecord, TokenSession } from './session';

/**
 * Tells the library the type of your user, of your own session entity, and of `request.knox.session` in a service that has
 * only a verifier. Declare it once, in any file of your application.
 * @example
 * declare module 'nestjs-jwt-knox' {
 *   interface JwtKnoxRegister {
 *     user: User;
 *   }
 * }
 */
// oxlint-disable-next-line typescript/no-empty-object-type -- hosts add the members
export interface JwtKnoxRegister {}

/** The user of {@link JwtKnoxRegister}; any when none is registered. */
export type RegisteredUser = JwtKnoxRegister extends { user: infer User } ? User : any;

/**
 * Columns of your own session entity, by the names of its members: those of the `sessionEntity` of {@link JwtKnoxRegister},
 * or any where none is registered.
 */
export type RegisteredSessionColumns = JwtKnoxRegister extends { sessionEntity: infer Entity }
  ? { readonly [Name in Exclude<keyof Entity, keyof SessionRecord>]?: Entity[Name] | undefined }
  : { readonly [name: string]: unknown };

/** The session of {@link JwtKnoxRegister}; a `Session` when none is registered. */
export type RegisteredSession = JwtKnoxRegister extends { session: infer Known extends TokenSession } ? Known : Session;

/**
 * What `JwtKnoxGuard` adds to a request. Under `@OptionalAuth()`, both are undefined for an anonymous request: use
 * `Partial<JwtKnoxRequest>` there.
 * @example
 * function sessionIdOf(request: Request & JwtKnoxRequest<User>): string {
 *   return request.knox.session.id;
 * }
 */
export interface JwtKnoxRequest<User = RegisteredUser, Known extends TokenSession = RegisteredSession> {
  /** The authenticated user, as the `UserProvider` found it. */
  user: User;
  knox: {
    readonly session: Known;
    /** The custom claims of the access token. Never authorise by them. */
    readonly claims: Readonly<Record<string, unknown>>;
  };
}
