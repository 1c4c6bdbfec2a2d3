import { JwtKnoxFence, JwtKnoxSession } from 'nestjs-jwt-knox/typeorm';
import { jwtKnoxMigrations } from 'nestjs-jwt-knox/migrations';
import { DataSource } from 'typeorm';

describe('The migrations', () => {
  let source: DataSource;
  beforeAll(async () => {
    source = await new DataSource({
      type: 'better-sqlite3',
      database: ':memory:',
      entities: [JwtKnoxSession, JwtKnoxFence],
      migrations: jwtKnoxMigrations,
    }).initialize();
  });
  afterAll(() => source.destroy());

  const difference = async () => (await source.driver.createSchemaBuilder().log()).upQueries.map(({ query }) => query);

  it('make exactly the table that the entity describes', async () => {
    expect(await difference()).not.toEqual([]);
    await source.runMigrations();
    expect(await difference()).toEqual([]);
  });

  it('leave nothing behind when they are undone', async () => {
    for (let left = jwtKnoxMigrations.length; left > 0; left--) await source.undoLastMigration();
    const tables: { name: string }[] = await source.query("SELECT name FROM sqlite_master WHERE name LIKE '%knox%'");
    expect(tables).toEqual([]);
  });
});
