// The least that a Nest guard with a row can cost: what `limit` does, in a guard written by hand.
import { meController, requestUser, startNest } from '../nest-host.mjs';
import { storedSessions } from './stored-sessions.mjs';

export const handWritten = {
  name: 'hand-written/fastify',
  about: 'Nest on Fastify, a guard written by hand that does what `limit` does',
  database: { kind: 'postgres' },
  async serve(settings) {
    const { userIdOf, requests } = await storedSessions(settings, '*');
    class HandWrittenGuard {
      async canActivate(context) {
        const request = context.switchToHttp().getRequest();
        request.user = { id: await userIdOf(request) };
        return true;
      }
    }
    const controller = meController({ guard: HandWrittenGuard, user: requestUser() });
    const { port } = await startNest('fastify', { controllers: [controller] });
    return { port, requests };
  },
};
