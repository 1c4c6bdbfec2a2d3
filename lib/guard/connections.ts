import type { IncomingHttpHeaders } from 'node:http';
import { Injectable } from '@nestjs/common';
import { InvalidRequestError, MissingTokenError } from '../contracts/errors';
import type { Session } from '../contracts/session';
import { tokenEndBehind } from '../sessions/access-token.verifier';
import type { ChannelEnd, ChannelTerms, OpenChannel } from '../sessions/open-channel';
import { OpenChannels } from '../sessions/open-channels';
import type { Authentication } from '../sessions/session-checker';
import { RequestSession } from './authenticated-request';
import { hasTokenScheme } from './bearer.transport';
import { RequestAuthenticator } from './request-authenticator';
import { RequestContext } from './request-context';

/** The request that opens a connection, as Node.js knows it. */
export interface OpeningRequest {
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders?: string[] | undefined;
  readonly url?: string | undefined;
  readonly socket?: { readonly remoteAddress?: string | undefined; readonly encrypted?: unknown } | undefined;
}

/** What a client shows when it connects. */
export interface Opening {
  /** Undefined and null count as no request: nobody is let in. */
  readonly request: OpeningRequest | null | undefined;
  /** Tokens shown beside the headers, as they were sent. Undefined and null count as none. */
  readonly tokens: readonly unknown[];
}

/** Who is connected, and until when. */
export class Connection<User = any> {
  private isRenewing = false;

  constructor(
    private readonly request: OpeningRequest,
    private readonly channel: OpenChannel<User>,
    private readonly channels: OpenChannels,
    private readonly authenticate: (opening: Opening) => Promise<Authentication<User>>,
  ) {}

  get user(): User {
    return this.channel.authentication.user;
  }

  get session(): Session {
    return this.channel.session;
  }

  /** As the guard leaves it in `request.knox`. */
  get knox(): RequestSession {
    return new RequestSession(this.channel.authentication);
  }

  /** When it is closed unless a fresh token is shown on it (epoch ms); Infinity: with its session. */
  get until(): number {
    return this.channel.until;
  }

  /**
   * Takes a fresh token of the same session.
   * @throws InvalidTokenError, TokenExpiredError, InvalidRequestError, UnavailableError; the connection stays as it was
   */
  async renew(token: unknown): Promise<void> {
    if (this.isRenewing) throw new InvalidRequestError('A token is being checked already: wait for its answer.');
    this.isRenewing = true;
    try {
      const shown = await this.authenticate({ request: this.request, tokens: [token ?? ''] });
      const { id, userId } = shown.session;
      if (id !== this.session.id || userId !== this.session.userId)
        throw new InvalidRequestError('The token belongs to another session: open another connection for it.');
      this.channels.renew(this.channel, shown, tokenEndBehind(shown));
    } finally {
      this.isRenewing = false;
    }
  }

  /** Where a guard will look for the request of what this connection sends. */
  attach(owner: object): void {
    this.channels.attach(owner, this.channel);
  }

  /** The other side closed it. */
  leave(): void {
    this.channels.leave(this.channel);
  }
}

/**
 * Authenticates what opens a connection, by the rules of requests, and keeps the connection until its session ends. What
 * sockets and subscriptions have in common.
 */
@Injectable()
export class Connections {
  constructor(
    private readonly authenticator: RequestAuthenticator,
    private readonly channels: OpenChannels,
  ) {}

  /**
   * @param close called once, when the connection must be closed
   * @throws MissingTokenError, InvalidTokenError, TokenExpiredError (401), InvalidRequestError (400),
   * CrossOriginRefusedError (403), UnavailableError (503)
   */
  async open(opening: Opening, terms: ChannelTerms, close: (end: ChannelEnd) => void): Promise<Connection> {
    this.channels.watch();
    const authenticate = (one: Opening) => this.authenticate(one);
    const shown = await authenticate(opening);
    const channel = this.channels.open(shown, tokenEndBehind(shown), terms, close);
    return new Connection(presenterIn(opening.request!), channel, this.channels, authenticate);
  }

  private async authenticate({ request, tokens }: Opening): Promise<Authentication> {
    if (typeof request?.headers !== 'object' || request.headers === null) throw new MissingTokenError();
    const shown = tokens.filter((token) => token !== undefined && token !== null);
    const hasHeader = hasTokenScheme(request.headers.authorization);
    if (shown.length + Number(hasHeader) > 1) throw new InvalidRequestError('Send one access token, not several.');
    const [token] = shown;
    if (token !== undefined && typeof token !== 'string')
      throw new InvalidRequestError('The access token must be a string.');
    const found = await this.authenticator.authenticate(new RequestContext(requestWith(token, request)));
    return found as Authentication;
  }
}

const CREDENTIALS = new Set(['authorization', 'proxy-authorization', 'cookie', 'dpop']);

/** What is kept of the request as long as the connection is open: who sent it, and none of its credentials. */
function presenterIn({ headers, socket }: OpeningRequest): OpeningRequest {
  const kept = Object.entries(headers).filter(([name]) => !CREDENTIALS.has(name));
  const { remoteAddress, encrypted } = socket ?? {};
  return { headers: Object.fromEntries(kept), socket: { remoteAddress, encrypted } };
}

/** A token of its own counts like one in the header. Whatever opened it, what is opened can change something. */
function requestWith(token: string | undefined, request: OpeningRequest): object {
  const { rawHeaders, url, socket } = request;
  const headers: IncomingHttpHeaders = { ...request.headers, upgrade: 'websocket' };
  if (token !== undefined) headers.authorization = `Bearer ${token}`;
  return { method: 'GET', url, headers, rawHeaders, socket, ip: socket?.remoteAddress };
}
