import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JwtKnoxFence, JwtKnoxSession } from '../../../lib/typeorm';
import { UserIdColumn } from '../../../lib/typeorm/user-id-column';

describe('the column of user ids', () => {
  const source = new DataSource({
    type: 'better-sqlite3',
    database: ':memory:',
    entities: [JwtKnoxSession, JwtKnoxFence],
  });
  let column: UserIdColumn;
  beforeAll(async () => {
    await source.initialize();
    column = new UserIdColumn(source.getRepository(JwtKnoxSession));
  });
  afterAll(() => source.destroy());

  it.each(['22P02', '22001', 'ER_DATA_TOO_LONG', 'ER_TRUNCATED_WRONG_VALUE'])(
    'does not take an error %s about something else for a user whom it cannot hold',
    async (code) => {
      const error = Object.assign(new Error('of a trigger of the application'), { code });
      await expect(column.ofUser('alice', 0, () => Promise.reject(error))).rejects.toBe(error);
    },
  );

  it('control: takes one about an id that may not fit as nobody', async () => {
    const error = Object.assign(new Error('incorrect string value'), { code: 'ER_TRUNCATED_WRONG_VALUE_FOR_FIELD' });
    expect(await column.ofUser('bób', 0, () => Promise.reject(error))).toBe(0);
  });
});
