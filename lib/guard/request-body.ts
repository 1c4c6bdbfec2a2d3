import { HttpStatus, type Type } from '@nestjs/common';
import { getMetadataStorage, IsOptional, IsString, validateSync } from 'class-validator';
import { InvalidRequestError } from '../contracts/errors';

export class RefreshTokenDto {
  @IsOptional()
  @IsString()
  refresh_token?: string;
}

/**
 * The request's JSON body as a checked `dto`. A handler calls it with its `@Req()`, which no pipe of the host's ever sees:
 * the library's routes are protected in hosts without a global ValidationPipe, and unharmed by pipes that are strict, or
 * change what they are given.
 * @throws InvalidRequestError 415 for another content type, 400 for a wrong member
 */
export function jsonBodyOf<T extends object>(request: any, dto: Type<T>): T {
  return checked(dto, jsonObjectOf(request));
}

/**
 * The members of the request's JSON body, unchecked; none without a body.
 * @throws InvalidRequestError 415 for another content type, 400 for what is no object
 */
export function jsonObjectOf(request: any): object {
  const type: unknown = request.headers['content-type'];
  // A body may come without both headers, over HTTP/2.
  const hasBody =
    Number(request.headers['content-length'] ?? 0) > 0 ||
    request.headers['transfer-encoding'] !== undefined ||
    Object.keys(Object(request.body)).length > 0;
  if (hasBody && !/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(String(type ?? ''))) {
    throw new InvalidRequestError(
      'The body must be JSON: send Content-Type: application/json.',
      HttpStatus.UNSUPPORTED_MEDIA_TYPE,
    );
  }
  // A host without the framework's own parsers has none, or another that leaves bytes.
  if (hasBody && (request.body === undefined || ArrayBuffer.isView(request.body))) {
    throw new InvalidRequestError(
      'This application does not read JSON: its body parser is off.',
      HttpStatus.UNSUPPORTED_MEDIA_TYPE,
    );
  }
  const body: unknown = request.body ?? {};
  if (typeof body !== 'object' || Array.isArray(body)) throw new InvalidRequestError('The body must be a JSON object.');
  return body as object;
}

/**
 * The members of a form, all of them text.
 * @param error what the refusal says in the member `error` (RFC 6749 section 5.2 has its own)
 * @throws InvalidRequestError 415 for another content type, 400 for a member that repeats
 */
export function formOf(request: any, error?: string): Record<string, string> {
  if (!/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(String(request.headers['content-type'] ?? ''))) {
    throw new InvalidRequestError(
      'The body must be a form: send Content-Type: application/x-www-form-urlencoded.',
      HttpStatus.UNSUPPORTED_MEDIA_TYPE,
      error,
    );
  }
  const { body } = request;
  // A host without the framework's own parsers has none for forms, or another that leaves them as bytes or text.
  if (typeof body !== 'object' || body === null || ArrayBuffer.isView(body)) {
    throw new InvalidRequestError(
      'This application does not read forms: its body parser is off.',
      HttpStatus.UNSUPPORTED_MEDIA_TYPE,
      error,
    );
  }
  // RFC 6749 section 3.2. What repeats is an array, or whatever else a parser makes of it.
  if (!Object.values(body).every((value) => typeof value === 'string'))
    throw new InvalidRequestError('Send each parameter once.', HttpStatus.BAD_REQUEST, error);
  return body;
}

/** The request's query as a checked `dto`. @throws InvalidRequestError */
export function queryOf<T extends object>(request: any, dto: Type<T>): T {
  return checked(dto, request.query);
}

/** The parameters of the request's path as a checked `dto`. @throws InvalidRequestError */
export function pathParametersOf<T extends object>(request: any, dto: Type<T>): T {
  return checked(dto, request.params);
}

/**
 * The `resource` of a refresh (RFC 8707 section 2): which of a session's audiences the access token is to carry. Read from
 * whatever the body was parsed to, because the refresh token may come by another way than JSON.
 * @throws InvalidRequestError
 */
export function resourceOf(request: any): string[] | undefined {
  const { resource } = Object(request.body) as { resource?: unknown };
  if (resource === undefined || resource === null) return undefined;
  const list: unknown[] = Array.isArray(resource) ? resource : [resource];
  if (list.length > 0 && list.every((one) => typeof one === 'string')) return list;
  throw new InvalidRequestError('resource must be a string, or a list of strings.');
}

/** Takes the known members only, so that nothing else of the input is ever walked, copied or echoed. @throws InvalidRequestError */
export function checked<T extends object>(dto: Type<T>, source: unknown): T {
  const input = new dto() as Record<string, unknown>;
  for (const name of membersOf(dto)) {
    if (Object.hasOwn(Object(source), name)) input[name] = harmless((source as Record<string, unknown>)[name]);
  }
  const [problem] = validateSync(input, { validationError: { target: false, value: false } });
  if (problem) {
    // The type first: what follows from a wrong type would only confuse.
    const { isString, ...others } = problem.constraints ?? {};
    throw new InvalidRequestError(isString ?? Object.values(others)[0] ?? 'The request is not valid.');
  }
  return input as T;
}

/** Validators and their messages convert what they judge, and an object of the input's may throw at that: none is kept. */
function harmless(value: unknown): unknown {
  return Array.isArray(value) ? value.map(withoutObjects) : withoutObjects(value);
}

function withoutObjects(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? {} : value;
}

function membersOf(dto: Type<object>): Set<string> {
  return new Set(
    getMetadataStorage()
      .getTargetValidationMetadatas(dto, '', false, false)
      .map((rule) => rule.propertyName),
  );
}
