// Users with as many simultaneous logins as they can have sessions, and more; of every other user, the places are taken.
import { rounds, withApplication } from './harness.mjs';
import { columnIn, prepareHost } from './host-session.mjs';

export const LIMIT = 5;
const LOGINS = 20;

export async function storm({ kind, plant, users, onLimit, tally }) {
  const options = { session: { limitPerUser: LIMIT, onLimit }, storageTimeout: '20s' };
  // Hardly any hashing: logins that queue for it come one by one.
  const settings = { kind, plant, users, processes: 0, options, passwordCost: 16 };
  await withApplication(settings, async ({ launch, source }) => {
    await prepareHost(kind, source);
    // Of every other user all places are taken: by sessions that have expired where nobody else's place is to be had.
    await occupy({ kind, source, users, expiresIn: onLimit === 'reject' ? -3_600_000 : 3_600_000 });
    const nodes = await Promise.all([0, 1].map(() => launch({ hostSession: true })));
    await rounds(users, 4, async (index) => {
      const json = { username: `user${index}`, password: 'password' };
      const answers = await Promise.all(
        Array.from({ length: LOGINS }, (_, i) => nodes[i % 2].send('POST', '/auth/login', { json })),
      );
      tally.add('logins', LOGINS);
      const admitted = answers.filter((one) => one.status === 200).map((one) => one.body.session_id);
      tally.add('errors', answers.filter((one) => one.status !== 200 && one.status !== 403).length);
      if (admitted.length !== (onLimit === 'reject' ? LIMIT : LOGINS)) tally.add('wrongAdmitted');
      const alive = await sessionsOf(kind, source, index);
      if (alive.length !== LIMIT) tally.add('wrongCount');
      tally.add('inherited', alive.filter((row) => !admitted.includes(row.id) || Boolean(Number(row.second))).length);
      tally.add('references', alive.filter((row) => row.note !== null).length);
      if (index % 2 === 0) tally.add('displaced', LIMIT);
    });
  });
}

const idOf = (index, slot) => `00000000-0000-4000-8000-${String(index * 10 + slot).padStart(12, '0')}`;

/** Every other user has five sessions; their second factor was proven in all, and three have a note that refers to them. */
async function occupy({ kind, source, users, expiresIn }) {
  const names = ['id', 'userId', 'accessDigest', 'generation', 'createdAt', 'authenticatedAt', 'expiresAt', 'lastUsedAt', 'slot', 'secondFactor'];
  const columns = names.map((name) => columnIn(kind, name)).join(', ');
  const then = Date.now() - 7_200_000;
  for (let index = 0; index < users; index += 2) {
    const slots = Array.from({ length: LIMIT }, (_, i) => i + 1);
    const rows = slots.map((slot) =>
      `('${idOf(index, slot)}', 'id-user${index}', '${'0'.repeat(64)}', 0, ${then + slot}, ${then}, ${Date.now() + expiresIn}, ${then}, ${slot}, true)`);
    await source.query(`INSERT INTO jwt_knox_sessions (${columns}) VALUES ${rows.join(', ')}`);
    const notes = slots.slice(0, 3).map((slot) => `(${index * 10 + slot}, '${idOf(index, slot)}')`);
    await source.query(`INSERT INTO app_notes (id, session_id) VALUES ${notes.join(', ')}`);
  }
} // prettier-ignore

async function sessionsOf(kind, source, index) {
  const column = (name) => columnIn(kind, name);
  return source.query(
    `SELECT session.id AS id, ${column('secondFactor')} AS second, app_notes.id AS note FROM jwt_knox_sessions AS session
     LEFT JOIN app_notes ON session_id = session.id
     WHERE ${column('userId')} = 'id-user${index}' AND ${column('expiresAt')} > ${Date.now()}`,
  );
}
