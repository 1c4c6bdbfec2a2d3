// Fences that look right and are not. Each must fail the revocation races.
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';

const { JwtKnoxFence, TypeOrmSessionRepository } = createRequire(import.meta.url)('nestjs-jwt-knox/typeorm');

const scopeOf = ({ realm, userId }) => createHash('sha256').update(`${realm}\0${userId}`).digest('hex');

/** Writes the row of a login together with the look at its fences, which brings the login's arrival. */
class Deferring extends TypeOrmSessionRepository {
  waiting = new Map();

  async insert(record) {
    this.waiting.set(scopeOf(record), record);
    return true;
  }

  async isFenced(scopes, counter) {
    const record = this.waiting.get(scopes[0]);
    if (!record) return super.isFenced(scopes, counter);
    this.waiting.delete(scopes[0]);
    return !(await this.insertUnlessFenced(record, scopes, counter));
  }

  insertAtOnce(record) {
    return super.insert(record);
  }
}

/** A share lock, in the words of each database. */
const LOCKS = { postgres: 'FOR SHARE', mariadb: 'LOCK IN SHARE MODE' };

export const FENCE_FAULTS = {
  /** Looks first, then inserts: what comes in between is not seen. */
  'naive-look-first': class extends Deferring {
    async insertUnlessFenced(record, scopes, counter) {
      return !(await super.isFenced(scopes, counter)) && this.insertAtOnce(record);
    }
  },

  /** Look and insert in one statement, with a lock: which locks nothing while no fence is raised. */
  'naive-not-exists': class extends Deferring {
    async insertUnlessFenced(record, scopes, counter) {
      const { connection } = this.table.manager;
      const { driver } = connection;
      const insert = this.table.createQueryBuilder().insert().values(record).updateEntity(false);
      const [sql, parameters] = insert.getQueryAndParameters();
      const [scope, value, fences] = ['scope', 'value', 'jwt_knox_fences'].map((name) => driver.escape(name));
      const place = (index) => driver.createParameter('', parameters.length + index);
      const fence = `SELECT 1 FROM ${fences} WHERE ${scope} IN (${place(0)}, ${place(1)}) AND ${value} > ${place(2)}`;
      const source = connection.options.type === 'mariadb' ? ' FROM DUAL' : '';
      const condition = `${source} WHERE NOT EXISTS (${fence} ${LOCKS[connection.options.type]})`;
      const conditional = sql.replace(/ VALUES \((.*)\)$/s, (_, values) => ` SELECT ${values}${condition}`);
      const runner = connection.createQueryRunner();
      try {
        return (await runner.query(conditional, [...parameters, ...scopes, counter], true)).affected === 1;
      } finally {
        await runner.release();
      }
    }
  },

  /** Changes the access key by its index alone: keys that were renewed count from the same one again. */
  'naive-access-key': class extends TypeOrmSessionRepository {
    async moveAccessKey(id, moved) {
      const change = { ...moved };
      delete change.replaces;
      const present = { id, accessKeyIndex: change.accessKeyIndex - 1 };
      return (await this.table.update(present, change)).affected > 0;
    }
  },

  /** The time in place of the counter: the clocks of two processes are never the same. */
  'naive-clock-fence': class extends TypeOrmSessionRepository {
    async readCounter() {
      return this.clock.now();
    }
    async raiseFence(scope) {
      const raise = this.table.manager.createQueryBuilder().insert().into(JwtKnoxFence);
      await raise.values({ scope, value: this.clock.now() }).orUpdate(['value'], ['scope']).execute();
    }
  },
};
