import { Inject, Injectable } from '@nestjs/common';
import { cleanText, type Device, TEXT_LIMITS } from '../contracts/device';
import type { IssuedTokens } from '../contracts/issued-tokens';
import type { Session, SessionRecord } from '../contracts/session';
import { type Duration, millisecondsOf } from '../options/duration';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { Actors } from './actors';
import { DeviceCheck } from './device-check';
import { type LoginArrival, LoginArrivals } from './login-arrivals';
import { traceLogin } from './login-trace';
import { RequestDeadline } from './request-deadline';
import type { BoundColumns } from './session-binding';
import { type Login, SessionIssuer } from './session-issuer';

/** What a new token for a program is to be. */
export interface ProgramTokenOrder {
  /** What its user calls it, such as `CI of the shop`; cleaned and cut as names of devices are. */
  name: string;
  /** What it may do, such as `['orders:read']`: as little as the program needs. */
  scopes: readonly string[];
  /**
   * What `TokenService.arrival` returned before you looked at anything that lets the user make it: a request that began before
   * all sessions of the user were ended makes no token. @default now
   */
  arrival?: LoginArrival;
  /**
   * Thumbprint (RFC 7638, SHA-256 in base64url) of the key of the program: the token counts with a proof of that key only (DPoP).
   * Needs `deviceBinding`. @default none
   */
  dpopKeyThumbprint?: string | undefined;
  /** How long it counts, no longer than `session.maxProgramLifetime`. @default that, unless it is null */
  ttl?: Duration | undefined;
}

/** Whether something of a text is left when it has been cleaned. */
const hasText = (text: unknown) => typeof text === 'string' && cleanText(text, TEXT_LIMITS.deviceName) !== null;

/** Whom an impersonation is for, and what it is for. */
export interface ImpersonationOrder {
  /** Why somebody acts as the user; the user sees it in the list of their sessions. */
  reason: string;
  /** How long it lasts; begun from a session that a browser has bound (DBSC), no longer than `accessToken.ttl`. @default '1h' */
  ttl?: Duration | undefined;
  /**
   * What the staff may do as the user; null for whatever the user may. Required where logins get theirs by the option
   * `scopes`. @default null
   */
  scopes?: readonly string[] | null;
}

/** The staff who act as somebody else: in their own session, which may be another realm's. */
export type ActingSession = Pick<Session, 'id' | 'userId' | 'realm'>;

/** Starts sessions that are no login of their user: for programs, and for staff who act as the user. */
@Injectable()
export class DelegatedSessions {
  constructor(
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    private readonly arrivals: LoginArrivals,
    private readonly issuer: SessionIssuer,
    private readonly actors: Actors,
    private readonly devices: DeviceCheck,
  ) {}

  async forProgram<User>(user: User, order: ProgramTokenOrder, device: Device): Promise<IssuedTokens<User>> {
    const { name, scopes, ttl, dpopKeyThumbprint: thumbprint } = order;
    if (!hasText(name)) throw new TypeError('issueProgramToken: name is missing.');
    const longest = this.options.session.maxProgramLifetime;
    if (ttl === undefined && longest === Infinity) {
      throw new TypeError('issueProgramToken: ttl is missing, and session.maxProgramLifetime names no longest one.');
    }
    const bound = thumbprint === undefined ? undefined : this.devices.boundTo(thumbprint, this.options.clock.now());
    const overrides = { scopes, ...(ttl !== undefined && { ttl }) };
    const deadline = this.newDeadline();
    const arrival = await deadline.run(() => this.arrivals.begun(order));
    const named = { ...device, deviceName: name };
    return this.start({ kind: 'program', user, device: named, overrides, arrival, bound }, deadline);
  }

  async forActor<User>(actor: ActingSession, user: User, order: ImpersonationOrder): Promise<IssuedTokens<User>> {
    const { reason, ttl = '1h' } = order;
    if (!hasText(reason)) throw new TypeError('impersonate: reason is missing.');
    // Logins of this user may do less than the user: by omission, staff must not do more.
    const decides = 'scopes' in order || !this.options.scopes;
    if (!decides) throw new TypeError('impersonate: scopes is missing; write null for whatever the user may do.');
    const deadline = this.newDeadline();
    // First: what ends all sessions of the user from here on ends this one too.
    const arrival = await deadline.run(() => this.arrivals.read());
    const acting = { actorId: actor.userId, actorRealm: actor.realm, actorSessionId: actor.id };
    // Also keeps one impersonation from starting another.
    const own = await deadline.run(() => this.actors.requireLogin(acting));
    const device = { deviceName: reason };
    const { bound, longest } = this.bindingBy(own);
    const overrides = { ttl: noLonger(ttl, longest), ...('scopes' in order && { scopes: order.scopes! }) };
    return this.start({ kind: 'impersonation', user, device, overrides, acting, arrival, bound }, this.newDeadline());
  }

  /**
   * To what a session is bound, and how long it lasts (ms), in which somebody acts from their own: no copy of it is worth more
   * than one of theirs. Undefined: what the options demand of one that nothing binds.
   */
  private bindingBy(own: SessionRecord): { bound?: BoundColumns; longest: number } {
    if (own.boundKind === null) return { longest: Infinity };
    if (own.boundKind === 'dpop') return { bound: boundColumnsOf(own), longest: Infinity };
    // A browser proves itself where it prolongs its own cookies, and with no other token: this one counts as long as theirs.
    return { bound: UNBOUND, longest: this.options.accessTtl };
  }

  private start<User>(
    session: Omit<Login<User>, 'username' | 'transaction'>,
    deadline: RequestDeadline,
  ): Promise<IssuedTokens<User>> {
    const start = () => this.issuer.start({ ...session, username: null, transaction: null }, deadline);
    return traceLogin(this.options, session.kind, start);
  }

  private newDeadline(): RequestDeadline {
    return new RequestDeadline(this.options.storageTimeout);
  }
}

/** What is no duration stays as it is, and is refused as that. @param longest milliseconds */
function noLonger(ttl: Duration, longest: number): Duration {
  return (millisecondsOf(ttl) ?? 0) > longest ? `${longest}ms` : ttl;
}

const UNBOUND: BoundColumns = {
  boundKind: null,
  boundKey: null,
  boundKeyThumbprint: null,
  boundAt: null,
  boundProofAt: null,
};

/** Staff who act as somebody else do so with the key of their own device. */
function boundColumnsOf({
  boundKind,
  boundKey,
  boundKeyThumbprint,
  boundAt,
  boundProofAt,
}: BoundColumns): BoundColumns {
  return { boundKind, boundKey, boundKeyThumbprint, boundAt, boundProofAt };
}
