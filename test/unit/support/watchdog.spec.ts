import { execFile } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';

const WATCHDOG = pathToFileURL('test/support/watchdog.mjs').href;
const LIMITED = 'test/support/limited.mjs';

/** A program to its end, and what it said on its way. */
function run(args: string[]) {
  return new Promise<{ status: number | string | null; stdout: string; stderr: string }>((resolve) => {
    const child = execFile(process.execPath, args, { timeout: 60_000 }, (_, stdout, stderr) => {
      resolve({ status: child.signalCode ?? child.exitCode, stdout, stderr });
    });
  });
}

const watched = (then: string) =>
  run(['--input-type=module', '-e', `import { watchdog } from '${WATCHDOG}'; const allow = watchdog(); ${then}`]);

describe('a process that does not move for longer than it may is ended, and says', () => {
  it.each([
    ['in a loop', 'for (;;);'],
    ['in a chain of promises', 'for (;;) await null;'],
  ])('where it was %s', async (_title, loop) => {
    const { status, stderr } = await watched(`async function spin() { ${loop} } allow('a test', 1); await spin();`);
    expect(status).toBe('SIGKILL');
    expect(stderr).toMatch(/^Nothing has moved for 1 s\. Ended: a test\n {4}at spin \(file:\/\/\/.*:\d+:\d+\)$/m);
  });

  it('what it waited for', async () => {
    const { status, stderr } = await watched("setTimeout(() => undefined, 100_000); allow('a test', 1);");
    expect(status).toBe('SIGKILL');
    expect(stderr).toMatch(/Ended: a test\n {4}in no statement; it waits for: .*\bTimeout\b/);
  });

  it('nothing when it moves, or when it has ended before', async () => {
    const steps = 'for (let at = 0; at < 15; at++) { allow(String(at), 3); await sleep(300); }';
    const moving = `const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms)); ${steps}`;
    expect(await watched(moving)).toEqual({ status: 0, stdout: '', stderr: '' });
  });
});

describe('a command', () => {
  const limited = (seconds: number, script: string) => run([LIMITED, String(seconds), 'sh', '-c', script]);

  it('that is done in time ends as it would by itself', async () => {
    expect(await limited(60, 'echo well')).toEqual({ status: 0, stdout: 'well\n', stderr: '' });
    expect((await limited(60, 'exit 3')).status).toBe(3);
    expect((await limited(60, 'kill -9 $$')).status).toBe(137);
  });

  it('that is not is ended with all that it started, and they are named', async () => {
    const { status, stderr } = await limited(1, 'sleep 1001 & sh -c "sleep 1002; true"; true');
    expect(status).toBe(124);
    expect(stderr).toMatch(/^Not done after 1 s, and ended: sh -c /m);
    const pids = [...stderr.matchAll(/^ {2}(\d+) .* sleep 100[12]$/gm)].map(([, pid]) => Number(pid));
    expect(pids).toHaveLength(2);
    await expect.poll(() => pids.filter(isRunning)).toEqual([]);
  });

  it('that cannot be started says so', async () => {
    const { status, stderr } = await run([LIMITED, '60', 'no-such-command']);
    expect(status).toBe(127);
    expect(stderr).toMatch(/^no-such-command cannot be started: /);
  });
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
