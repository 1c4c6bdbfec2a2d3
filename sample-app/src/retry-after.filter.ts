import { type ArgumentsHost, Catch } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { UnavailableError } from 'nestjs-jwt-knox';

/** Says when to come again on this application's own routes, as the library does on its routes. */
@Catch(UnavailableError)
export class RetryAfterFilter extends BaseExceptionFilter {
  override catch(error: UnavailableError, host: ArgumentsHost): void {
    // GraphQL has no status and no header of an error: it says its code.
    if (host.getType() !== 'http') throw error;
    const response: unknown = host.switchToHttp().getResponse();
    this.httpAdapterHost!.httpAdapter.setHeader(response, 'Retry-After', String(error.retryAfter));
    super.catch(error, host);
  }
}
