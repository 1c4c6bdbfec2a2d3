// The module
export { JwtKnoxModule } from './jwt-knox.module';
export type {
  AccessTokenOptions,
  ClientRight,
  JwtKnoxAlgorithm,
  JwtKnoxClient,
  JwtKnoxExtras,
  JwtKnoxKey,
  JwtKnoxOptions,
  JwtKnoxOptionsFactory,
  KeyMaterial,
  RefreshTokenOptions,
  SessionOptions,
} from './options/options';
export type {
  JwtKnoxLoginRoute,
  JwtKnoxRouteGuards,
  JwtKnoxRoutes,
  ProgramTokenOptions,
} from './options/route-options';
export type { Duration } from './options/duration';
export { Clock, SystemClock } from './contracts/clock';
export type { Moment } from './contracts/clock';

// Guard and decorators
export { JwtKnoxGuard } from './guard/jwt-knox.guard';
export { JwtKnoxStrategy } from './guard/jwt-knox.strategy';
export { AnyScope, RequireFresh, RequireLogin, Scopes } from './guard/route-rights';
export type { RouteRights } from './guard/route-rights';
export { Authoritative, CurrentActor, CurrentSession, CurrentUser, OptionalAuth, Public } from './guard/decorators';
export type { DecoratorOf, RouteAccess } from './guard/decorators';
export type {
  JwtKnoxRegister,
  JwtKnoxRequest,
  RegisteredSession,
  RegisteredSessionColumns,
  RegisteredUser,
} from './contracts/registered-types';
export { EndWithSession } from './guard/end-with-session';
export { RequestAuthenticator } from './guard/request-authenticator';
export { RequestContext, RequestContextReader, requestOf } from './guard/request-context';

// Sessions and tokens
export { TokenService } from './sessions/token.service';
export { SessionAdminService } from './sessions/session-admin.service';
export type { PurgeOptions, SessionStatistics } from './sessions/session-admin.service';
export type { RevokeOptions } from './sessions/token.service';
export type { IssueOverrides } from './sessions/session-issuer';
export type { LoginArrival } from './sessions/login-arrivals';
export type { ActingSession, ImpersonationOrder, ProgramTokenOrder } from './sessions/delegated-sessions';
export type { ChangeOptions, CredentialsTarget, RefreshOptions } from './sessions/session-renewals';
export type { ActiveToken, Introspection, IntrospectOptions } from './sessions/oauth.service';
export type { Authentication } from './sessions/session-checker';
export type { HowToVerify } from './sessions/token-verifier';
export type { PublicJwk, PublicKeySet } from './tokens/jwk';
export { IssuedTokens } from './contracts/issued-tokens';
export type { TokenLifetimes } from './contracts/issued-tokens';
export { sessionRecord } from './contracts/session';
export type { Device, Presenter } from './contracts/device';
export { coversScope } from './contracts/scopes';
export type { Actor, Session, SessionEssentials, SessionKind, SessionRecord, TokenSession } from './contracts/session';
export type { AddressDetail } from './contracts/address';

// Your users
export { UserProvider } from './contracts/user-provider';
export type { Credentials, ExcludeFromDeadline } from './contracts/user-provider';

// How credentials travel
export { TokenTransport } from './contracts/token-transport';
export type { BoundCookie, CredentialUse, TransportDescription, TransportSettings } from './contracts/token-transport';
export { BearerTransport } from './guard/bearer.transport';
export type { BearerTransportOptions } from './guard/bearer.transport';
export { CookieTransport } from './guard/cookie.transport';
export type { CookieResponseBody } from './guard/cookie.transport';
export type { CookieTransportOptions } from './guard/cookie.options';
export { AllowCrossOrigin } from './guard/cross-origin';
export { tokenResponseBody } from './guard/token-response';
export type { TokenResponseBody } from './guard/token-response';

// Additions
export type { ChannelOptions } from './sessions/channel-terms';
export type { FeatureSettings, JwtKnoxFeature, RouteAuthentication, RouteDescription } from './contracts/feature';

// Storage
export { SessionRepository } from './contracts/session.repository';
export type {
  AccessKeyChange,
  AccessKeyState,
  DeleteConditions,
  FoundSession,
  KeyBinding,
  KeyRenewal,
  SlotQuery,
  Rotation,
  SessionCounts,
  SessionQuery,
  StorageTransaction,
} from './contracts/session.repository';
export type { PrimaryDatabase } from './contracts/primary-database';
export type { SessionStorage, SessionStorageContext } from './contracts/session-storage';

// Events
export { JwtKnoxEvents } from './contracts/events';
export type {
  ClientRejection,
  ForbiddenReason,
  JwtKnoxEventMap,
  JwtKnoxEventName,
  JwtKnoxListener,
  LoginFailure,
  RetryReason,
  RevocationReason,
  RevocationScope,
  SessionActor,
} from './contracts/events';

// Diagnostics
export { SOCKETS_CHANNEL } from './contracts/diagnostics';
export type {
  AuthenticateMessage,
  LoginMessage,
  OperationMessage,
  OperationMessages,
  OperationOutcome,
  PurgeMessage,
  RefreshMessage,
  RevokeMessage,
  SocketsMessage,
  StorageMessage,
} from './contracts/diagnostics';
export type { LogId } from './contracts/log-line';

// Errors
export { UnstorableUserIdError } from './contracts/user-id-error';
export { CrossOriginRefusedError } from './contracts/cross-origin-error';
export {
  InvalidCredentialsError,
  InvalidRefreshTokenError,
  InvalidRequestError,
  InvalidTokenError,
  IssuerUnavailableError,
  JwtKnoxConfigurationError,
  JwtKnoxError,
  MissingTokenError,
  RefreshTokenExpiredError,
  RefreshTokenReusedError,
  SessionLimitReachedError,
  StorageUnavailableError,
  TokenExpiredError,
  TooBusyError,
  UnauthorizedError,
  UnavailableError,
} from './contracts/errors';
export { ForbiddenError, InsufficientScopeError, InsufficientUserAuthenticationError } from './contracts/rights-errors';
export { InvalidClientError, InvalidTargetError, UnauthorizedClientError } from './contracts/oauth-errors';
export type { JwtKnoxErrorCode, RejectionReason } from './contracts/errors';
