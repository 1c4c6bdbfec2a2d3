// The least that a Nest guard with a row can cost: what `limit` does, in a guard written by hand.
import jsonwebtoken from 'jsonwebtoken';
import { meController, requestUser, startNest } from '../nest-host.mjs';
import { bearerOf } from '../raw-server.mjs';
import { keyOf, meRequest, statelessTokens } from '../tokens.mjs';
import { poolOn, storeSessions } from './stored-sessions.mjs';

export const handWritten = {
  name: 'hand-written/fastify',
  about: 'Nest on Fastify, a guard written by hand that does what `limit` does',
  database: { kind: 'postgres' },
  async serve({ secret, database }) {
    const key = keyOf(secret);
    const pool = poolOn(database);
    const tokens = statelessTokens(secret);
    await storeSessions(pool, tokens);
    class HandWrittenGuard {
      async canActivate(context) {
        const request = context.switchToHttp().getRequest();
        const { sid } = jsonwebtoken.verify(bearerOf(request), key, { algorithms: ['HS256'] });
        const text = 'SELECT * FROM jwt_knox_sessions WHERE "id" = $1';
        const { rows } = await pool.query({ name: 'session', text, values: [sid] });
        request.user = { id: rows[0].userId };
        return true;
      }
    }
    const controller = meController({ guard: HandWrittenGuard, user: requestUser() });
    const { port } = await startNest('fastify', { controllers: [controller] });
    return { port, requests: tokens.map(({ token, sub }) => meRequest(token, sub)) };
  },
};
