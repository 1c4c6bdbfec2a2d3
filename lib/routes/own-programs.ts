import { Inject, Injectable, NotFoundException } from '@nestjs/common';
import { InvalidRequestError } from '../contracts/errors';
import type { IssuedTokens } from '../contracts/issued-tokens';
import type { JwtKnoxRequest } from '../contracts/registered-types';
import { coversScope, isScope } from '../contracts/scopes';
import { InsufficientScopeError, InsufficientUserAuthenticationError } from '../contracts/rights-errors';
import { type Session, SESSION_FIELDS } from '../contracts/session';
import type { SessionQuery } from '../contracts/session.repository';
import { actorOf, currentSessionOf, deadlineOf } from '../guard/authenticated-request';
import { presenterOf } from '../guard/request-context';
import { isFresh } from '../guard/route-rights';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { DelegatedSessions } from '../sessions/delegated-sessions';
import { Reauthentication } from '../sessions/reauthentication';
import { RequestDeadline } from '../sessions/request-deadline';
import { SessionList } from '../sessions/session-list';
import { SessionRevoker } from '../sessions/session-revoker';
import type { ProgramTokenDto } from './dto';
import { endingOf, OwnSessions } from './own-sessions';

/** How old the last proof of credentials may be where login guards of the application take them. */
const DEFAULT_FRESHNESS_MS = 600_000;

/** Epoch milliseconds; null for a token that nobody has used. */
export function lastUseOf({ lastUsedAt, createdAt }: Session): number | null {
  return lastUsedAt === createdAt ? null : lastUsedAt;
}

/** What users do with their tokens for programs, in requests that the guard let in. */
@Injectable()
export class OwnPrograms {
  constructor(
    private readonly delegated: DelegatedSessions,
    private readonly reauthentication: Reauthentication,
    private readonly sessions: SessionList,
    private readonly own: OwnSessions,
    private readonly revoker: SessionRevoker,
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  list(request: unknown, query: SessionQuery): Promise<Session[]> {
    const kinds = ['program'] as const;
    return this.sessions.of(currentSessionOf(request).userId, { ...query, kinds }, deadlineOf(request));
  }

  /**
   * @param password the proof, unless login guards of the application take it
   * @throws InvalidCredentialsError, InsufficientUserAuthenticationError without a proof
   * @throws InvalidRequestError, InsufficientScopeError for an order that cannot be met
   */
  async make(order: ProgramTokenDto, password: () => string, request: JwtKnoxRequest): Promise<IssuedTokens> {
    const session = currentSessionOf(request);
    const { name, scopes, dpop_jkt: thumbprint } = order;
    const ttl = order.expires_in ?? undefined;
    this.checkScopes(scopes, session);
    if (ttl === undefined && this.options.session.maxProgramLifetime === Infinity) {
      throw new InvalidRequestError('expires_in is missing: send the lifetime of the token in seconds.');
    }
    // What ended since the guard let the request in, with all sessions of the user, must not live on in a token.
    const arrival = await this.reauthentication.arrive(session);
    await this.requireProof(session, password, request);
    const wanted = { name, scopes, ttl, arrival, dpopKeyThumbprint: thumbprint ?? undefined };
    const issued = await this.delegated.forProgram(request.user, wanted, presenterOf(request));
    // Insert, then look: whoever ends or narrows this session meanwhile does so before the look, or sees the token.
    await this.reauthentication.arrive(session).catch(async (error: unknown) => {
      await this.revoker.one(issued.session.id, session.userId, { reason: 'revoked', actor: actorOf(session) });
      throw error;
    });
    return issued;
  }

  /** @throws NotFoundException for somebody else's token as for an unknown one */
  async end(id: string, request: unknown, isProven = false): Promise<void> {
    const session = currentSessionOf(request);
    if (!isProven) this.own.requireFresh(session);
    if (!(await this.revoker.one(id, session.userId, endingOf(request, 'revoked'), ['program'])))
      throw new NotFoundException('There is no such token.');
  }

  private checkScopes(scopes: readonly string[], session: Session): void {
    const offered = this.options.programs.scopes;
    const unknown = scopes.filter((scope) => !isScope(scope) || (offered.length > 0 && !offered.includes(scope)));
    if (unknown.length > 0) throw new InvalidRequestError('scopes: choose from the scopes that there are.');
    if (scopes.join(' ').length > SESSION_FIELDS.scopes.length) throw new InvalidRequestError('scopes: too many.');
    const wider = scopes.filter((scope) => !coversScope(session.scopes, scope));
    if (wider.length > 0) throw new InsufficientScopeError(wider);
  }

  private async requireProof(session: Session, password: () => string, request: JwtKnoxRequest): Promise<void> {
    const { clock, routes, storageTimeout } = this.options;
    if (routes.hasLoginGuards) {
      const maxAge = routes.freshness ?? DEFAULT_FRESHNESS_MS;
      if (!isFresh(session, maxAge, clock.now())) throw new InsufficientUserAuthenticationError(maxAge);
      return;
    }
    const proof = { session, user: request.user, password: password(), request, presenter: presenterOf(request) };
    await this.reauthentication.check(proof, new RequestDeadline(storageTimeout));
  }
}
