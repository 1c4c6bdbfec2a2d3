import { Delete, Get, HttpCode, HttpStatus, Inject, NotFoundException, Post, Req, Res } from '@nestjs/common';
import { InvalidRequestError } from '../contracts/errors';
import { InsufficientScopeError, InsufficientUserAuthenticationError } from '../contracts/rights-errors';
import type { JwtKnoxRequest } from '../contracts/registered-types';
import { type Session, SESSION_FIELDS } from '../contracts/session';
import { coversScope, isScope, scopeList } from '../contracts/scopes';
import { actorOf, currentSessionOf, deadlineOf } from '../guard/authenticated-request';
import { jsonBodyOf, queryOf } from '../guard/request-body';
import { presenterOf } from '../guard/request-context';
import { isFresh, RequireLogin } from '../guard/route-rights';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { DelegatedSessions } from '../sessions/delegated-sessions';
import { Reauthentication } from '../sessions/reauthentication';
import { RequestDeadline } from '../sessions/request-deadline';
import { SessionList } from '../sessions/session-list';
import { SessionRevoker } from '../sessions/session-revoker';
import { PasswordDto, ProgramTokenDto, SessionsQueryDto } from './dto';
import { JwtKnoxRoute } from './knox-routes';
import { answerPage, isoTime, pageQuery } from './session-response';

/** How old the last proof of credentials may be where login guards of the application take them. */
const DEFAULT_FRESHNESS_MS = 600_000;

/** `tokens`, off by default: the tokens for programs of the user. */
@RequireLogin()
@JwtKnoxRoute()
export class ProgramTokensController {
  constructor(
    private readonly delegated: DelegatedSessions,
    private readonly reauthentication: Reauthentication,
    private readonly list: SessionList,
    private readonly revoker: SessionRevoker,
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  @Get('tokens')
  async tokens(@Req() request: unknown, @Res({ passthrough: true }) response: unknown) {
    const { userId } = currentSessionOf(request);
    const wanted = { ...pageQuery(queryOf(request, SessionsQueryDto)), kinds: ['program'] as const };
    const page = answerPage(await this.list.of(userId, wanted, deadlineOf(request)), wanted.limit, response);
    return page.map(programTokenBody);
  }

  @Post('tokens')
  @HttpCode(HttpStatus.CREATED)
  async create(@Req() request: JwtKnoxRequest) {
    const session = currentSessionOf(request);
    const { name, scopes, expires_in: ttl } = jsonBodyOf(request, ProgramTokenDto);
    this.checkScopes(scopes, session);
    if (ttl === undefined && this.options.session.maxProgramLifetime === Infinity) {
      throw new InvalidRequestError('expires_in is missing: send the lifetime of the token in seconds.');
    }
    // What ended since the guard let the request in, with all sessions of the user, must not live on in a token.
    const arrival = await this.reauthentication.arrive(session);
    await this.requireProof(session, request);
    const order = { name, scopes, ttl, arrival };
    const issued = await this.delegated.forProgram(request.user, order, presenterOf(request));
    return { ...programTokenBody(issued.session), token: issued.accessToken };
  }

  @Delete('tokens/:id')
  @HttpCode(HttpStatus.NO_CONTENT)
  async end(@Req() request: any): Promise<void> {
    const session = currentSessionOf(request);
    const deadline = deadlineOf(request) ?? this.revoker.newDeadline();
    const only = { userId: session.userId, kind: 'program' } as const;
    const ending = { reason: 'revoked', actor: actorOf(session), deadline } as const;
    if (!(await this.revoker.oneOfKind(request.params.id, only, ending)))
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

  /** The password in this very request or, where guards of the application take credentials, a fresh proof. */
  private async requireProof(session: Session, request: JwtKnoxRequest): Promise<void> {
    const { clock, routes, storageTimeout } = this.options;
    if (routes.hasLoginGuards) {
      const maxAge = routes.freshness ?? DEFAULT_FRESHNESS_MS;
      if (!isFresh(session, maxAge, clock.now())) throw new InsufficientUserAuthenticationError(maxAge);
      return;
    }
    const { password } = jsonBodyOf(request, PasswordDto);
    const proof = { session, user: request.user, password, request, presenter: presenterOf(request) };
    await this.reauthentication.check(proof, new RequestDeadline(storageTimeout));
  }
}

/** A token for a program on the wire; the token itself is shown once, by the answer that makes it. */
export function programTokenBody(session: Session) {
  return {
    id: session.id,
    name: session.deviceName,
    scopes: scopeList(session.scopes),
    created_at: isoTime(session.createdAt),
    last_used_at: session.lastUsedAt === session.createdAt ? null : isoTime(session.lastUsedAt),
    expires_at: isoTime(session.expiresAt),
  };
}
