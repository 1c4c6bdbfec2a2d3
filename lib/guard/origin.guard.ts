import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { TokenTransport } from '../contracts/token-transport';
import { allowsCrossOrigin } from './cross-origin';
import { requestContextOf } from './request-context';

/**
 * Before a route that hands tokens out or takes them back: no page of another site may log anybody in or out. The guard
 * does the same for the routes that it guards.
 */
@Injectable()
export class OriginGuard implements CanActivate {
  constructor(private readonly transport: TokenTransport) {}

  canActivate(context: ExecutionContext): boolean {
    const { request, response } = requestContextOf(context);
    this.transport.admit(request, response, {
      wantsTokens: true,
      allowsCrossOrigin: this.transport.checksOrigin && allowsCrossOrigin(context),
    });
    return true;
  }
}
