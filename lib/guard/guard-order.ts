import { type CanActivate, Logger } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';
import { line } from '../contracts/log-line';
import { JwtKnoxGuard } from './jwt-knox.guard';
import { applicationConfigOf, ModuleScope } from './nest-application';

/**
 * Warns of global guards that run before the one of `guard: 'global'`: Nest runs those of the root module first, and they
 * find no user. Whoever lists JwtKnoxGuard among them has decided on the order.
 */
export function warnOfGuardsBefore(moduleRef: ModuleRef): void {
  if (!moduleRef.get(ModuleScope).guardsAll) return;
  const guards: CanActivate[] = applicationConfigOf(moduleRef)?.getGlobalGuards() ?? [];
  const before = guards.slice(0, Math.max(0, guards.indexOf(moduleRef.get(JwtKnoxGuard))));
  const names = before.filter((guard) => !(guard instanceof JwtKnoxGuard)).map((guard) => guard.constructor.name);
  if (names.length === 0) return;
  new Logger('JwtKnox').warn(
    line(
      'guards-before',
      `Global guards run before the one of guard: 'global', and cannot see who sends a request: ${names.join(', ')}. Leave ` +
        "guard: 'global' out, and list { provide: APP_GUARD, useExisting: JwtKnoxGuard } in the " +
        'providers of your root module: before the guards that need request.user, after those that do not, such as a throttler.',
    ),
  );
}
