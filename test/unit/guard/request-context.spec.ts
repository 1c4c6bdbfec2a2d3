import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pathOf } from '../../../lib/guard/request-context';

describe('the path of a request', () => {
  it.each([
    ['/auth/admin/statistics', '/auth/admin/statistics'],
    ['/a?token=secret', '/a'],
    ['/a#secret', '/a'],
    ['/a#?secret', '/a'],
    ['/?secret', '/'],
    ['?secret', '/'],
    ['//host/a', '//host/a'],
    ['http://alice:secret@host/a?secret', '/a'],
    ['HTTPS://host?secret', '/'],
    ['/a?to=http://host/b', '/a'],
    ['/a/http://host/b', '/a/http://host/b'],
    ['/a\u0007b\u202ec', '/abc'],
    [`/${'x'.repeat(9_000)}`, `/${'x'.repeat(511)}`],
  ])('%j is %j', (target, path) => {
    expect(pathOf({ url: target })).toBe(path);
    expect(pathOf({ originalUrl: target, url: '/mounted' })).toBe(path);
  });

  it('never holds what comes after a question mark or a hash', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('?', '#'), fc.string(), (before, mark, after) => {
        const path = pathOf({ url: `${before}${mark}${after}` });
        expect(path).not.toMatch(/[?#]/);
        expect(path.length).toBeLessThanOrEqual(512);
      }),
    );
  });
});
