// Limits of sessions that look right and are not. Each must fail the races of logins under a limit.
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';

const { TypeOrmSessionRepository } = createRequire(import.meta.url)('nestjs-jwt-knox/typeorm');

export const LIMIT_FAULTS = {
  /** A limit by count-then-insert: no slot, so no index says no. */
  'naive-limit': class extends TypeOrmSessionRepository {
    async insert(record) {
      // Each statement of SQLite's blocks its process: without a pause, only two that meet to the microsecond collide.
      await delay(Math.random() * 5);
      return super.insert({ ...record, slot: null });
    }
  },

  /** A new session writes over the row of the one that it displaces, with what the host keeps in it. */
  'naive-take-over': class extends TypeOrmSessionRepository {
    vacated = new Map();
    async vacate(id, ...rest) {
      const found = await super.findById(id);
      const isVacated = await super.vacate(id, ...rest);
      if (isVacated) this.vacated.set(found.record.userId, [...(this.vacated.get(found.record.userId) ?? []), id]);
      return isVacated;
    }
    async insert(record) {
      const id = this.vacated.get(record.userId)?.pop();
      if (!id) return super.insert(record);
      return (await this.table.update({ id }, record).catch(() => ({ affected: 0 }))).affected === 1;
    }
  },
};
