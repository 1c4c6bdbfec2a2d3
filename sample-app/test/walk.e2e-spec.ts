import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { firstOf } from '../../test/support/lengths.js';
import { AppProcess, START_TIMEOUT } from './support/app-process.js';

const MARK = '@@ expected';

/** The `sh` blocks of the README as one script; what a `# -> …` line promises comes out after a mark. */
function scriptOf(markdown: string): { script: string; promises: string[] } {
  const blocks = [...markdown.matchAll(/^```sh\n(.*?)^```$/gms)].map((match) => match[1]!);
  const promises: string[] = [];
  const lines = blocks.join('\n').split('\n');
  const script = lines.map((line) => {
    if (!line.startsWith('# -> ')) return line;
    promises.push(line.slice('# -> '.length));
    return `echo '${MARK}'`;
  });
  return { script: script.join('\n'), promises };
}

describe.each(firstOf(['express', 'fastify'], 1))('the walk of the README on %s', (adapter) => {
  let app: AppProcess;
  const { script, promises } = scriptOf(readFileSync(resolve(import.meta.dirname, '../README.md'), 'utf8'));

  beforeAll(async () => {
    app = await AppProcess.start({ HTTP_ADAPTER: adapter });
  }, START_TIMEOUT);
  afterAll(() => app.stop());

  it.each(['first', 'second'])('prints what it promises, the %s time', () => {
    const printed = execFileSync('bash', ['-euo', 'pipefail', '-c', script], {
      env: { ...process.env, BASE: app.url },
      encoding: 'utf8',
    });
    const answers = printed.split(MARK).map((answer) => answer.trim());
    expect(answers.slice(0, -1)).toEqual(promises);
    expect(promises.length).toBeGreaterThan(15);
  });
});
