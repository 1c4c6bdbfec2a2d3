import { Inject, Injectable, Optional } from '@nestjs/common';
import {
  BindingError,
  BindingRejection,
  BindingRequiredError,
  InvalidDpopProofError,
} from '../contracts/binding-errors';
import { cleanPresenter, cleanText, type Presenter, TEXT_LIMITS } from '../contracts/device';
import { InvalidRequestError, TokenRejection } from '../contracts/errors';
import { JwtKnoxEvents } from '../contracts/events';
import { type Session, type SessionRecord, sessionOf } from '../contracts/session';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import type { DpopProofs } from '../tokens/dpop-proof';
import { isThumbprint } from '../tokens/token-claims';
import { isOfCopy } from './copied-token';
import { RejectionLog } from './rejection-log';
import {
  type BindingOrder,
  type BoundColumns,
  type BoundSession,
  SessionBinding,
  type ShownToken,
} from './session-binding';

/** Whether who shows a token is at the device of its session: by its user-agent where configured, by its key where bound. */
@Injectable()
export class DeviceCheck {
  private readonly log = new RejectionLog();

  constructor(
    @Inject(JWT_KNOX_OPTIONS)
    private readonly options: { readonly session: Pick<ResolvedOptions['session'], 'bindUserAgent' | 'ipAddress'> },
    private readonly events: JwtKnoxEvents,
    @Optional() private readonly binding?: SessionBinding,
  ) {}

  /** @throws TokenRejection, BindingRequiredError, InvalidDpopProofError, UseDpopNonceError */
  check(record: SessionRecord, shown: ShownToken): void {
    this.checkUserAgent(record, shown.presenter);
    this.requireKey(record, shown);
  }

  /** The same for memory, which refuses nobody: what it throws is told to nobody. */
  ask(record: SessionRecord, shown: ShownToken): void {
    this.checkUserAgent(record, shown.presenter);
    this.judge(record, shown);
  }

  /** The key alone: for an end, which asks for nothing else. @throws as {@link check} */
  requireKey(session: BoundSession, shown: ShownToken): void {
    this.told({ session, shown }, shown.presenter, () => this.judge(session, shown));
  }

  /** Before a login's credentials are looked at. @throws BindingRequiredError, InvalidDpopProofError, UseDpopNonceError */
  admitLogin(presenter: Presenter): void {
    const { binding } = this;
    if (binding) this.told(null, presenter, () => binding.admitLogin(presenter));
  }

  /** What a new session is bound to; null for nothing. @throws as {@link admitLogin} */
  atLogin(order: BindingOrder): BoundColumns | null {
    return this.told(null, order.presenter, () => this.binding?.atLogin(order) ?? null);
  }

  /** The columns of a session that is bound to the key of this thumbprint. @throws InvalidRequestError when it cannot be */
  boundTo(thumbprint: string, now: number): BoundColumns {
    const columns = isThumbprint(thumbprint) ? this.binding?.boundTo(thumbprint, now) : null;
    if (columns) return columns;
    throw new InvalidRequestError(
      'dpop_jkt must be the SHA-256 thumbprint of a key (RFC 7638), where the application binds tokens by DPoP.',
    );
  }

  /** The tokens of a login are about to be answered. */
  loginAnswered(session: Session, request: unknown, response: unknown): void {
    this.binding?.loginAnswered(session, request, response);
  }

  private judge(session: BoundSession, shown: ShownToken): void {
    const { binding } = this;
    const proof = shown.presenter?.proof;
    if (session.boundKind === null && proof === undefined && !binding?.checksUnbound) return;
    if (binding) return binding.check(session, shown);
    // What this application cannot check, it must not take for less than it is.
    if (session.boundKind !== null) throw new BindingRequiredError('not_supported');
    if (shown.accessToken !== null && proof?.hasDpopScheme) throw notBound(session);
  }

  /** @param asked about which session, of which a genuine token was shown; null at a login */
  private told<T>(
    asked: { session: BoundSession; shown: ShownToken } | null,
    presenter: Presenter | undefined,
    work: () => T,
  ): T {
    try {
      return work();
    } catch (error) {
      if (error instanceof InvalidDpopProofError) this.log.writeProof(error);
      // A nonce is asked for in the normal course of things.
      if (error instanceof BindingRejection || (error instanceof BindingError && error.code !== 'use_dpop_nonce')) {
        this.events.emit('binding.refused', {
          sessionId: asked?.session.id ?? null,
          userId: asked?.session.userId ?? null,
          presenter: cleanPresenter(presenter ?? {}, this.options.session.ipAddress),
          reason: error.refusal,
          isCopy: asked !== null && isOfCopy(error, asked.session, asked.shown),
        });
      }
      throw error;
    }
  }

  /** No presenter, no check: introspection and host code have none. */
  private checkUserAgent(record: SessionRecord, presenter: Presenter | undefined): void {
    const { bindUserAgent: mode, ipAddress } = this.options.session;
    if (mode === 'off' || presenter === undefined || record.kind !== 'login') return;
    if (cleanText(presenter.userAgent, TEXT_LIMITS.userAgent) === record.userAgent) return;
    if (mode === 'reject')
      throw new TokenRejection('user_agent_mismatch', { sessionId: record.id, userId: record.userId });
    const seen = { session: sessionOf(record), presenter: cleanPresenter(presenter, ipAddress) };
    this.events.emit('user-agent.changed', seen);
  }
}

/**
 * The proof that a token of a session bound by DPoP needs.
 * @param proofs null where this application can check none
 * @throws TokenRejection, BindingRequiredError, InvalidDpopProofError, UseDpopNonceError
 */
export function requireDpopProof(
  proofs: DpopProofs | null,
  { id, userId, boundKeyThumbprint: thumbprint }: BoundSession,
  { accessToken, presenter }: ShownToken,
): void {
  if (!proofs || thumbprint === null) throw new BindingRequiredError('not_supported');
  proofs.require(presenter?.proof, { thumbprint, accessToken, named: { sessionId: id, userId } });
}

/** For a token that is shown as bound to a key, and is not (RFC 9449 section 7.1). */
export function notBound({ id, userId }: Pick<Session, 'id' | 'userId'>): BindingRejection {
  return new BindingRejection('not_bound', { sessionId: id, userId });
}
