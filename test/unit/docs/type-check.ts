import { join } from 'node:path';
import ts from 'typescript';
import { root, type Snippet } from './pages';

const ENTRY_POINTS = {
  'nestjs-jwt-knox': ['lib/index.ts'],
  'nestjs-jwt-knox/binding': ['lib/binding/index.ts'],
  'nestjs-jwt-knox/cache': ['lib/cache/index.ts'],
  'nestjs-jwt-knox/client': ['lib/client/index.mts'],
  'nestjs-jwt-knox/graphql': ['lib/graphql/index.ts'],
  'nestjs-jwt-knox/microservices': ['lib/microservices/index.ts'],
  'nestjs-jwt-knox/migrations': ['lib/typeorm/migrations/index.ts'],
  'nestjs-jwt-knox/pages': ['lib/pages/index.ts'],
  'nestjs-jwt-knox/swagger': ['lib/swagger/index.ts'],
  'nestjs-jwt-knox/testing': ['lib/testing/index.ts'],
  'nestjs-jwt-knox/typeorm': ['lib/typeorm/index.ts'],
  'nestjs-jwt-knox/verifier': ['lib/verifier/index.ts'],
  'nestjs-jwt-knox/websockets': ['lib/websockets/index.ts'],
};

/** Where a snippet stands for the compiler: beside the other snippets of its page, and nothing else. */
export function fileOf({ page, file, line }: Snippet): string {
  return join(root, '.snippets', page, file ?? `src/line-${line}.ts`);
}

// The export makes a module of it: top-level names of one snippet are not those of another.
const sourceOf = ({ preamble, code }: Snippet) => `${preamble}${code}\nexport {};\n`;

/** Type-checks all snippets in one program, as strictly as the library itself; gives `page:line message` for each. */
export function check(snippets: Snippet[]): string[] {
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
