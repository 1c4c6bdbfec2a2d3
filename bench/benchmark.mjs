// The whole benchmark, a part of it, or a profile.
import { randomBytes } from 'node:crypto';
import { reportCapacity } from './capacity/report.mjs';
import { dropDatabases } from './databases.mjs';
import { GROUPS } from './groups.mjs';
import { WrongAnswer } from './load.mjs';
import { describeMachine, stolenTime } from './machine.mjs';
import { measureGroup } from './measure.mjs';
import { profile } from './profile.mjs';
import { groupTable, targetTable, writeResults } from './report.mjs';
import { findScenario } from './scenarios/index.mjs';
import { stopServers } from './server-process.mjs';
import { judge } from './targets.mjs';

const FULL = { rounds: 7, sliceMs: 200, leadIn: 300, warmUp: { requests: 6_000, least: 1_000, most: 4_000 } };
// Where the claims are: servers that waited long for their turn need longer until they run as they do under traffic.
const CENTRAL = { rounds: 15, sliceMs: 300, leadIn: 500, warmUp: { requests: 12_000, least: 1_000, most: 6_000 } };
// In one process, nothing grows cold: slices are short, so that what is compared lies close together.
const ONE_PROCESS = { isOneProcess: true, sliceMs: 60, leadIn: 40 };
const CAPACITY = { ...CENTRAL, rounds: 31, pacedMs: 8_000 };
const QUICK = { rounds: 5, sliceMs: 100, leadIn: 300, warmUp: { requests: 1_500, least: 400, most: 2_000 } };
const PROFILE = { profiled: 8_000, leadIn: 300, warmUp: { requests: 8_000, least: 2_000, most: 15_000 } };
// More than this many runnable processes per core, and the figures say more about them.
const BUSY = 0.5;

export async function runBenchmark({ quick, only, isCapacity, rows, profile: profiled, results }) {
  const secret = randomBytes(48).toString('base64');
  let isCutShort = false;
  const cutShort = async (signal) => {
    isCutShort = true;
    console.error(`Cut short by ${signal}.`);
    await stopServers();
    await dropDatabases();
    process.exit(1);
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, cutShort);
  try {
    if (profiled) await profile(findScenario(profiled), PROFILE, secret, results);
    else if (isCapacity)
      await reportCapacity({
        most: rows,
        effort: quick ? { ...QUICK, pacedMs: 1_500 } : CAPACITY,
        secret,
        folder: results,
      });
    else await measure(chosen(quick, only), (group) => effortFor(group, quick), secret, results);
  } catch (error) {
    // What fails because its server was stopped is no answer.
    if (isCutShort) return;
    if (!(error instanceof WrongAnswer)) throw error;
    console.error(`A wrong answer, so there are no figures: ${error.message}`);
    process.exitCode = 1;
  }
}

function chosen(quick, only = '') {
  const pattern = new RegExp(only);
  const isAll = !quick || only !== '';
  const matches = ({ name: group, scenarios, quick: some }) =>
    (isAll ? scenarios : some).filter((name) => pattern.test(group) || pattern.test(name));
  const groups = GROUPS.filter((group) => isAll || group.quick);
  const found = groups.map((group) => ({ ...group, scenarios: matches(group).map(findScenario) }));
  const left = found.filter(({ scenarios }) => scenarios.length > 0);
  if (left.length === 0) throw new Error(`No scenario and no group matches ${only}.`);
  return left;
}

function effortFor({ isCentral, isOneProcess, rounds }, quick) {
  const shared = isOneProcess && ONE_PROCESS;
  if (quick) return { ...QUICK, ...shared };
  const effort = isCentral ? CENTRAL : FULL;
  return { ...effort, ...shared, rounds: rounds ?? effort.rounds };
}

async function measure(parts, effortOf, secret, folder) {
  const kinds = parts.flatMap(({ scenarios }) => scenarios.flatMap(({ database }) => database?.kind ?? []));
  const machine = await describeMachine(new Set(kinds));
  if (machine.loadAtStart > machine.cores * BUSY) {
    console.warn(`This machine is busy (load ${machine.loadAtStart.toFixed(1)}): take the figures for a rehearsal.`);
  }
  const before = stolenTime();
  const groups = [];
  for (const part of parts) {
    const { name, title, scenarios } = part;
    const say = (text) => console.log(`${name}: ${text}`);
    const figures = await measureGroup(scenarios, effortOf(part), secret, say);
    groups.push({ name, title, figures });
    console.log(`\n${title}\n\n${groupTable({ figures })}\n`);
  }
  const after = stolenTime();
  machine.stolenShare = before && after && (after.stolen - before.stolen) / (after.all - before.all);
  const judged = judge(groups, Number(process.versions.node.split('.')[0]));
  if (judged.length > 0) console.log(`Targets\n\n${targetTable(judged)}\n`);
  console.log(`Written: ${writeResults(folder, { machine, groups, judged }).join(', ')}`);
}
