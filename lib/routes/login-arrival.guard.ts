import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { LoginArrival } from '../sessions/login-arrivals';
import { TokenService } from '../sessions/token.service';
import { requestContextOf } from '../guard/request-context';
import { ErrorHeaders } from '../guard/error-headers.interceptor';

const ARRIVAL = Symbol('jwt-knox.arrival');

/** Notes when a login begins, before the host's login guards look at credentials. */
@Injectable()
export class LoginArrivalGuard implements CanActivate {
  constructor(
    private readonly tokens: TokenService,
    private readonly errorHeaders: ErrorHeaders,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const { request, response } = requestContextOf(context);
    try {
      request[ARRIVAL] = await this.tokens.arrival();
      return true;
    } catch (error) {
      this.errorHeaders.set(response, error);
      throw error;
    }
  }
}

/** What the guard has noted. */
export function arrivalOf(request: any): LoginArrival {
  return request[ARRIVAL];
}
