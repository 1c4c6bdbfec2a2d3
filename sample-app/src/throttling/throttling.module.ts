import { type ExecutionContext, Module } from '@nestjs/common';
import { normalizeIp, seconds, ThrottlerModule } from '@nestjs/throttler';

/**
 * Never by the username alone: a stranger could then lock anybody out by failing on purpose. Counted in memory, by each
 * process for itself; several processes need one of the throttler's shared storages.
 */
@Module({
  imports: [
    ThrottlerModule.forRoot({
      throttlers: [
        { name: 'address', ttl: seconds(60), limit: 600 },
        {
          name: 'address-and-username',
          ttl: seconds(60),
          limit: 60,
          skipIf: (context) => usernameIn(requestOf(context)) === null,
          getTracker: (request) => `${normalizeIp(request.ip)} ${usernameIn(request)}`,
        },
      ],
      setHeaders: false,
      errorMessage: 'Too many attempts; try again later.',
    }),
  ],
})
export class ThrottlingModule {}

function requestOf(context: ExecutionContext): Record<string, any> {
  return context.switchToHttp().getRequest();
}

function usernameIn(request: Record<string, any>): string | null {
  const username: unknown = request.body?.username;
  return typeof username === 'string' ? username : null;
}
