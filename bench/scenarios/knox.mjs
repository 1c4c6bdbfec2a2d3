// The library: adapters × databases × look-ups × prepared statements.
import { CookieTransport } from 'nestjs-jwt-knox';
import { LOOK_UP_NAMES, PLATFORMS } from '../groups.mjs';
import { meRequests, pageRequests, startKnox } from '../knox-host.mjs';

const READS = {
  session: 'one look-up: the session',
  user: 'two look-ups: the session, and the user by findOneBy',
  joined: 'one look-up: session and user, joined',
};

/** One scenario of an authenticated request. */
export function authenticated({ name, about, platform, kind, lookUp, prepared = false, contents, processes }) {
  return {
    name: name ?? ['knox', platform, kind, lookUp, ...(prepared ? ['prepared'] : [])].join('/'),
    about: about ?? `nestjs-jwt-knox on ${platform} and ${kind}, ${READS[lookUp]}${prepared ? ', prepared' : ''}`,
    processes,
    database: { kind, tables: lookUp === 'joined' ? 'joined' : 'own', ...contents },
    async serve(settings) {
      const { port, tokens } = await startKnox({ platform, lookUp, preparedStatements: prepared }, settings);
      return { port, requests: settings.isFirst ? await meRequests(tokens) : [] };
    },
  };
}

const MODES = {
  bearer: 'its token in the header',
  padded: 'its token in the header, and as many bytes as with cookies',
  cookie: 'both tokens in cookies',
};

/** An authenticated request of a page. */
function ofPage(platform, mode) {
  return {
    name: `knox/${platform}/postgres/session/${mode}`,
    about: `nestjs-jwt-knox on ${platform} and postgres, ${READS.session}, for a page that sends ${MODES[mode]}`,
    database: { kind: 'postgres', tables: 'own' },
    async serve(settings) {
      const options = mode === 'cookie' ? { transport: new CookieTransport() } : {};
      const { port, tokens } = await startKnox({ platform, lookUp: 'session', options }, settings);
      return { port, requests: await pageRequests(tokens, mode) };
    },
  };
}

// better-sqlite3 prepares every statement, so there is nothing to choose.
const PREPARED = { postgres: [false, true], mariadb: [false, true], sqlite: [false] };

export const ofPages = PLATFORMS.flatMap((platform) => Object.keys(MODES).map((mode) => ofPage(platform, mode)));

export const knox = Object.keys(PREPARED).flatMap((kind) =>
  PLATFORMS.flatMap((platform) =>
    LOOK_UP_NAMES.flatMap((lookUp) =>
      PREPARED[kind].map((prepared) => authenticated({ platform, kind, lookUp, prepared })),
    ),
  ),
);
