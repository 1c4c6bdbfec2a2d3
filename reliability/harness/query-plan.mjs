// How a database finds a session: the plan of exactly the statement that the library sends.
import { createRequire } from 'node:module';
import { DataSource } from 'typeorm';
import { plantedRepository } from '../faults/planted-faults.mjs';

const { JwtKnoxFence, JwtKnoxSession, TypeOrmSessionRepository } = createRequire(import.meta.url)(
  'nestjs-jwt-knox/typeorm',
);

const EXPLAIN = {
  postgres: 'EXPLAIN (FORMAT JSON)',
  mariadb: 'EXPLAIN FORMAT=JSON',
  'better-sqlite3': 'EXPLAIN QUERY PLAN',
};

/** How many statements one look-up sends, and whether the database goes by the primary key to one row. */
export async function planOf(source, plant) {
  const sent = [];
  const note = (sql, parameters) => void sent.push([sql, parameters]);
  const ignore = () => undefined;
  const logger = {
    logQuery: note,
    logQueryError: ignore,
    logQuerySlow: ignore,
    logSchemaBuild: ignore,
    logMigration: ignore,
    log: ignore,
  };
  const listening = new DataSource({ ...source.options, entities: [JwtKnoxSession, JwtKnoxFence], migrations: [], migrationsRun: false, logging: true, logger }); // prettier-ignore
  await listening.initialize();
  try {
    const table = listening.getRepository(JwtKnoxSession);
    const repository = plant ? plantedRepository(plant, table) : new TypeOrmSessionRepository(table);
    const [{ id }] = await listening.query('SELECT id FROM jwt_knox_sessions LIMIT 1');
    sent.length = 0;
    if (!(await repository.findById(id))) throw new Error('The look-up found nothing.');
    const sentByLookUp = sent.length;
    const [sql, parameters] = sent[0];
    const rows = await listening.query(`${EXPLAIN[source.options.type]} ${sql}`, parameters);
    return { statements: sentByLookUp, ...READ[source.options.type](rows) };
  } finally {
    await listening.destroy();
  }
}

const READ = {
  postgres: ([row]) => {
    const { Plan: plan } = row['QUERY PLAN'][0];
    const text = `${plan['Node Type']} ${plan['Index Name'] ?? ''}`.trim();
    return { text, isIndexed: text === 'Index Scan PK_jwt_knox_sessions' && !plan.Plans && !plan.Filter };
  },
  mariadb: ([row]) => {
    const plan = Object.values(row)[0];
    const types = [...plan.matchAll(/"access_type": "(\w+)"/g)].map((match) => match[1]);
    const [, key] = plan.match(/"key": "(\w+)"/) ?? [];
    return { text: `${types.join(' ')} ${key ?? ''}`.trim(), isIndexed: types.join() === 'const' && key === 'PRIMARY' };
  },
  'better-sqlite3': (rows) => {
    const text = rows.map((row) => row.detail).join('; ');
    return { text, isIndexed: /^SEARCH \S+ USING INDEX sqlite_autoindex_jwt_knox_sessions_1 \(id=\?\)$/.test(text) };
  },
};
