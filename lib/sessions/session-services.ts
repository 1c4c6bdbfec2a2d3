import { JwtCodec } from '../tokens/jwt-codec';
import { JwtKnoxEvents } from '../contracts/events';
import { TokenRejections } from './rejections';
import { HostErrors } from './host-errors';
import { SessionTokens } from './session-tokens';
import { SessionLimiter } from './session-limiter';
import { SessionInserter } from './session-inserter';
import { SessionIssuer } from './session-issuer';
import { LoginReports } from './login-reports';
import { LoginArrivals } from './login-arrivals';
import { Logins } from './logins';
import { Logouts } from './logouts';
import { Actors } from './actors';
import { DelegatedSessions } from './delegated-sessions';
import { LastUsed } from './last-used';
import { DeviceCheck } from './device-check';
import { SessionChecker } from './session-checker';
import { SessionUsers } from './session-users';
import { AccessTokenVerifier } from './access-token.verifier';
import { SessionRevoker } from './session-revoker';
import { RefreshEvents } from './refresh-events';
import { SessionRefresher } from './session-refresher';
import { SessionRenewer } from './session-renewer';
import { SessionRenewals } from './session-renewals';
import { SessionList } from './session-list';
import { SessionNames } from './session-names';
import { OAuthService } from './oauth.service';
import { ClientAuthenticator } from './client-authenticator';
import { OpenChannels } from './open-channels';
import { SessionRecheck } from './session-recheck';
import { SessionAdminService } from './session-admin.service';
import { TokenService } from './token.service';

/** What one module of sessions consists of; beside it, a module binds the options, the keys, the storage and the users. */
export const SESSION_SERVICES = [
  JwtCodec,
  JwtKnoxEvents,
  TokenRejections,
  HostErrors,
  SessionTokens,
  SessionLimiter,
  SessionInserter,
  LoginReports,
  SessionIssuer,
  LoginArrivals,
  Logins,
  DelegatedSessions,
  LastUsed,
  Actors,
  SessionUsers,
  DeviceCheck,
  SessionChecker,
  AccessTokenVerifier,
  SessionRevoker,
  RefreshEvents,
  SessionRefresher,
  SessionRenewer,
  SessionRenewals,
  SessionList,
  SessionNames,
  OAuthService,
  ClientAuthenticator,
  SessionRecheck,
  OpenChannels,
  SessionAdminService,
  Logouts,
  TokenService,
];
