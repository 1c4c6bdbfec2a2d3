import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { ForbiddenError, requestOf } from 'nestjs-jwt-knox';

/** Goes after `JwtKnoxGuard`, which finds out who the user is. */
@Injectable()
export class AdminGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (requestOf(context).user?.isAdmin === true) return true;
    throw new ForbiddenError();
  }
}
