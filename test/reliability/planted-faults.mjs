// The naive versions of what the library does with care. Each must fail the proof that it belongs to.
import { createRequire } from 'node:module';
import { Injectable, Inject } from '@nestjs/common';
import { getRepositoryToken, TypeOrmModule } from '@nestjs/typeorm';

const require = createRequire(import.meta.url);
const { KnoxSession, TypeOrmSessionRepository } = require('nestjs-jwt-knox');

const FAULTS = {
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

  /** A limit by count-then-insert: no slot, so no index says no. */
  'naive-limit': class extends TypeOrmSessionRepository {
    async insert(record) {
      return super.insert({ ...record, slot: null });
    }
    async takeOver(id, replacement) {
      await this.deleteById(id);
      return super.insert({ ...replacement, slot: null });
    }
  },
};

/** The extras that put a faulty storage in place of the library's. */
export function plantedRepository(plant) {
  const Fault = FAULTS[plant];
  class Planted extends Fault {
    constructor(table) {
      super(table);
      this.table = table;
    }
  }
  Injectable()(Planted);
  Inject(getRepositoryToken(KnoxSession))(Planted, undefined, 0);
  return { sessionRepository: Planted, imports: [TypeOrmModule.forFeature([KnoxSession])] };
}
