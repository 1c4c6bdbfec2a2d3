// The gateway of the application that the proof of sockets runs, and the faults that are planted in its process.
import { createRequire } from 'node:module';
import { WebSocketGateway } from '@nestjs/websockets';

const require = createRequire(import.meta.url);
const { JwtKnoxEvents, SessionRepository } = require('nestjs-jwt-knox');
const { JwtKnoxSocketAuth, sockets } = require('nestjs-jwt-knox/websockets');

/** A gateway without messages: what it opens stays open. */
export class Gateway {
  constructor(auth) {
    this.auth = auth;
  }

  afterInit(server) {
    this.auth.protect(server);
  }
}
Reflect.defineMetadata('design:paramtypes', [JwtKnoxSocketAuth], Gateway);
WebSocketGateway()(Gateway);

/** @param settings `kind` is that of the sockets, `recheck` how often rows are read again */
export function featureOf({ recheck }) {
  return sockets({ recheck });
}

export async function adapterOf(app, { kind }) {
  if (kind === 'ws') return new (await import('@nestjs/platform-ws')).WsAdapter(app);
  return new (await import('@nestjs/platform-socket.io')).IoAdapter(app);
}

const FAULTS = {
  /** Ends are announced to nobody. */
  'deaf-sockets': (app) => {
    app.get(JwtKnoxEvents).emit = () => undefined;
  },
  /** Whoever ends something ends all that is open. */
  'hasty-sockets': (app) => {
    const events = app.get(JwtKnoxEvents);
    const emit = events.emit.bind(events);
    events.emit = (name, event) => {
      const isEnd = name === 'session.revoked';
      emit(name, event);
      // One by one, as if each had been named.
      if (isEnd) for (const id of opened) emit(name, { ...event, scope: { sessionId: id } });
    };
    const opened = new Set();
    events.on('session.created', ({ session }) => void opened.add(session.id));
  },
  /** Rows are read as they were. */
  'stale-recheck': (app) => {
    const repository = app.get(SessionRepository);
    const findById = repository.findById.bind(repository);
    const rows = new Map();
    repository.findById = async (id) => {
      const found = await findById(id);
      if (found) rows.set(id, found.record);
      return found;
    };
    repository.findByIds = async (ids) => ids.flatMap((id) => rows.get(id) ?? []);
  },
};

export function plant(app, fault) {
  FAULTS[fault]?.(app);
}
