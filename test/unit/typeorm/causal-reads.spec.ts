import type { DataSource, QueryRunner } from 'typeorm';
import { describe, expect, it } from 'vitest';
import { CausalReads } from '../../../lib/typeorm/causal-reads';

/** What a server is asked: the real ones are those of the proof `galera`. */
function serverWith(variables: { Value: string }[]) {
  const sent: string[] = [];
  const runner = {
    query: (sql: string) => Promise.resolve(sent.push(sql) && sql.startsWith('SHOW') ? variables : undefined),
  } as unknown as QueryRunner;
  return { sent, runner };
}

const sourceOf = (type: string) => ({ options: { type } }) as DataSource;
const ASKS = "SHOW VARIABLES LIKE 'wsrep_on'";
const WAITS = 'SET SESSION wsrep_sync_wait = 7';

async function lend(reads: CausalReads, runner: QueryRunner, connections: object[]) {
  for (const connection of connections) if (reads.isDueOn(connection)) await reads.settle(runner, connection);
}

describe('connections to a Galera cluster', () => {
  it('wait for what other nodes acknowledged: each is told once, and the server is asked once', async () => {
    const { sent, runner } = serverWith([{ Value: 'ON' }]);
    const [one, other] = [{}, {}];
    await lend(CausalReads.of(sourceOf('mariadb'))!, runner, [one, other, one, other]);
    expect(sent).toEqual([ASKS, WAITS, WAITS]);
  });

  it.each([
    ['MariaDB alone', [{ Value: 'OFF' }]],
    ['MySQL, which has no such variable', []],
  ])('control: %s is asked once, and told nothing', async (_name, variables) => {
    const { sent, runner } = serverWith(variables);
    await lend(CausalReads.of(sourceOf('mysql'))!, runner, [{}, {}, {}]);
    expect(sent).toEqual([ASKS]);
  });

  it('are those of one data source, whoever lends them', () => {
    const source = sourceOf('mariadb');
    expect(CausalReads.of(source)).toBe(CausalReads.of(source));
    expect(CausalReads.of(sourceOf('mariadb'))).not.toBe(CausalReads.of(source));
  });

  it('is asked again where the question failed', async () => {
    const reads = CausalReads.of(sourceOf('mariadb'))!;
    const broken = { query: () => Promise.reject(new Error('gone')) } as unknown as QueryRunner;
    await expect(reads.settle(broken, {})).rejects.toThrow('gone');
    const { sent, runner } = serverWith([{ Value: 'ON' }]);
    await lend(reads, runner, [{}]);
    expect(sent).toEqual([ASKS, WAITS]);
  });

  it.each(['postgres', 'better-sqlite3', 'sqljs', 'aurora-mysql'])('are none of %s', (type) => {
    expect(CausalReads.of(sourceOf(type))).toBeUndefined();
  });
});
