import { type ExecutionContext, Injectable } from '@nestjs/common';
import { PATH_METADATA } from '@nestjs/common/constants.js';
import { ThrottlerGuard, type ThrottlerLimitDetail } from '@nestjs/throttler';

const THROTTLED = ['login', 'refresh'];

/** Limits login and refresh, and looks at no other route. */
@Injectable()
export class LoginThrottlerGuard extends ThrottlerGuard {
  /** Asks the route, not the URL: Express also takes `/Auth/Login/` for it. */
  protected override async shouldSkip(context: ExecutionContext): Promise<boolean> {
    const controller: unknown = this.reflector.get(PATH_METADATA, context.getClass());
    const handler: unknown = this.reflector.get(PATH_METADATA, context.getHandler());
    return controller !== 'auth' || !THROTTLED.includes(String(handler));
  }

  /** Named throttlers call the header `Retry-After-<name>`; clients look for the standard one (RFC 9110). */
  protected override async throwThrottlingException(context: ExecutionContext, detail: ThrottlerLimitDetail) {
    const { res } = this.getRequestResponse(context);
    this.setResponseHeader(res, 'Retry-After', detail.timeToBlockExpire);
    return super.throwThrottlingException(context, detail);
  }
}
