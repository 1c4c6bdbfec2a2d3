// What comes back: a database from its backup, and clients whose refresh was killed in its midst.
import { setTimeout as delay } from 'node:timers/promises';
import { withGate } from '../faults/gate.mjs';
import { main, rounds, Tally } from '../harness/harness.mjs';
import { Interruptions, RETRIES } from '../faults/interrupted.mjs';
import { withPrivateServer } from '../faults/private-server.mjs';

const FULL = { sessions: 200, width: 30, kills: { application: 60, database: 60 } };
const SHORT = { sessions: 20, width: 20, kills: { application: 6, database: 6 } };
const CONTROL = { sessions: 20, width: 30, kills: { application: 10, database: 4 } };
const PAUSE_MS = 50;
const QUIET = { logLevels: [] };

/** How many times as often the database is killed at the most. */
const MOST = 4;

await main('restored backups, interrupted refreshes', {
  databases: ['postgres', 'mariadb'],
  plants: [
    ['no-revoke-before', 'postgres'],
    ['naive-last-use', 'postgres'],
    ['naive-lost-salt', 'mariadb'],
  ],
  run: (kind, { short, plant }) =>
    withPrivateServer(kind, {}, (server) =>
      withGate(
        server,
        { kind, server: server.url, processes: 0, users: 50, plant },
        async ({ gate, source, launch }) => {
          const size = plant ? CONTROL : short ? SHORT : FULL;
          const tally = new Tally();
          await restoreBackup({ server, source, launch, tally, plant, size });
          if (plant !== 'no-revoke-before') await interrupt({ server, gate, source, launch, tally, size });
          const of = (...names) => Object.fromEntries(names.map((name) => [name, tally.of(name)]));
          const retries = Object.keys(RETRIES).flatMap((when) => [when, `${when}Rotated`]);
          return {
            figures: {
              ...of('cameBack', 'endedByCommand'),
              kills: size.kills,
              ...of('answered', ...retries, 'working'),
            },
            faults: {
              ...of('notBack', 'wronglyBack', 'alive', 'notEnded', 'loginRefused', 'lost'),
              // Without a lost answer nothing is proven; but that is no control that was noticed.
              unrotated: plant ? 0 : tally.of('unrotated'),
            },
          };
        },
      ),
    ),
});

/** Sessions that ended after the backup live again when it is restored, until `revokeBefore` ends them all. */
async function restoreBackup({ server, source, launch, tally, plant, size }) {
  const before = await launch(QUIET);
  const pairs = [];
  for (let i = 0; i < size.sessions; i++) pairs.push(await before.login(`user${i % 50}`));
  const restore = server.backUp(new URL(source.options.url).pathname.slice(1));
  const late = await before.login('user0');
  // Of four sessions one goes on, one is refreshed, two are ended.
  const isEnded = (index) => index % 4 > 1;
  await rounds(pairs.length, 4, async (index) => {
    if (index % 4 === 1) pairs[index] = (await before.refresh(pairs[index].refresh_token)).body;
    const token = pairs[index].access_token;
    if (isEnded(index)) await before.send('POST', '/auth/logout', { token });
    if (isEnded(index) && (await before.isAlive(token))) tally.add('notEnded');
  });
  process.kill(before.pid, 'SIGKILL');
  restore();

  const nodes = await Promise.all([launch(QUIET), launch(QUIET)]);
  for (const [index, { access_token: token }] of pairs.entries()) {
    const isBack = await nodes[index % 2].isAlive(token);
    if (!isBack) tally.add('notBack');
    else if (isEnded(index)) tally.add('cameBack');
  }
  // Its row is newer than the backup.
  if (await nodes[0].isAlive(late.access_token)) tally.add('wronglyBack');

  if (plant !== 'no-revoke-before') tally.add('endedByCommand', await nodes[0].ask('revokeBefore', new Date()));
  await rounds(pairs.length, 4, async (index) => {
    if (await nodes[1].isAlive(pairs[index].access_token)) tally.add('alive');
    if ((await nodes[0].refresh(pairs[index].refresh_token)).status === 200) tally.add('alive');
  });
  const fresh = await nodes[0].login('user0');
  if (!(await nodes[1].isAlive(fresh.access_token))) tally.add('loginRefused');
  for (const node of nodes) process.kill(node.pid, 'SIGKILL');
}

/** `kill -9` in mid-refresh, of the application and of the database. */
async function interrupt({ server, gate, source, launch, tally, size }) {
  const ahead = (clockAhead) => launch({ ...QUIET, clockAhead });
  const started = Object.entries(RETRIES).map(async ([when, clockAhead]) => [when, await ahead(clockAhead)]);
  const nodes = Object.fromEntries(await Promise.all(started));

  const applications = new Interruptions(nodes, source, tally);
  let next = launch(QUIET);
  for (let i = 0; i < size.kills.application; i++) {
    const victim = await next;
    if (i + 1 < size.kills.application) next = launch(QUIET);
    await applications.strike(victim, size.width, () => killProcess(victim.pid, i % 2 ? 0 : PAUSE_MS));
  }
  const databases = new Interruptions(nodes, source, tally);
  const lacking = () => Object.keys(RETRIES).filter((when) => tally.of(`${when}Rotated`) === 0);
  // Whether a refresh had rotated when it was interrupted is chance: further kills, until each kind of retry met one.
  for (let i = 0; i < size.kills.database || (lacking().length > 0 && i < MOST * size.kills.database); i++) {
    const kill = () => killServer(server, gate, i % 2 ? 0 : PAUSE_MS);
    await databases.strike(nodes.atOnce, size.width, kill, () => server.start());
  }
  tally.add('unrotated', lacking().length);
}

/** With a `pause`, the database still finishes what the process has sent, and nobody hears of it. */
async function killProcess(pid, pause) {
  process.kill(pid, 'SIGSTOP');
  await delay(pause);
  process.kill(pid, 'SIGKILL');
}

/** With a `pause`, the server still commits what it has received, and its answers are lost. */
async function killServer(server, gate, pause) {
  if (pause > 0) gate.turn('silent');
  await delay(pause);
  await server.kill();
  gate.turn('open');
}
