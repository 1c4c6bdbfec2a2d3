import { createSharedDatabase, type DatabaseKind } from '../../../test/support/databases.js';

/** An empty database for processes of the sample: what they find in their environment, and how to be rid of it. */
export async function sampleDatabase(kind: DatabaseKind) {
  const { options, drop } = await createSharedDatabase(kind);
  const { url, database } = options as { url?: string; database?: string };
  return { env: { DATABASE_URL: url ?? `sqlite:${database}` }, drop };
}
