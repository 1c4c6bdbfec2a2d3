import { join } from 'node:path';
import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';
import { readPages, root, type Snippet, snippetsOf } from './pages';

/** What a page would hold whose author had invented a name, and one who had got a type wrong. */
const PLANTED: Snippet[] = [
  "import { JwtKnoxModule, revokeEverything } from 'nestjs-jwt-knox';\nJwtKnoxModule.forRoot({ secret: 'x' });\n",
  "import { JwtKnoxModule } from 'nestjs-jwt-knox';\nJwtKnoxModule.forRoot({ secrets: 'x' });\n",
  "import { FakeClock } from 'nestjs-jwt-knox/testing';\nnew FakeClock().advance(true);\n",
  "import { jwtKnoxMigration } from 'nestjs-jwt-knox/migrations';\nconsole.log(jwtKnoxMigration);\n",
].map((code, index) => ({ page: `planted-${index}.md`, line: 10, file: undefined, preamble: '', code }));

/** Pages that show excerpts of files which a test of their own compiles and runs. */
const RUN_ELSEWHERE = ['docs/recipes.md'];

const ENTRY_POINTS = {
  'nestjs-jwt-knox': ['lib/index.ts'],
  'nestjs-jwt-knox/migrations': ['lib/typeorm/migrations/index.ts'],
  'nestjs-jwt-knox/testing': ['lib/testing/index.ts'],
  'nestjs-jwt-knox/typeorm': ['lib/typeorm/index.ts'],
  'nestjs-jwt-knox/verifier': ['lib/verifier/index.ts'],
};

/** Where a snippet stands for the compiler: beside the other snippets of its page, and nothing else. */
function fileOf({ page, file, line }: Snippet): string {
  return join(root, '.snippets', page, file ?? `src/line-${line}.ts`);
}

// The export makes a module of it: top-level names of one snippet are not those of another.
const sourceOf = ({ preamble, code }: Snippet) => `${preamble}${code}\nexport {};\n`;

/** Type-checks all snippets in one program, as strictly as the library itself; gives `page:line message` for each. */
function check(snippets: Snippet[]): string[] {
  const sources = new Map(snippets.map((snippet) => [fileOf(snippet), snippet]));
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path)).config,
    ts.sys,
    root,
  );
  const compilerOptions: ts.CompilerOptions = {
    ...options,
    paths: Object.fromEntries(Object.entries(ENTRY_POINTS).map(([name, [path]]) => [name, [join(root, path!)]])),
    // A snippet shows what it is about, not all that it declares.
    noUnusedLocals: false,
    noUnusedParameters: false,
  };
  const host = ts.createCompilerHost(compilerOptions);
  const { fileExists, readFile, directoryExists } = host;
  host.fileExists = (path) => sources.has(path) || fileExists(path);
  host.directoryExists = (path) => path.startsWith(join(root, '.snippets')) || directoryExists!(path);
  host.readFile = (path) => (sources.has(path) ? sourceOf(sources.get(path)!) : readFile(path));
  const program = ts.createProgram({ rootNames: [...sources.keys()], options: compilerOptions, host });
  return [...sources].flatMap(([path, snippet]) => {
    const file = program.getSourceFile(path)!;
    const problems = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
    return problems.map((problem) => {
      const { line } = file.getLineAndCharacterOfPosition(problem.start ?? 0);
      const hidden = snippet.preamble.split('\n').length - 1;
      return `${snippet.page}:${snippet.line + line - hidden} ${ts.flattenDiagnosticMessageText(problem.messageText, ' ')}`;
    });
  });
}

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
