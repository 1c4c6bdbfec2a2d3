// 20 simultaneous logins of each of many users, limit 5: never more than five sessions, whatever the database.
import { main, rounds, Tally, withApplication } from './harness.mjs';

const LOGINS = 20;
const LIMIT = 5;

await main('session limit races', {
  databases: ['postgres', 'mariadb', 'sqlite'],
  plants: [
    ['naive-limit', 'postgres'],
    ['naive-limit', 'mariadb'],
    ['naive-limit', 'sqlite'],
  ],
  run: async (kind, { short, plant }) => {
    const users = short ? 20 : 500;
    const tally = new Tally();
    for (const onLimit of ['reject', 'evict-oldest']) {
      const options = { session: { limitPerUser: LIMIT, onLimit }, storageTimeout: '20s' };
      await withApplication({ kind, plant, users, options }, ({ nodes, source }) =>
        rounds(users, 4, async (index) => {
          const json = { username: `user${index}`, password: 'password' };
          const answers = await Promise.all(
            Array.from({ length: LOGINS }, (_, i) => nodes[i % 2].send('POST', '/auth/login', { json })),
          );
          tally.add('logins', LOGINS);
          const admitted = answers.filter((one) => one.status === 200).length;
          tally.add('errors', answers.filter((one) => one.status >= 500).length);
          if (admitted !== (onLimit === 'reject' ? LIMIT : LOGINS)) tally.add('wrongAdmitted');
          const user = kind === 'mariadb' ? '`userId`' : '"userId"';
          const [row] = await source.query(
            `SELECT COUNT(*) AS n FROM jwt_knox_sessions WHERE ${user} = 'id-user${index}'`,
          );
          if (Number(row.n) !== LIMIT) tally.add('wrongCount');
        }),
      );
    }
    return {
      figures: { users, logins: tally.of('logins') },
      faults: {
        errors: tally.of('errors'),
        wrongAdmitted: tally.of('wrongAdmitted'),
        wrongCount: tally.of('wrongCount'),
      },
    };
  },
});
