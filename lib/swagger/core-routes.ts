import type { RouteDescription } from '../contracts/feature';

/** A route of the library itself: what {@link RouteDescription} says, and what only its own routes have. */
export interface CoreRoute extends RouteDescription {
  /** The last part of the operation's id. */
  readonly id: string;
  /** Codes of the refusals beside those that the way to authenticate and every route have, by status. */
  readonly codes?: Readonly<Record<number, readonly string[]>>;
  /** Those of the query's parameters that must be sent. */
  readonly required?: readonly string[];
  /** Headers of the request. */
  readonly headers?: readonly string[];
  /** What the answer carries beside `Cache-Control`: a page that goes on, cookies, a document to be cached, events. */
  readonly answers?: 'page' | 'tokens' | 'ended' | 'cacheable' | 'stream';
  /** Whether the body may be left out. */
  readonly isBodyOptional?: boolean;
  /** Where it is mounted: below the prefix, or at `/.well-known`. */
  readonly isWellKnown?: boolean;
}

/** Of sessions that are bound to a key of their device. */
export const BINDING_REFUSED = ['binding_required', 'invalid_dpop_proof', 'use_dpop_nonce'];
export const ACCESS_REFUSED = ['missing_token', 'invalid_token', 'token_expired', ...BINDING_REFUSED];
const REFRESH_REFUSED = ['invalid_refresh_token', 'refresh_token_expired', 'refresh_token_reused'];
const PAGE = ['limit', 'before', 'before_id'];
const FORM = 'application/x-www-form-urlencoded';

/** Not for tokens for programs. */
const FOR_PEOPLE = { 403: ['forbidden'] };
/** Nor, with `routes.freshness`, for a login that is not fresh. */
const FOR_PEOPLE_WITH_PROOF = { ...FOR_PEOPLE, 401: ['insufficient_user_authentication'] };

const LOGINS: CoreRoute[] = [
  {
    id: 'login', method: 'POST', path: 'login', auth: 'public', summary: 'Starts a session.',
    request: 'Login', responses: { 200: 'Tokens' }, answers: 'tokens',
    codes: { 401: ['invalid_credentials', ...BINDING_REFUSED], 403: ['session_limit_reached'] },
  },
  {
    id: 'refresh', method: 'POST', path: 'refresh', auth: 'public', summary: 'Returns a new access token.',
    request: 'Refresh', responses: { 200: 'Tokens' }, answers: 'tokens', headers: ['Idempotency-Key'],
    codes: { 400: ['invalid_target'], 401: [...REFRESH_REFUSED, ...BINDING_REFUSED] },
  },
  {
    id: 'reauthenticate', method: 'POST', path: 'reauthenticate', auth: 'access',
    summary: 'Proves the credentials again, and returns new tokens of the session.',
    request: 'Reauthentication', responses: { 200: 'Tokens' }, answers: 'tokens',
    codes: { 401: ['invalid_credentials'], 403: ['forbidden'] },
  },
  {
    id: 'logout', method: 'POST', path: 'logout', auth: 'public', summary: 'Ends the session.',
    request: 'Logout', isBodyOptional: true, responses: { 204: null }, answers: 'ended',
    codes: { 401: [...ACCESS_REFUSED, ...REFRESH_REFUSED] },
  },
  {
    id: 'logoutOther', method: 'POST', path: 'logout-other', auth: 'access',
    summary: 'Ends all sessions of the user but this one and tokens for programs.', responses: { 200: 'RevokedOthers' },
    codes: FOR_PEOPLE_WITH_PROOF,
  },
  {
    id: 'logoutAll', method: 'POST', path: 'logout-all', auth: 'access', summary: 'Ends all sessions of the user.',
    responses: { 200: 'Revoked' }, answers: 'ended', codes: FOR_PEOPLE_WITH_PROOF,
  },
]; // prettier-ignore

const SESSIONS: CoreRoute[] = [
  {
    id: 'verify', method: 'GET', path: 'verify', auth: 'access', summary: 'Tells whether the access token is good.',
    responses: { 204: null },
  },
  {
    id: 'verifyByPost', method: 'POST', path: 'verify', auth: 'access',
    summary: 'Tells whether the access token is good.', responses: { 204: null },
  },
  {
    id: 'session', method: 'GET', path: 'session', auth: 'access', summary: 'Returns the session of this request.',
    responses: { 200: 'Session' },
  },
  {
    id: 'sessions', method: 'GET', path: 'sessions', auth: 'access', query: PAGE, answers: 'page',
    summary: 'Lists the live sessions of the user, newest first.', responses: { 200: 'Sessions' }, codes: FOR_PEOPLE,
  },
  {
    id: 'renameSession', method: 'PATCH', path: 'sessions/:id', auth: 'access',
    summary: 'Names the device of a session of the user.', request: 'SessionName', responses: { 204: null, 404: 'HttpError' },
    codes: FOR_PEOPLE,
  },
  {
    id: 'endSession', method: 'DELETE', path: 'sessions/:id', auth: 'access', answers: 'ended',
    summary: 'Ends a session of the user.', responses: { 204: null, 404: 'HttpError' }, codes: FOR_PEOPLE_WITH_PROOF,
  },
  {
    id: 'debugVerify', method: 'GET', path: 'debug-verify', auth: 'access', summary: 'Shows what the access token says.',
    responses: { 200: 'DebuggedToken' },
  },
]; // prettier-ignore

const ADMINISTRATION: CoreRoute[] = [
  {
    id: 'statistics', method: 'GET', path: 'admin/statistics', auth: 'admin', query: ['user_id'],
    summary: 'Counts sessions, of all users or of one.', responses: { 200: 'Statistics' },
  },
  {
    id: 'purgeExpired', method: 'POST', path: 'admin/purge-expired', auth: 'admin',
    summary: 'Deletes expired sessions.', responses: { 200: 'Deleted' },
  },
  {
    id: 'userSessions', method: 'GET', path: 'admin/users/:user_id/sessions', auth: 'admin', query: PAGE, answers: 'page',
    summary: 'Lists the sessions of a user, expired ones too.', responses: { 200: 'UserSessions' },
  },
  {
    id: 'endUserSessions', method: 'DELETE', path: 'admin/users/:user_id/sessions', auth: 'admin', answers: 'ended',
    summary: 'Ends all sessions of a user.', responses: { 200: 'Revoked' },
  },
  {
    id: 'sessionsOf', method: 'GET', path: 'admin/sessions', auth: 'admin', query: ['user_id', ...PAGE],
    required: ['user_id'], answers: 'page', summary: 'Lists the sessions of a user, expired ones too.',
    responses: { 200: 'UserSessions' },
  },
  {
    id: 'endSessionsOf', method: 'DELETE', path: 'admin/sessions', auth: 'admin', query: ['user_id'],
    required: ['user_id'], answers: 'ended', summary: 'Ends all sessions of a user.', responses: { 200: 'Revoked' },
  },
]; // prettier-ignore

const CLIENTS: CoreRoute[] = [
  {
    id: 'introspect', method: 'POST', path: 'introspect', auth: 'client', requestType: FORM,
    summary: 'Tells whether a token is good, and what it says (RFC 7662).',
    request: 'TokenForm', responses: { 200: 'Introspection' },
  },
  {
    id: 'revoke', method: 'POST', path: 'revoke', auth: 'client', requestType: FORM,
    summary: 'Ends the session of a token, and tells nothing of it (RFC 7009).',
    request: 'TokenForm', responses: { 200: null },
  },
  {
    id: 'revocations', method: 'GET', path: 'revocations', auth: 'client', query: ['nonce'], required: ['nonce'],
    summary: 'Tells which sessions end, as it happens: a signed frame an event.',
    responses: { 200: 'RevocationEvents' }, responseType: 'text/event-stream', answers: 'stream',
    codes: { 400: ['invalid_request'] },
  },
  {
    id: 'jwks', method: 'GET', path: 'jwks.json', auth: 'public', isWellKnown: true, answers: 'cacheable',
    summary: 'Returns the public keys (RFC 7517).', responses: { 200: 'KeySet' },
  },
  {
    id: 'metadata', method: 'GET', path: 'oauth-authorization-server', auth: 'public', isWellKnown: true,
    answers: 'cacheable', summary: 'Tells clients where they find what (RFC 8414).', responses: { 200: 'Metadata' },
  },
]; // prettier-ignore

const PROGRAMS: CoreRoute[] = [
  {
    id: 'tokens', method: 'GET', path: 'tokens', auth: 'access', summary: 'Lists the tokens for programs.',
    query: PAGE, answers: 'page', responses: { 200: 'ProgramTokens' }, codes: FOR_PEOPLE,
  },
  {
    id: 'createToken', method: 'POST', path: 'tokens', auth: 'access', request: 'NewProgramToken',
    summary: 'Makes a token for a program, and returns it this once.', responses: { 201: 'IssuedProgramToken' },
    codes: {
      401: ['invalid_credentials', 'insufficient_user_authentication'],
      403: ['forbidden', 'insufficient_scope', 'session_limit_reached'],
    },
  },
  {
    id: 'endToken', method: 'DELETE', path: 'tokens/:id', auth: 'access',
    summary: 'Ends a token for a program.', responses: { 204: null, 404: 'HttpError' }, codes: FOR_PEOPLE_WITH_PROOF,
  },
]; // prettier-ignore

/** All that the library may serve; a document has those that are mounted. */
export const CORE_ROUTES: readonly CoreRoute[] = [...LOGINS, ...SESSIONS, ...ADMINISTRATION, ...CLIENTS, ...PROGRAMS];
