import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { root } from './pages';

const ENTRY_POINTS = [
  'index.ts',
  'typeorm/index.ts',
  'typeorm/migrations/index.ts',
  'verifier/index.ts',
  'testing/index.ts',
  'client/index.mts',
  'pages/index.ts',
  'swagger/index.ts',
  'websockets/index.ts',
  'graphql/index.ts',
  'microservices/index.ts',
  'opentelemetry/index.ts',
  'terminus/index.ts',
];
/** Methods that an application calls; the others are shown on the pages. */
const METHODS: Record<string, string[]> = {
  JwtKnoxModule: ['forRoot', 'forRootAsync'],
  TokenService: ['issue', 'arrival', 'authenticate', 'revokeAll', 'changeCredentials', 'introspect'],
  JwtKnoxEvents: ['on'],
};

const files = ENTRY_POINTS.map((name) => join(root, `lib/${name}`));
const program = ts.createProgram(files, {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  skipLibCheck: true,
  noLib: true,
});
const checker = program.getTypeChecker();

const originOf = (symbol: ts.Symbol) =>
  symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;

/** Every exported value, by name: types have no example of their own. */
const values = new Map(
  files.flatMap((file) =>
    checker
      .getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(file)!)!)
      .map((symbol) => [symbol.name, originOf(symbol)] as const)
      .filter(([, { flags }]) => flags & ts.SymbolFlags.Value),
  ),
);

/** Errors that only the library throws are shown by their base, and migrations by the list of them. */
function isShownByAnother(name: string, symbol: ts.Symbol): boolean {
  const isLibraryError = name.endsWith('Error') && symbol.valueDeclaration?.getSourceFile().fileName.includes('error');
  const shown = ['JwtKnoxError', 'TooBusyError', 'JwtKnoxConfigurationError'];
  return (isLibraryError && !shown.includes(name)) || /\d{13}$/.test(name);
}

const tagsOf = (symbol: ts.Symbol) => symbol.getJsDocTags(checker);
const hasExample = (symbol: ts.Symbol | undefined) =>
  !!symbol && tagsOf(symbol).some(({ name, text }) => name === 'example' && /\w/.test(ts.displayPartsToString(text)));

/** A static or an instance method. */
function methodOf(type: string, method: string): ts.Symbol | undefined {
  const symbol = values.get(type)!;
  return (
    symbol.exports?.get(ts.escapeLeadingUnderscores(method)) ?? symbol.members?.get(ts.escapeLeadingUnderscores(method))
  );
}

describe('the doc comments of what an application imports', () => {
  it('have an example', () => {
    expect(values.size).toBeGreaterThan(40);
    const without = [...values].filter(([name, symbol]) => !isShownByAnother(name, symbol) && !hasExample(symbol));
    expect(without.map(([name]) => name)).toEqual([]);
  });

  it('have one on the methods that it calls', () => {
    const methods = Object.entries(METHODS).flatMap(([type, names]) => names.map((name) => [type, name] as const));
    expect(methods.filter(([type, name]) => !hasExample(methodOf(type, name)))).toEqual([]);
  });

  it('are read whole: no decorator in an example begins a tag', () => {
    const torn = [...values].flatMap(([name, symbol]) =>
      tagsOf(symbol)
        .filter((tag) => /^[A-Z]/.test(tag.name))
        .map((tag) => `${name}: @${tag.name}`),
    );
    expect(torn).toEqual([]);
  });
});
