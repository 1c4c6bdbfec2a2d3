// The naive versions of what the library does with care. Each must fail the proof that it belongs to.
import { createHash, createHmac } from 'node:crypto';
import { createRequire } from 'node:module';
import { getRepositoryToken, TypeOrmModule } from '@nestjs/typeorm';
import { FENCE_FAULTS } from './planted-fences.mjs';
import { LIMIT_FAULTS } from './planted-limits.mjs';
import { TRANSPORTS } from './planted-transports.mjs';

const require = createRequire(import.meta.url);
const { JwtKnoxFence, JwtKnoxSession, TypeOrmSessionRepository } = require('nestjs-jwt-knox/typeorm');

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const bytesOf = (key) => Buffer.from(String(key), 'base64url');

/** The access key that a session key and the row lead to. */
function accessKey(session, { accessKeyIndex, accessSalt }) {
  const hmac = createHmac('sha256', session).update('access');
  return hmac.update(String(accessKeyIndex)).update(Buffer.from(accessSalt, 'hex')).digest();
}

/** What the latest token of each session said, for storages that believe it. */
const presented = new Map();

/** A guard before all others that tells the faulty storages what is presented. */
export const witness = {
  canActivate(context) {
    const { headers, body } = context.switchToHttp().getRequest();
    for (const token of [headers.authorization?.slice('Bearer '.length), body?.refresh_token]) {
      try {
        const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
        presented.set(claims.sid, claims);
      } catch {
        // No token, or none that says anything.
      }
    }
    return true;
  },
};

const FAULTS = {
  ...FENCE_FAULTS,
  ...LIMIT_FAULTS,

  /** Compares no digest: whatever key is presented, it is the row's. */
  'naive-any-key': class extends TypeOrmSessionRepository {
    async findById(id) {
      const found = await super.findById(id);
      const { token_key: key, session_key: session } = presented.get(id) ?? {};
      if (!found || !key) return found;
      const access = session ? accessKey(bytesOf(session), found.record) : bytesOf(key);
      return {
        ...found,
        record: { ...found.record, accessDigest: sha256(access), refreshDigest: sha256(bytesOf(key)) },
      };
    }
  },

  /** Ignores whose row it is: the user is whom the token names. */
  'naive-any-user': class extends TypeOrmSessionRepository {
    async findById(id) {
      const found = await super.findById(id);
      const { sub } = presented.get(id) ?? {};
      return found && sub ? { ...found, record: { ...found.record, userId: sub } } : found;
    }
  },

  /** Notes the token key in the row, for support to look at. */
  'naive-diary': class extends TypeOrmSessionRepository {
    async findById(id) {
      const { token_key: key } = presented.get(id) ?? {};
      if (key) await this.table.update({ id }, { deviceName: key });
      return super.findById(id);
    }
  },

  /** Refresh by check-then-update: everybody who read the old key rotates. */
  'naive-refresh': class extends TypeOrmSessionRepository {
    async rotate(id, presentedDigest, { at, ...change }) {
      const found = await this.findById(id);
      if (found?.record.refreshDigest !== presentedDigest) return false;
      await this.table.update({ id }, { ...change, rotatedAt: at, lastUsedAt: at });
      return true;
    }
  },

  /** Refresh by writing the whole session again: a session that was ended meanwhile is back. */
  'naive-upsert': class extends TypeOrmSessionRepository {
    async rotate(id, presentedDigest, { at, ...change }) {
      const found = await this.findById(id);
      if (found?.record.refreshDigest !== presentedDigest) return false;
      await this.table.save({ ...found.record, ...change, rotatedAt: at, lastUsedAt: at });
      return true;
    }
  },

  /** Each write notes the present as the last use, and not the rotation's own moment: no successor counts as unused. */
  'naive-last-use': class extends TypeOrmSessionRepository {
    async rotate(id, presentedDigest, rotation) {
      const rotated = await super.rotate(id, presentedDigest, rotation);
      if (rotated) await this.table.update({ id }, { lastUsedAt: rotation.at + 1 });
      return rotated;
    }
  },

  /** A look-up by an expression, as a wrong type or collation makes it: no index serves it. */
  'naive-scan': class extends TypeOrmSessionRepository {
    async findById(id) {
      const text = this.table.manager.connection.options.type === 'mariadb' ? `CONCAT(id, '')` : `id || ''`;
      const record = await this.table.createQueryBuilder('session').where(`${text} = :id`, { id }).getOne();
      return record && { record };
    }
  },

  /** Sessions kept in memory for a moment, to spare the database: an end on another process comes late. */
  'naive-cache': class extends TypeOrmSessionRepository {
    kept = new Map();
    async findById(id) {
      const { found, until } = this.kept.get(id) ?? { until: 0 };
      if (performance.now() < until) return found;
      const fresh = await super.findById(id);
      this.kept.set(id, { found: fresh, until: performance.now() + 100 });
      return fresh;
    }
  },

  /** Reads what a node of a cluster shows, whatever another one has acknowledged. */
  'naive-unsynced': class extends TypeOrmSessionRepository {
    constructor(...args) {
      super(...args);
      this.connections.causal = undefined;
    }
  },

  /** The salt that made the successor is not kept: nobody can find the same successor again. */
  'naive-lost-salt': class extends TypeOrmSessionRepository {
    async rotate(id, presentedDigest, rotation) {
      return super.rotate(id, presentedDigest, { ...rotation, refreshSalt: '00'.repeat(32) });
    }
  },

  /** Waits for a statement as long as the driver does. */
  'naive-waiting': TypeOrmSessionRepository,

  /** Gives a connection back whose statement is late, as if it were in order. */
  'naive-release': class extends TypeOrmSessionRepository {
    constructor(table) {
      super(table, { timeout: 2_000 });
      const { loans } = this.connections;
      loans.cancel = (loan) => {
        loans.end(loan);
        void loan.runner.release();
      };
    }
  },

  /** Reads where TypeORM reads by itself: with replication, from a replica. */
  'naive-replica': class extends TypeOrmSessionRepository {
    async findById(id) {
      const record = await this.table.findOneBy({ id });
      return record && { record };
    }
  },

  /** Prepared statements, and no other way where they are lost. */
  'naive-prepared': class extends TypeOrmSessionRepository {
    constructor(table) {
      super(table, { preparedStatements: true });
      this.kept.stop = (error) => {
        throw error;
      };
    }
  },

  /** A storage that fails has no such row: everybody is told that their session is gone. */
  'naive-no-row': class extends TypeOrmSessionRepository {
    async findById(id) {
      return super.findById(id).catch(() => null);
    }
  },
};

/** The library's repository with a fault in it. */
export function plantedRepository(plant, table, clock) {
  const planted = new FAULTS[plant](table);
  return Object.assign(planted, { table, clock });
}

/** A faulty storage in place of the library's. */
export function plantedStorage(plant, { clock, entity = JwtKnoxSession, dataSource }) {
  return {
    imports: [TypeOrmModule.forFeature([entity, JwtKnoxFence], dataSource)],
    inject: [getRepositoryToken(entity, dataSource)],
    useFactory: (table) => plantedRepository(plant, table, clock),
  };
}

/** The options that put a fault in place of what the library does, beside the proof's own. */
export function plantedOptions(plant) {
  const Transport = TRANSPORTS[plant];
  return Transport ? { transport: new Transport() } : {};
}
