import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OAuthClients } from '../../../lib/tokens/oauth-clients';

const SECRET = 'Kq7xPz2mWv9tRb4n';
const HASH = createHash('sha256').update(SECRET).digest('hex');
const load = (clients: unknown) => OAuthClients.load(clients as never);

describe('the clients', () => {
  it('are known by their secrets, given as such or as digests', () => {
    const registry = load([
      { id: 'a', secret: SECRET },
      { id: 'b', secretHash: HASH },
    ]);
    expect(registry.problems).toEqual([]);
    for (const id of ['a', 'b']) {
      expect(registry.has(id, SECRET)).toBe(true);
      for (const wrong of ['', HASH, `${SECRET} `, SECRET.toLowerCase()]) expect(registry.has(id, wrong)).toBe(false);
    }
    for (const id of ['', 'A', 'c', '__proto__', 'constructor']) expect(registry.has(id, SECRET)).toBe(false);
  });

  it('may introspect, unless they are given other rights', () => {
    const registry = load([
      { id: 'a', secret: SECRET },
      { id: 'b', secret: SECRET, may: ['revoke'] },
      { id: 'c', secret: SECRET, may: ['introspect', 'introspect_refresh', 'revoke'] },
    ]);
    const RIGHTS = ['introspect', 'introspect_refresh', 'revoke'] as const;
    const rightsOf = (id: string) => RIGHTS.filter((right) => registry.may(id, right));
    expect(['a', 'b', 'c'].map(rightsOf)).toEqual([['introspect'], ['revoke'], RIGHTS]);
    for (const id of ['', 'd', '__proto__', 'constructor']) {
      expect([rightsOf(id), registry.knows(id)]).toEqual([[], false]);
    }
    expect(registry.problems).toEqual([]);
  });

  it('keep their rights, whatever becomes of the list that was given', () => {
    const may = ['introspect'];
    const registry = load([{ id: 'a', secret: SECRET, may }]);
    may.push('revoke');
    expect(registry.may('a', 'revoke')).toBe(false);
  });

  it('are nobody when there are none', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (id, secret) => !load(undefined).has(id, secret)));
  });

  it('are nobody when their secret was refused', () => {
    const registry = load([{ id: 'a', secret: 'short' }, { id: 'b' }, { id: 'c', secretHash: HASH.toUpperCase() }]);
    for (const [id, secret] of [['a', 'short'], ['b', ''], ['b', 'undefined'], ['c', SECRET]] as const) {
      expect(registry.has(id, secret)).toBe(false);
    } // prettier-ignore
    expect(registry.problems).toHaveLength(3);
  });

  it('S11: show neither secrets nor digests', () => {
    const registry = load([{ id: 'a', secret: SECRET }]);
    const shown = inspect(registry, { depth: 9, showHidden: true }) + JSON.stringify(registry);
    for (const text of [SECRET, HASH, HASH.slice(0, 8)]) expect(shown).not.toContain(text);
  });
});
