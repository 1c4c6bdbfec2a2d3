import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { DecoratorOf } from '../guard/decorators';
import { requestOf } from '../guard/request-context';

/**
 * The access token that the caller sent in the header `authorization`, of HTTP or of a message, to forward it by
 * {@link withToken}; undefined where `JwtKnoxGuard` let nobody in by one. Where your users send cookies, ask
 * `TokenTransport.readAccess(request)`.
 * @example
 * `class Gateway { @Get() @UseGuards(JwtKnoxGuard) list(@AccessToken() token: string | undefined) {} }`
 */
export const AccessToken = createParamDecorator((_: unknown, context: ExecutionContext): string | undefined => {
  const request = requestOf(context);
  const header: unknown = request?.knox && request.headers?.authorization;
  // One run of spaces, then none: a header of spaces alone takes no longer than another.
  return (typeof header === 'string' && /^bearer +(\S+)$/i.exec(header)?.[1]) || undefined;
}) as unknown as () => DecoratorOf<string | undefined>;
