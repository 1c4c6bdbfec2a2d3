import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readPages, root, tableRowsOf } from './pages';

interface Figures {
  name: string;
  cpu: number;
  database: number | null;
}

/** The rows of the README, and the scenario whose figures each of them shows. */
const SCENARIOS: Record<string, string> = {
  'Nest without authentication': 'bare/fastify',
  'passport-jwt, stateless, with a `KeyObject`': 'passport-jwt/fastify/key-object',
  'nestjs-jwt-knox': 'knox/fastify/postgres/session',
  'nestjs-jwt-knox with [`leaseCache`](docs/24-caching.md)': 'cached/fastify/postgres',
  'better-auth on node:http, sessions in the database': 'better-auth/database',
};

const results = join(root, 'bench/results');

/** The newest figures of a Node line, by scenario. */
function figuresOn(line: string): Map<string, Figures> {
  const file = readdirSync(results)
    .filter((name) => new RegExp(`-node${line}\\..*\\.json$`).test(name))
    .toSorted()
    .at(-1)!;
  const { groups } = JSON.parse(readFileSync(join(results, file), 'utf8')) as { groups: { figures: Figures[] }[] };
  // A scenario of several groups is told by the first.
  return new Map(groups.flatMap(({ figures }) => figures.map((one) => [one.name, one] as const)).toReversed());
}

describe('the figures in the documentation', () => {
  const shown = ({ cpu, database }: Figures) => [cpu, database ?? 0].map(Math.round).filter(Boolean).join(' + ');

  it('are those of the newest results', () => {
    const readme = readPages().find(({ path }) => path === 'README.md')!;
    const [node20, node24] = [figuresOn('20'), figuresOn('24')];
    const rows = tableRowsOf(readme).filter(([first]) => Object.hasOwn(SCENARIOS, first!));
    expect(rows).toEqual(
      Object.entries(SCENARIOS).map(([row, scenario]) => [
        row,
        shown(node20.get(scenario)!),
        shown(node24.get(scenario)!),
      ]),
    );
  });
});
