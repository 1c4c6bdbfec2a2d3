import { relative } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { watchdog } from './watchdog.mjs';

/** Loading a file, or what stands between two tests. Hooks have two minutes each. */
const BETWEEN_SECONDS = 600;

type Allow = ReturnType<typeof watchdog>;

/** One thread watches all files of a worker. */
const shared = globalThis as { allowWorker?: Allow };
const allow = (shared.allowWorker ??= watchdog());

const fileName = () => relative(process.cwd(), expect.getState().testPath ?? 'a file of tests');

allow(fileName(), BETWEEN_SECONDS);
beforeAll(() => allow(fileName(), BETWEEN_SECONDS));
// Longer than the runner's own limits, which say more.
beforeEach(({ task }) => allow(`${fileName()} > ${task.name}`, BETWEEN_SECONDS + task.timeout / 1_000));
afterAll(() => allow(`after ${fileName()}`, BETWEEN_SECONDS));
