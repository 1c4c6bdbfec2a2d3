// How many connections requests hold: by Little's law, and counted.
import { repeated } from '../exchanges.mjs';
import { after, sendPaced } from './paced.mjs';

const RATES = [100, 200, 400];
const TOKENS = 3_000;

/** `expected`: rate × mean time that a connection is held; `busy`: the mean of what the pool had lent. */
export async function measureConnections({ quiet, touching }, ms) {
  const figures = [];
  for (const wanted of RATES) figures.push(await measureAt({ wanted, ms, variant: 'quiet' }, quiet));
  figures.push(await measureAt({ wanted: RATES[0], ms, variant: 'touching' }, touching));
  return figures;
}

async function measureAt({ wanted, ms, variant }, { servers: [server], ports: [port] }) {
  const { requests } = await server.ask('prepare', { count: TOKENS, what: 'request' });
  const exchange = repeated(requests);
  await sendPaced(port, wanted, exchange, after(ms / 4));
  await server.ask('occupancy');
  const { rate } = await sendPaced(port, wanted, exchange, after(ms));
  const { calls, held, busy, samples, seconds } = await server.ask('occupancy');
  return { variant, rate, calls, held, expected: (calls / seconds) * (held / 1_000), busy, samples };
}
