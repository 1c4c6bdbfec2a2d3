import { describe, expect, it } from 'vitest';
// @ts-expect-error: plain JavaScript, run as it is
import { packageOf, summaryOf } from '../../../bench/profile-summary.mjs';

const frame = (url: string, functionName = 'f') => ({ url, functionName, lineNumber: 0 });

describe('the profiles of the benchmark', () => {
  it.each([
    [frame('node:events'), 'node internals'],
    [frame('file:///x/node_modules/pg/lib/client.js'), 'pg'],
    [frame('file:///x/node_modules/@nestjs/core/router.js'), '@nestjs/core'],
    [frame('/x/node_modules/a/node_modules/@b/c/index.js'), '@b/c'],
    [frame('/x/dist/tokens/token.service.js'), 'nestjs-jwt-knox'],
    [frame('/x/bench/raw-server.mjs'), 'bench'],
    [frame('', 'writev'), 'built-ins and native bindings'],
    [frame('', 'toString'), 'built-ins and native bindings'],
    [frame('', '(garbage collector)'), 'garbage collection'],
  ])('%j belongs to %s', (callFrame, owner) => {
    expect(packageOf(callFrame)).toBe(owner);
  });

  it('share the CPU of a request out by the time of the samples, idle ones left out', () => {
    const nodes = [
      { id: 1, callFrame: frame('', '(idle)') },
      { id: 2, callFrame: frame('/x/node_modules/pg/client.js', 'query') },
      { id: 3, callFrame: frame('/x/dist/http/guard.js', 'canActivate') },
    ];
    const summary = summaryOf({ nodes, samples: [1, 2, 3, 2], timeDeltas: [900, 50, 100, 250] }, 200);
    expect(summary).toContain(
      '| pg | 150.0 | 75.0 % |\n| nestjs-jwt-knox | 50.0 | 25.0 % |\n| all | 200.0 | 100.0 % |',
    );
    expect(summary).toContain('| query · pg client.js:1 | 150.0 | 75.0 % |');
    expect(summary).not.toContain('idle');
  });
});
