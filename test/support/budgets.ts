import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';

/** The most that something may have before `docs/15-architecture.md` has to say why. */
export const BUDGETS = {
  core: { files: 70, lines: 5_400 },
  addOn: { files: 10, lines: 900 },
  /** Add-ons that are bigger by their nature. */
  pages: { files: 15, lines: 1_400 },
  cache: { files: 15, lines: 1_400 },
  file: { lines: 250 },
  function: { lines: 40, parameters: 4 },
  constructor: { parameters: 6 },
};

/** Rooms that an entry point of their own opens, or will: not part of the entry `.`, whoever imports them. */
const ADD_ONS = [
  'typeorm', 'verifier', 'cache', 'testing', 'client', 'pages', 'swagger', 'websockets', 'graphql', 'microservices',
  'opentelemetry', 'terminus',
]; // prettier-ignore

interface SourceFile {
  /** Below `lib`, with slashes. */
  name: string;
  text: string;
}

const lineCount = (text: string) => text.trimEnd().split('\n').length;
/** Migrations, and what pages look like and say: content, which no budget makes better. */
const isContent = (name: string) => /\/(?:migrations|templates|texts)\//.test(name);

/** Every source file of a folder, by its name. */
export function readSources(lib: string): Map<string, SourceFile> {
  const names = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter((name) => /\.m?ts$/.test(name));
  const files = names.map((name) => ({
    name: name.replaceAll('\\', '/'),
    text: readFileSync(join(lib, name), 'utf8'),
  }));
  return new Map(files.map((file) => [file.name, file]));
}

/** What `index.ts` reaches, add-ons apart. */
export function reachable(files: Map<string, SourceFile>): SourceFile[] {
  const found = new Set(['index.ts']);
  for (const name of found) {
    const folder = resolve('/', dirname(name));
    for (const { fileName } of ts.preProcessFile(files.get(name)!.text, true, true).importedFiles) {
      if (!fileName.startsWith('.')) continue;
      const target = relative('/', resolve(folder, fileName)).replaceAll('\\', '/');
      const file = [`${target}.ts`, `${target}/index.ts`].find((one) => files.has(one));
      if (file && !ADD_ONS.includes(file.split('/')[0]!)) found.add(file);
    }
  }
  return [...found].map((name) => files.get(name)!);
}

/** How the library's owner names a function: `SessionIssuer.start`, `chooseSlot`. */
function nameOf(node: ts.SignatureDeclaration, source: ts.SourceFile): string {
  if (ts.isConstructorDeclaration(node)) return `${node.parent.name?.text ?? 'class'}.constructor`;
  const own =
    node.name?.getText(source) ?? (ts.isVariableDeclaration(node.parent) ? node.parent.name.getText(source) : '');
  const owner = ts.isClassLike(node.parent) ? `${node.parent.name?.text ?? 'class'}.` : '';
  return `${owner}${own || 'function'}`;
}

/** What one file has too much of, as `file name: measure`. */
export function excessesOf({ name, text }: SourceFile): string[] {
  const excesses = lineCount(text) > BUDGETS.file.lines ? [`${name}: lines`] : [];
  const source = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body) {
      const title = `${name} ${nameOf(node, source)}`;
      if (lineCount(node.getText(source)) > BUDGETS.function.lines) excesses.push(`${title}: lines`);
      const most = ts.isConstructorDeclaration(node) ? BUDGETS.constructor.parameters : BUDGETS.function.parameters;
      if (node.parameters.length > most) excesses.push(`${title}: parameters`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return excesses;
}

/** The size of an entry point: its files and their lines. Migrations, templates and texts do not count. */
export function sizeOf(files: SourceFile[]): { files: number; lines: number } {
  const counted = files.filter(({ name }) => !isContent(name));
  return { files: counted.length, lines: counted.reduce((sum, { text }) => sum + lineCount(text), 0) };
}

/** The size of the entry `.` and of each add-on. */
export function sizes(files: Map<string, SourceFile>): Record<string, { files: number; lines: number }> {
  const all = [...files.values()];
  const addOns = ADD_ONS.map((room) => [room, sizeOf(all.filter(({ name }) => name.startsWith(`${room}/`)))]);
  return { '.': sizeOf(reachable(files)), ...Object.fromEntries(addOns) };
}

/** Everything that goes beyond a budget. */
export function allExcesses(files: Map<string, SourceFile>): string[] {
  const ofEntries = Object.entries(sizes(files)).flatMap(([entry, size]) => {
    const budget =
      entry === '.' ? BUDGETS.core : entry === 'pages' || entry === 'cache' ? BUDGETS[entry] : BUDGETS.addOn;
    return (['files', 'lines'] as const)
      .filter((one) => size[one] > budget[one])
      .map((one) => `entry ${entry}: ${one}`);
  });
  const ofFiles = [...files.values()].filter(({ name }) => !isContent(name)).flatMap(excessesOf);
  return [...ofEntries, ...ofFiles].toSorted();
}
