import { describe, expect, it } from 'vitest';
// @ts-expect-error: plain JavaScript, run as it is
import { GROUPS } from '../../../bench/groups.mjs';
// @ts-expect-error: plain JavaScript, run as it is
import { capacityTargets, judge, TARGETS } from '../../../bench/targets.mjs';

const LIMIT = { name: 'limit', samples: [{ cpu: 100, database: 50 }, { cpu: 200, database: 100 }] }; // prettier-ignore
const ours = (cpu: number, database: number | null = 50) => ({
  name: 'knox/fastify/postgres/session/prepared',
  samples: [{ cpu, database }, { cpu: cpu * 2, database: database && database * 2 }], // prettier-ignore
});
const core = (...figures: unknown[]) => [{ name: 'core', figures }];

describe('the targets of the benchmark', () => {
  it('are kept, or not, by what was measured in the same rounds', () => {
    const verdicts = (cpu: number) => judge(core(LIMIT, ours(cpu)), 24).map(({ verdict }: any) => verdict);
    expect(verdicts(149)).toEqual(['within']);
    expect(verdicts(151)).toEqual(['beyond']);
  });

  it('tell how far the rounds lie apart', () => {
    const noisy = { ...ours(0), samples: [{ cpu: 100 }, { cpu: 400 }] };
    expect(judge(core(LIMIT, noisy), 24)).toMatchObject([{ value: 1.5, quartiles: [1.25, 1.75] }]);
  });

  it('differ by the version of Node', () => {
    const most = (major: number) => judge(core(LIMIT, ours(100)), major).map((one: any) => one.most);
    expect([most(24), most(20), most(22)]).toEqual([[1.5], [1.6, 1.2], []]);
  });

  it('have no verdict where the CPU of the database is unknown', () => {
    const [server, database] = judge(core(LIMIT, ours(100, null)), 20);
    expect([server.verdict, database.verdict]).toEqual(['within', 'unmeasured']);
  });

  it('count the statements of an operation beside the look-up of the user', () => {
    const figures = (statements: number) => [
      { name: 'operations', figures: [{ name: 'knox/fastify/postgres/refresh', statements, samples: [] }] },
    ];
    expect(judge(figures(2), 20)).toMatchObject([{ value: 1, verdict: 'within' }]);
    expect(judge(figures(3), 20)).toMatchObject([{ value: 2, verdict: 'beyond' }]);
  });

  it('hold an operation to a request and the signing of two tokens', () => {
    const of = (name: string, cpu: number) => ({ name, statements: 2, samples: [{ cpu }] });
    const figures = (cpu: number) => [
      of('knox/express/postgres/user', 100), of('raw-sign-two', 50), of('raw-http', 20), of('knox/express/postgres/login', cpu),
    ]; // prettier-ignore
    const cpuOf = (cpu: number) => judge([{ name: 'operations', figures: figures(cpu) }], 20)[1];
    expect(cpuOf(195)).toMatchObject({ value: 1.5, verdict: 'within' });
    expect(cpuOf(260)).toMatchObject({ value: 2, verdict: 'beyond' });
  });

  it('hold a request on a large table to one on a small one, by CPU and by p99', () => {
    const of = (name: string, cpu: number, p99: number) => ({ name, samples: [{ cpu, database: 50, p99 }] });
    const figures = [of('small', 100, 10), of('large', 122, 12)];
    const judged = judge([{ name: 'capacity', figures }], 20, capacityTargets('large', 'small'));
    expect(judged.map(({ value, verdict }: any) => [value, verdict])).toEqual([
      [172 / 150, 'within'],
      [1.2, 'beyond'],
    ]);
  });

  it('hold what a proof adds to what a verification adds, whatever one round says', () => {
    const bound = (way: string, of: number[]) => ({
      name: `bound/fastify/postgres/${way}`,
      samples: of.map((cpu) => ({ cpu })),
    });
    // Verifying takes 90 of its median; in the first round hardly anything, by which each ratio of that round would be huge.
    const figures = [
      bound('padded', [200, 200, 200, 200, 200]),
      bound('verify', [201, 290, 290, 290, 290]),
      bound('dpop', [299, 308, 308, 317, 281]),
    ];
    const [judged] = judge([{ name: 'bound', figures }], 20);
    expect(judged).toMatchObject({ value: 1.2, quartiles: [1.1, 1.2], verdict: 'within' });
  });

  it('all compare scenarios of their group', () => {
    const groups = GROUPS.map(({ name, scenarios }: any) => ({
      name,
      figures: scenarios.map((one: string) => ({ name: one, statements: 1, samples: [{ cpu: 1, database: 1 }] })),
    }));
    const [on20, on24, onAny] = [20, 24, 22].map((major) => judge(groups, major).length);
    expect(on20 + on24 - onAny).toBe(TARGETS.length);
  });
});
