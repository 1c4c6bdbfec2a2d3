import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';

/** The source file of each entry point that has types, by its path in `exports`. */
export function entryPoints(root: string): [string, string][] {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { types: string }>;
  };
  return Object.entries(exports).flatMap(([entry, target]) =>
    typeof target === 'string'
      ? []
      : [[entry, target.types.replace(/^\.\/dist\//, 'lib/').replace(/\.d(\.m?ts)$/, '$1')] as [string, string]],
  );
}

/** The declarations that a build emits, by the path of their source file. */
function emitDeclarations(root: string, entries: string[]) {
  const config = ts.getParsedCommandLineOfConfigFile(join(root, 'tsconfig.build.json'), undefined, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
      throw new Error(String(messageText));
    },
  })!;
  const program = ts.createProgram(entries, { ...config.options, incremental: false });
  const declarations = new Map<string, ts.SourceFile>();
  program.emit(undefined, (path, text, _mark, _error, sources) => {
    const source = sources?.[0]?.fileName;
    if (source) declarations.set(source, ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true));
  }, undefined, true); // prettier-ignore
  return { checker: program.getTypeChecker(), program, declarations };
}

const isPrivate = (node: ts.Node) =>
  ts.canHaveModifiers(node) && !!ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword);

/** A declaration without its comments and private members, as somebody sees it who uses the package. */
function print(node: ts.Node, file: ts.SourceFile): string {
  const shown = ts.isClassDeclaration(node)
    ? ts.factory.updateClassDeclaration(
        node,
        node.modifiers,
        node.name,
        node.typeParameters,
        node.heritageClauses,
        node.members.filter((member) => !isPrivate(member)),
      )
    : node;
  return ts.createPrinter({ removeComments: true }).printNode(ts.EmitHint.Unspecified, shown, file);
}

/** The statements of a declaration file that declare a name: overloads, or a type and a value. */
const declaring = (file: ts.SourceFile, name: string) =>
  file.statements.filter((statement) =>
    ts.isVariableStatement(statement)
      ? statement.declarationList.declarations.some((one) => one.name.getText(file) === name)
      : 'name' in statement && (statement as ts.DeclarationStatement).name?.getText(file) === name,
  );

/** Every name that each entry point exports, with its declaration, in the order of the alphabet. */
export function surfaces(root: string): Map<string, string> {
  const entries = entryPoints(root).map(([entry, file]) => [entry, resolve(root, file)] as const);
  const { checker, program, declarations } = emitDeclarations(
    root,
    entries.map(([, file]) => file),
  );
  const describe = (symbol: ts.Symbol): string => {
    const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    const files = new Set(target.declarations?.map((one) => one.getSourceFile().fileName));
    const texts = [...files].flatMap((file) => {
      const emitted = declarations.get(file);
      return emitted ? declaring(emitted, target.name).map((one) => print(one, emitted)) : [];
    });
    return `// ${symbol.name}\n${texts.join('\n')}`;
  };
  return new Map(
    entries.map(([entry, file]) => {
      const symbols = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(file)!)!);
      const sorted = symbols.toSorted((a, b) => (a.name < b.name ? -1 : 1));
      return [entry, `${sorted.map(describe).join('\n\n')}\n`];
    }),
  );
}
