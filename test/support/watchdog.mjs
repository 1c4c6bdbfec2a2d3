// Ends a process that has not moved for longer than it may, and says where it was. A runner's own time limits are timers of
// the process that they limit: one that computes for ever never reaches them.
import { writeSync } from 'node:fs';
import { Session } from 'node:inspector';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

const TICK_MS = 1_000;
/** How long a process that runs takes to stop at its next statement; one that waits for something has none. */
const ANSWER_MS = 2_000;
const MOST_FRAMES = 30;

/**
 * Watches this process from a thread of its own.
 * @returns `allow(what, seconds)`: from now on it does `what`, for so long at most. Until the first call, anything goes.
 */
export function watchdog() {
  const thread = new Worker(new URL(import.meta.url), { execArgv: [] });
  thread.unref();
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has none
  return (what, seconds) => thread.postMessage({ what, seconds });
}

/** What the process's first thread does, by its debugger: an endless loop does not keep it from answering. */
async function position() {
  const session = new Session();
  session.connectToMainThread();
  const urls = new Map();
  session.on('Debugger.scriptParsed', ({ params }) => urls.set(params.scriptId, params.url));
  const found = new Promise((resolve) => {
    session.once('Debugger.paused', ({ params }) => resolve(framesOf(params.callFrames, urls)));
    session.post('Debugger.enable', () => session.post('Debugger.pause'));
  });
  const resources = new Promise((resolve) => {
    const expression = 'process.getActiveResourcesInfo().join(", ")';
    session.post('Runtime.evaluate', { expression }, (_, answer) => resolve(answer?.result?.value));
  });
  const waits = async () =>
    `    in no statement; it waits for: ${await within(ANSWER_MS, resources, 'nobody knows what')}`;
  return (await within(ANSWER_MS, found)) ?? (await waits());
}

function framesOf(frames, urls) {
  const lines = frames.map(({ functionName, location: { scriptId, lineNumber, columnNumber } }) => {
    return `    at ${functionName || '(anonymous)'} (${urls.get(scriptId)}:${lineNumber + 1}:${columnNumber + 1})`;
  });
  return lines.slice(0, MOST_FRAMES).join('\n');
}

function within(ms, promise, otherwise) {
  return Promise.race([promise, new Promise((resolve) => setTimeout(resolve, ms, otherwise))]);
}

async function end(what, seconds) {
  writeSync(2, `\nNothing has moved for ${seconds} s. Ended: ${what}\n${await position()}\n`);
  process.kill(process.pid, 'SIGKILL');
}

if (!isMainThread && parentPort) {
  let allowed = { what: 'nothing yet', seconds: Infinity };
  let ticks = 0;
  parentPort.on('message', (message) => {
    allowed = message;
    ticks = 0;
  });
  // It counts its own ticks: a machine that sleeps meanwhile, or a clock that is set, ends nobody.
  const timer = setInterval(() => {
    if (++ticks * TICK_MS <= allowed.seconds * 1_000) return;
    clearInterval(timer);
    void end(allowed.what, allowed.seconds);
  }, TICK_MS);
}
