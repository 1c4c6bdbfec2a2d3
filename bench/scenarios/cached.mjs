// Requests that memory answers, and what that takes from logins, refreshes and logouts.
import { PLATFORMS } from '../groups.mjs';
import { meRequests, startKnox } from '../knox-host.mjs';

const READS = {
  '': { lookUp: 'session', cache: 'sessions', statements: 0, about: 'sessions are kept, no users' },
  user: { lookUp: 'user', cache: 'sessions', statements: 1, about: 'sessions are kept, the user is read by findOneBy' },
  users: { lookUp: 'user', cache: 'users', statements: 0, about: 'sessions and users are kept' },
};

const FEEDS = { postgres: 'postgresFeed', mariadb: 'redisFeed', sqlite: 'localFeed' };

function cached(platform, kind, read) {
  const { lookUp, cache, statements, about } = READS[read];
  return {
    name: ['cached', platform, kind, ...(read ? [read] : [])].join('/'),
    about: `nestjs-jwt-knox on ${platform} and ${kind}, leaseCache with ${FEEDS[kind]}: ${about}`,
    database: { kind, announced: kind === 'postgres' },
    statements,
    async serve(settings) {
      const { port, tokens } = await startKnox({ platform, lookUp, cache }, settings);
      return { port, requests: await meRequests(tokens) };
    },
  };
}

export const cachedRequests = PLATFORMS.flatMap((platform) =>
  Object.keys(FEEDS).flatMap((kind) => Object.keys(READS).map((read) => cached(platform, kind, read))),
);
