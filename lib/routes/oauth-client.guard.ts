import { type CanActivate, type ExecutionContext, HttpStatus, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { InvalidRequestError } from '../contracts/errors';
import type { ClientRight } from '../options/options';
import { ClientAuthenticator, type SentCredentials } from '../sessions/client-authenticator';
import { requestContextOf } from '../guard/request-context';
import { ErrorHeaders } from '../guard/error-headers.interceptor';
import { headerCount } from '../guard/bearer.transport';
import { formOf } from '../guard/request-body';

/** The right that a client needs for a route. */
export const NeedsRight = Reflector.createDecorator<ClientRight>();

const CLIENT_ID = Symbol('jwt-knox.client-id');

/** Lets in a configured client that authenticates by `client_secret_basic` (RFC 6749 section 2.3.1), and may do this. */
@Injectable()
export class ClientGuard implements CanActivate {
  constructor(
    private readonly clients: ClientAuthenticator,
    private readonly errorHeaders: ErrorHeaders,
    private readonly reflector: Reflector,
  ) {}

  /** @throws InvalidClientError, UnauthorizedClientError, InvalidRequestError */
  canActivate(context: ExecutionContext): boolean {
    const { request, response, presenter } = requestContextOf(context);
    if (headerCount(request, 'authorization') > 1) throw refusal('Send one Authorization header, not several.');
    const sent = basicCredentialsOf(request.headers.authorization);
    try {
      const right = this.reflector.get(NeedsRight, context.getHandler());
      request[CLIENT_ID] = this.clients.authenticate(sent, right, presenter);
      return true;
    } catch (error) {
      this.errorHeaders.set(response, error);
      throw error;
    }
  }
}

/** The id of the client that the {@link ClientGuard} let in. */
export function clientIdOf(request: any): string {
  return request[CLIENT_ID];
}

/** The token of a form body, checked (RFC 7662 section 2.1, RFC 7009 section 2.1). @throws InvalidRequestError */
export function tokenOf(request: any): string {
  const { token, client_secret: secret } = formOf(request, 'invalid_request');
  if (secret) throw refusal('Authenticate in one way: send the client_secret in the Authorization header alone.');
  if (!token) throw refusal('token is missing.');
  return token;
}

/** The secret both form-encoded, as the RFC has it, and as it is, as many clients send it. */
function basicCredentialsOf(header: unknown): SentCredentials | null {
  const [, encoded] = /^basic +([A-Za-z0-9+/]+=*) *$/i.exec(String(header ?? '')) ?? [];
  if (encoded === undefined) return null;
  const [, id, secret] = /^([^:]+):([\s\S]+)$/.exec(Buffer.from(encoded, 'base64').toString()) ?? [];
  if (id === undefined || secret === undefined) return null;
  return { id: formDecoded(id), secrets: [secret, formDecoded(secret)] };
}

function formDecoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}

/** As RFC 6749 section 5.2 has it. */
export function refusal(message: string): InvalidRequestError {
  return new InvalidRequestError(message, HttpStatus.BAD_REQUEST, 'invalid_request');
}
