// An application that reaches its database server through a gate only.
import { createRequire } from 'node:module';
import { withApplication } from '../harness/harness.mjs';

const { Gate } = createRequire(import.meta.url)('../../.cache/host');

/** An application whose processes reach the private `server` through a gate only. */
export async function withGate(server, { database, ...setup }, proof) {
  const gate = new Gate(server.port);
  await gate.open();
  const through = (own) => ({ ...database, url: own.url.replace(`:${server.port}/`, `:${gate.port}/`) });
  try {
    return await withApplication({ ...setup, database: through }, (application) => proof({ gate, ...application }));
  } finally {
    gate.close();
  }
}
