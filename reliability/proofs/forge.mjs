// What the signing key gains without the database, and the database without the signing key: nothing of anybody else's.
import { decode, forgeries } from '../attacks/forgery.mjs';
import { main, rounds, Tally, withApplication } from '../harness/harness.mjs';
import { seedOf } from '../attacks/random.mjs';
import { Doors } from '../attacks/forger-doors.mjs';
import { dumpForgeries, meddlings } from '../attacks/forged-storage.mjs';

const LANES = 4;
const GAINS = ['identity', 'admin', 'lifetime', 'claims', 'harm', 'errors', 'controlRefused'];
const seed = seedOf();

await main(`forged tokens (seed ${seed})`, {
  databases: ['postgres', 'mariadb', 'sqlite'],
  plants: [
    ['naive-any-key', 'postgres'],
    ['naive-any-user', 'postgres'],
    ['naive-any-key', 'mariadb'],
    ['naive-any-user', 'sqlite'],
  ],
  run: (kind, { short, plant }) =>
    withApplication({ kind, plant, processes: 1, users: 1 + LANES }, async (application) => {
      const tally = new Tally();
      const lanes = await Promise.all(
        Array.from({ length: LANES }, (_, i) => Doors.open(application, `user${1 + i}`, tally)),
      );
      const idle = [...lanes];
      const withDoors = async (work) => {
        const doors = idle.pop();
        await work(doors);
        idle.push(doors);
      };
      const count = short ? 400 : 2_000;
      const list = forgeries(count, seed);
      await rounds(list.length, LANES, (i) =>
        withDoors((doors) => doors.try(list[i].title, list[i].make(doors.booty))),
      );
      await lanes[0].checkOthers('after the forged tokens');
      const dump = dumpForgeries(await lanes[0].rows(), lanes[0].booty).filter((_, i) => !short || i % 4 === 0);
      await rounds(dump.length, LANES, (i) => withDoors((doors) => doors.try(dump[i].title, dump[i].token)));
      await lanes[0].checkOthers('after the dump');
      const meddled = await withHandsOnTheRows(lanes[0]);
      return {
        figures: {
          forgeries: list.length,
          dumped: dump.length,
          meddled,
          requests: tally.of('requests'),
          own: tally.of('own'),
        },
        faults: Object.fromEntries(GAINS.map((name) => [name, tally.of(name)])),
      };
    }),
});

/** Write access to the sessions, and good tokens of one's own; no signing key. */
async function withHandsOnTheRows(doors) {
  let count = 0;
  await doors.meetOthers();
  for (const { title, meddle } of meddlings) {
    await doors.renew();
    await doors.meddle(meddle);
    const { mine } = doors.booty;
    for (const type of ['access', 'refresh'])
      await doors.try(`${title}, own ${type} token`, mine[type], { renew: false });
    await doors.restoreOthers();
    count += 2;
  }
  // The harness itself: whoever sees no difference between good and bad tokens proves nothing.
  await doors.renew();
  const { status } = await doors.node.send('GET', '/whoami', { token: doors.booty.mine.access });
  if (status !== 200 || decode(doors.booty.mine.access).payload.sub !== doors.booty.me)
    doors.tally.add('controlRefused');
  return count;
}
