// Self time of a CPU profile, by package and by function.

const FUNCTIONS = 40;
// What V8 books under names instead of files.
const SPECIAL = new Map([
  ['(garbage collector)', 'garbage collection'],
  ['(program)', 'native code and system calls'],
  ['(idle)', 'idle'],
  ['(root)', 'idle'],
]);

/**
 * Markdown tables of self time.
 * @param cpu µs per request, which the samples share out: V8 takes them by the clock, and so counts waiting for a core
 */
export function summaryOf({ nodes, samples, timeDeltas }, cpu) {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const packages = new Map();
  const functions = new Map();
  let busy = 0;
  samples.forEach((id, index) => {
    const frame = frames.get(id);
    const owner = packageOf(frame);
    if (owner === 'idle') return;
    busy += timeDeltas[index];
    add(packages, owner, timeDeltas[index]);
    add(functions, `${frame.functionName || '(anonymous)'} · ${placeOf(frame, owner)}`, timeDeltas[index]);
  });
  const share = (µs) => `${((µs / busy) * cpu).toFixed(1)} | ${((µs / busy) * 100).toFixed(1)} %`;
  const table = (title, entries) =>
    [
      `\n| ${title} | µs per request | share |`,
      '|---|--:|--:|',
      ...entries.map(([name, µs]) => `| ${name} | ${share(µs)} |`),
    ].join('\n');
  return [
    table('package', [...sorted(packages), ['all', busy]]),
    table('function', sorted(functions).slice(0, FUNCTIONS)),
  ].join('\n');
}

/** To whom a function belongs. */
export function packageOf({ url, functionName }) {
  if (SPECIAL.has(functionName)) return SPECIAL.get(functionName);
  if (!url.includes('/') && !url.startsWith('node:')) return 'built-ins and native bindings';
  if (url.startsWith('node:')) return 'node internals';
  const [, name] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url) ?? [];
  if (name) return name;
  return url.includes('/dist/') ? 'nestjs-jwt-knox' : 'bench';
}

function placeOf({ url, lineNumber }, owner) {
  if (url.startsWith('node:')) return url;
  if (!url.includes('/')) return owner;
  return `${owner} ${url.split('/').at(-1)}:${lineNumber + 1}`;
}

function add(map, name, value) {
  map.set(name, (map.get(name) ?? 0) + value);
}

function sorted(map) {
  return [...map].toSorted((a, b) => b[1] - a[1]);
}
