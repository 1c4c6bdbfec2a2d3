import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { entryPoints, surfaces } from '../../support/surface';

const fileOf = (entry: string) => `${entry === '.' ? 'index' : entry.slice(2).replaceAll('/', '-')}.txt`;
const entries = entryPoints('.').map(([entry]) => entry);

describe('what the package exports, with every signature', () => {
  it(
    'is as it was reviewed; `npx vitest run test/unit/surface -u` writes a change of it down',
    { timeout: 120_000 },
    async () => {
      const found = surfaces('.');
      expect([...found.keys()]).toEqual(entries);
      for (const [entry, text] of found) {
        expect(text).not.toMatch(/^\/\/ \w+\n(?:\n|$)/m);
        await expect(text).toMatchFileSnapshot(`./${fileOf(entry)}`);
      }
    },
  );

  it('is written down for every entry point, and for no other', () => {
    const files = readdirSync('test/unit/surface').filter((name) => name.endsWith('.txt'));
    expect(files.toSorted()).toEqual(entries.map(fileOf).toSorted());
  });
});
