import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { membersOf, optionMembers, VERIFIER_OPTIONS } from './interfaces';
import { brokenLinksOf, type Page, readPage, readPages, root, tableRowsOf } from './pages';

const pages = readPages();
const page = (path: string): Page => pages.find((one) => one.path === path)!;
/** The pages beside their code too: their links break as easily. */
const linked = [...pages, ...['sample-app/README.md', 'bench/README.md'].map(readPage)];

/** The names that a quoted union or the keys of an interface give. */
const quoted = (file: string, start: RegExp): string[] => {
  const text = readFileSync(join(root, file), 'utf8')
    .split(start)[1]!
    .split(/;\n\n|\n}\n/)[0]!;
  return [...text.matchAll(/^ {2}(?:\| )?'([\w.-]+)'/gm)].map(([, name]) => name!);
};

const firstCells = (path: string) => tableRowsOf(page(path)).map(([first]) => first!);

describe('the pages of the documentation', () => {
  it.each(linked.map((one) => [one.path, one] as const))('%s: every link leads somewhere', (_path, one) => {
    expect(brokenLinksOf(one)).toEqual([]);
  });

  it('control: links without a definition, or to nothing, are found', () => {
    const text = `# A page

[a](03-options.md#durations), [b](#a-page), [c][there]

[there]: 13-security.md

[d](gone.md), [e](#gone), [f][gone], [g][one], [h][two]

[one]: 03-options.md [two]: 13-security.md
`;
    const broken = [
      '[one]: 03-options.md [two]: 13-security.md',
      '](gone.md)',
      '](#gone)',
      '][gone]',
      '][one]',
      '][two]',
    ];
    expect(brokenLinksOf({ path: 'docs/planted.md', text })).toEqual(broken);
  });

  it.each(pages.map((one) => [one.path, one] as const))('%s: no line is longer than 120 columns', (_path, one) => {
    const long = one.text.split('\n').flatMap((line, index) => (line.length > 120 ? [index + 1] : []));
    expect(long).toEqual([]);
  });

  it('tell of every option and extra, with its default', () => {
    const members = optionMembers().filter(({ name }) => name !== 'accessToken' && name !== 'session');
    expect(members.length).toBeGreaterThan(30);
    const rows = tableRowsOf(page('docs/03-options.md'));
    const untold = members.filter(({ name, fallback }) => {
      const row = rows.find(([first]) => first === `\`${name}\``);
      return !row || (fallback !== undefined && row[1] !== `\`${fallback}\``);
    });
    expect(untold).toEqual([]);
  });

  it('tell of every option and extra of a verifier, with its default', () => {
    const file = 'lib/verifier/verifier.options.ts';
    const members = membersOf(file, VERIFIER_OPTIONS);
    expect(members.length).toBeGreaterThan(20);
    const rows = tableRowsOf(page('docs/11-verifier.md'));
    const untold = members.filter(({ name, fallback }) => {
      const row = rows.find(([first]) => first!.split(', ').includes(`\`${name}\``));
      return (
        !row ||
        (fallback !== undefined && ![row[1]!, row[2]!].some((cell) => cell.startsWith(`\`${fallback.split(' ')[0]}\``)))
      );
    });
    expect(untold).toEqual([]);
  });

  it('tell of every option of the storage with TypeORM, with its default', () => {
    const members = membersOf('lib/typeorm/typeorm.storage.ts', { TypeOrmStorageOptions: '' });
    expect(members.length).toBeGreaterThan(3);
    const rows = tableRowsOf(page('docs/03-options.md'));
    const isTold = ({ name, fallback }: (typeof members)[number]) =>
      rows.some(([first, preset]) => first === `\`${name}\`` && (!fallback || preset === `\`${fallback}\``));
    expect(members.filter((one) => !isTold(one))).toEqual([]);
  });

  it.each(linked.map((one) => [one.path, one] as const))('%s: names no option that there is not', (_path, one) => {
    const names = [
      ...optionMembers().map(({ name }) => name),
      ...quoted('lib/contracts/events.ts', /export interface JwtKnoxEventMap \{/),
    ];
    const told = Array.from(
      one.text.matchAll(/`((?:accessToken|refreshToken|session|routes)\.\w+)`/g),
      ([, name]) => name!,
    );
    expect(told.filter((name) => !names.includes(name))).toEqual([]);
  });

  it('name the collations that the migration gives, and no others', () => {
    const namesIn = (path: string) => {
      const text = readFileSync(join(root, path), 'utf8');
      return new Set(text.match(/\butf8mb4_\w+/g)?.toSorted());
    };
    expect(namesIn('docs/08-storage-and-migrations.md')).toEqual(namesIn('lib/typeorm/dialect.ts'));
  });

  it('tell of every variable that the sample application reads, and of no other', () => {
    const source = ['config/app-config.ts', 'config/nats-url.ts', 'config/session-cache.ts', 'orders/orders-config.ts']
      .map((name) => readFileSync(join(root, 'sample-app/src', name), 'utf8'))
      .join();
    const read = Array.from(source.matchAll(/\bread\.\w+\('([A-Z_]+)'/g), ([, name]) => name!);
    expect(read.length).toBeGreaterThan(20);
    const told = tableRowsOf(readPage('sample-app/README.md')).map(([first]) => /^`([A-Z_]+)`$/.exec(first!)?.[1]);
    expect(new Set(told.filter(Boolean).toSorted())).toEqual(new Set(read.toSorted()));
  });

  it('name every peer dependency', () => {
    const { peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const told = firstCells('README.md').join(' ');
    expect(Object.keys(peerDependencies).filter((name) => !told.includes(`\`${name}\``))).toEqual([]);
  });

  it('tell of every event and every reason', () => {
    const told = firstCells('docs/06-events.md').join(' ');
    const names = quoted('lib/contracts/events.ts', /export interface JwtKnoxEventMap \{/);
    const reasons = [
      ...quoted('lib/contracts/events.ts', /export type RevocationReason =/),
      ...quoted('lib/contracts/errors.ts', /export type RejectionReason =/),
    ];
    expect([names.length, reasons.length].every((length) => length > 7)).toBe(true);
    expect([...names, ...reasons].filter((name) => !told.includes(`\`${name}\``))).toEqual([]);
  });

  it('tell of every error code', () => {
    const codes = quoted('lib/contracts/errors.ts', /export type JwtKnoxErrorCode =/);
    expect(codes.length).toBeGreaterThan(8);
    const told = firstCells('docs/04-http-api.md');
    expect(codes.filter((code) => !told.includes(`\`${code}\``))).toEqual([]);
  });

  it('tell of every method of the user provider and of the session repository', () => {
    const told = [...firstCells('docs/01-getting-started.md'), ...firstCells('docs/08-storage-and-migrations.md')];
    const methods = ['lib/contracts/user-provider.ts', 'lib/contracts/session.repository.ts'].flatMap((file) =>
      [...readFileSync(join(root, file), 'utf8').matchAll(/^ {2}(?:abstract )?(\w+)\(/gm)].map(([, name]) => name!),
    );
    expect(methods.length).toBeGreaterThan(18);
    expect(methods.filter((name) => !told.some((cell) => cell.startsWith(`\`${name}(`)))).toEqual([]);
  });

  it('name for every requirement of the ASVS only proofs that there are', () => {
    const rows = tableRowsOf(page('docs/13-security.md')).filter(([first]) => /^V\d/.test(first!));
    expect(rows.length).toBeGreaterThan(30);
    const isThere = (proof: string) =>
      [`test/${proof}.spec.ts`, `test/e2e/${proof}.e2e-spec.ts`, `reliability/${proof}.mjs`].some((path) =>
        existsSync(join(root, path)),
      );
    const missing = rows.filter(
      ([, , proofs]) => !proofs!.split(', ').every((one) => isThere(one.replaceAll('`', ''))),
    );
    expect(missing).toEqual([]);
  });

  it('name for every security rule only tests that there are, and that carry its name', () => {
    const rules = [
      ...page('docs/13-security.md').text.matchAll(/^\*\*(S\d+) —(?:(?!\n\n)[\s\S])*?Proof:\s([\s\S]*?)\.\n(?:\n|$)/gm),
    ];
    expect(rules.map(([, name]) => name)).toEqual(Array.from({ length: 12 }, (_, index) => `S${index + 1}`));
    for (const [, name, proof] of rules) {
      const files = [...proof!.matchAll(/`([^`]+)`/g)].map(([, file]) => file!);
      expect(files.length).toBeGreaterThan(0);
      const wrong = files.filter((file) => {
        const text = existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : '';
        return !new RegExp(`\\b${name}\\b`).test(text);
      });
      expect([name, wrong]).toEqual([name, []]);
    }
  });
});
