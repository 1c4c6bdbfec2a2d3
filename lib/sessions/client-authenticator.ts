import { Inject, Injectable } from '@nestjs/common';
import { InvalidClientError, UnauthorizedClientError } from '../contracts/oauth-errors';
import { type ClientRejection, JwtKnoxEvents } from '../contracts/events';
import { cleanText, cleanPresenter, type Presenter } from '../contracts/device';
import { OAuthClients } from '../tokens/oauth-clients';
import type { ClientRight } from '../options/options';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';

/** As long as the id of a configured client can be. */
const MAX_ID_LENGTH = 128;

/** What a client sent to prove who it is. */
export interface SentCredentials {
  readonly id: string;
  /** The secret in each spelling that it may have been meant in; one of them must be right. */
  readonly secrets: readonly string[];
}

/** Who asks about tokens, and what they may do. Every refusal is told by the event `client.rejected`. */
@Injectable()
export class ClientAuthenticator {
  constructor(
    private readonly clients: OAuthClients,
    private readonly events: JwtKnoxEvents,
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /**
   * The id of the client.
   * @param sent null when there are no credentials that can be read
   * @throws InvalidClientError, UnauthorizedClientError
   */
  authenticate(sent: SentCredentials | null, right: ClientRight, presenter: Presenter): string {
    const refusal = this.userRejectionOf(sent, right);
    if (sent && !refusal) return sent.id;
    const clientId = cleanText(sent?.id, MAX_ID_LENGTH);
    const reason = refusal ?? 'no_credentials';
    const seen = cleanPresenter(presenter, this.options.session.ipAddress);
    this.events.emit('client.rejected', { clientId, presenter: seen, reason });
    throw reason === 'not_allowed' ? new UnauthorizedClientError(right) : new InvalidClientError();
  }

  may(clientId: string, right: ClientRight): boolean {
    return this.clients.may(clientId, right);
  }

  private userRejectionOf(sent: SentCredentials | null, right: ClientRight): ClientRejection | null {
    if (!sent) return 'no_credentials';
    // Every spelling is compared, so that the time tells nothing.
    const isRight = sent.secrets.map((secret) => this.clients.has(sent.id, secret)).includes(true);
    if (!isRight) return this.clients.knows(sent.id) ? 'wrong_secret' : 'unknown_client';
    return this.clients.may(sent.id, right) ? null : 'not_allowed';
  }
}
