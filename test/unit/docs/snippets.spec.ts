import { beforeAll, describe, expect, it } from 'vitest';
import { readPages, type Snippet, snippetsOf } from './pages';
import { check, fileOf } from './type-check';

/** What a page would hold whose author had invented a name, and one who had got a type wrong. */
const PLANTED: Snippet[] = [
  "import { JwtKnoxModule, revokeEverything } from 'nestjs-jwt-knox';\nJwtKnoxModule.forRoot({ secret: 'x' });\n",
  "import { JwtKnoxModule } from 'nestjs-jwt-knox';\nJwtKnoxModule.forRoot({ secrets: 'x' });\n",
  "import { FakeClock } from 'nestjs-jwt-knox/testing';\nnew FakeClock().advance(true);\n",
  "import { jwtKnoxMigration } from 'nestjs-jwt-knox/migrations';\nconsole.log(jwtKnoxMigration);\n",
].map((code, index) => ({ page: `planted-${index}.md`, line: 10, file: undefined, preamble: '', code }));

/** Pages that show excerpts of files which a test of their own compiles and runs. */
const RUN_ELSEWHERE = ['docs/07-recipes.md'];

describe('the TypeScript of the documentation', () => {
  const snippets = readPages()
    .filter(({ path }) => !RUN_ELSEWHERE.includes(path))
    .flatMap(snippetsOf);
  let problems: string[] = [];
  beforeAll(() => {
    problems = check([...snippets, ...PLANTED]);
  });

  it('type-checks against the library, block by block', () => {
    expect(problems.filter((problem) => !problem.startsWith('planted-'))).toEqual([]);
  });

  it('has blocks to check on every page that shows code', () => {
    expect(snippets.length).toBeGreaterThan(20);
    expect(new Set(snippets.map(fileOf)).size).toBe(snippets.length);
  });

  it('control: names that do not exist and values of a wrong type are found, at their line', () => {
    const planted = problems.filter((problem) => problem.startsWith('planted-'));
    expect(planted.map((problem) => problem.split(' ')[0])).toEqual([
      'planted-0.md:10',
      'planted-1.md:11',
      'planted-2.md:11',
      'planted-3.md:10',
    ]);
    expect(planted[0]).toContain('revokeEverything');
    expect(planted[3]).toContain('jwtKnoxMigration');
  });
});
