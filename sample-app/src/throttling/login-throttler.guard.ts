import { type ExecutionContext, Injectable } from '@nestjs/common';
import { ThrottlerGuard, type ThrottlerLimitDetail } from '@nestjs/throttler';

/** Limits the routes that it is named for: `routes.guards` of the JwtKnoxModule. */
@Injectable()
export class LoginThrottlerGuard extends ThrottlerGuard {
  /** Named throttlers call the header `Retry-After-<name>`; clients look for the standard one (RFC 9110). */
  protected override async throwThrottlingException(context: ExecutionContext, detail: ThrottlerLimitDetail) {
    const { res } = this.getRequestResponse(context);
    this.setResponseHeader(res, 'Retry-After', detail.timeToBlockExpire);
    return super.throwThrottlingException(context, detail);
  }
}
