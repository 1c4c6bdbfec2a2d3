import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { sourceOf } from './interfaces';
import { root } from './pages';

const LEVELS = ['log', 'warn', 'error', 'debug'];
/** Files whose sentences are problems of the configuration. */
const CHECKS = [
  'load-typeorm.ts',
  'guard/conflicting-modules.ts',
  'guard/end-with-session.ts',
  'guard/singletons.ts',
  'options/bind-storage.ts',
  'options/client-routes.ts',
  'options/extras.ts',
  'options/features.ts',
  'options/option-reader.ts',
  'options/resolve-options.ts',
  'opentelemetry/options.ts',
  'pages/load-peers.ts',
  'pages/pages.options.ts',
  'swagger/mounted-modules.ts',
  'tokens/key-loader.ts',
  'tokens/keyring.ts',
  'tokens/oauth-clients.ts',
  'tokens/rsa-weakness.ts',
  'typeorm/session-look-up.ts',
  'typeorm/setup-problems.ts',
  'typeorm/typeorm-session.repository.ts',
  'typeorm/typeorm.storage.ts',
  'verifier/issuer-address.ts',
  'verifier/load-jose.ts',
  'verifier/resolve-revocations.ts',
  'verifier/resolve-verifier-options.ts',
  'websockets/socket-auth.ts',
  'websockets/socket-io.door.ts',
  'websockets/sockets.ts',
];

/** The text of a literal or a sum of them, with `…` for each value in it; null for other expressions. */
function textOf(node: ts.Node): string | null {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (ts.isTemplateExpression(node)) {
    const text = node.head.text + node.templateSpans.map(({ literal }) => `…${literal.text}`).join('');
    return text.replace(/…{2,}/g, '…'); // values side by side
  }
  if (!ts.isBinaryExpression(node) || node.operatorToken.kind !== ts.SyntaxKind.PlusToken) return null;
  const [left, right] = [textOf(node.left), textOf(node.right)];
  return left === null || right === null ? null : left + right;
}

/** The literals below a node that are not part of a longer one. */
function literalsIn(node: ts.Node): string[] {
  const text = textOf(node);
  if (text !== null) return [text];
  const found: string[] = [];
  ts.forEachChild(node, (child) => void found.push(...literalsIn(child)));
  return found;
}

/** The id of `line('id', …)`; null for anything else. */
function idOf(node: ts.Node | undefined): string | null {
  if (!node || !ts.isCallExpression(node) || node.expression.getText() !== 'line') return null;
  const [id] = node.arguments;
  return id && ts.isStringLiteral(id) ? id.text : null;
}

/** Whose logger is not the library's: TypeORM's own, which applications configure. */
const FOREIGN = ['typeorm/prepared-read.ts'];

/**
 * The calls of loggers: `this.logger.warn(…)`, `logger[level](…)`, `this.log.write('warn', …)`. What each logs is a call of
 * `line`, or what a logger of the library was given as one.
 */
function logCallsIn(node: ts.Node): ts.CallExpression[] {
  const found: ts.CallExpression[] = [];
  if (ts.isCallExpression(node)) {
    const { expression, arguments: given } = node;
    const isByName = ts.isPropertyAccessExpression(expression) && LEVELS.includes(expression.name.text);
    const isByLevel = ts.isElementAccessExpression(expression);
    const isLogger = (isByName || isByLevel) && /logger\b|Logger\b|console$/.test(expression.expression.getText());
    const isWrite =
      ts.isPropertyAccessExpression(expression) &&
      expression.name.text === 'write' &&
      !!given[0] &&
      ts.isStringLiteral(given[0]) &&
      LEVELS.includes(given[0].text);
    if (isLogger || isWrite) found.push(node);
  }
  ts.forEachChild(node, (child) => void found.push(...logCallsIn(child)));
  return found;
}

/** Where something is logged in a source, and the ids; null where there is none. */
export function loggedIn(source: ts.SourceFile): { at: string; id: string | null }[] {
  return logCallsIn(source).map((call) => {
    const isWrite = ts.isPropertyAccessExpression(call.expression) && call.expression.name.text === 'write';
    const { line } = source.getLineAndCharacterOfPosition(call.getStart(source));
    return { at: `${source.fileName}:${line + 1}`, id: idOf(call.arguments[isWrite ? 1 : 0]) };
  });
}

/** What a message says is wrong: all before its remedy. */
export const problemOf = (message: string) => message.split(/; |\. |\.$/)[0]!;

/** Every start-up problem of the library, without its remedy. */
export function startUpProblems(): string[] {
  const literals = CHECKS.flatMap((file) => literalsIn(sourceOf(`lib/${file}`)));
  return [...new Set(literals.filter((text) => /\w .*\w.*(?:\.|[;:] …)$/s.test(text)).map(problemOf))];
}

/** All that the library logs. `throttled-logger.ts` passes lines on, and its parameter takes nothing else. */
export function logCalls(): { at: string; id: string | null }[] {
  const files = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' });
  const own = files.filter(
    (file) => /\.m?ts$/.test(file) && ![...FOREIGN, 'sessions/throttled-logger.ts'].includes(file),
  );
  return own.flatMap((file) => loggedIn(sourceOf(`lib/${file}`)));
}

/** The members of `LogId`. */
export function logIds(): string[] {
  const found: string[] = [];
  sourceOf('lib/contracts/log-line.ts').forEachChild((node) => {
    if (ts.isTypeAliasDeclaration(node) && node.name.text === 'LogId' && ts.isUnionTypeNode(node.type)) {
      for (const { literal } of node.type.types as unknown as { literal: ts.StringLiteral }[]) found.push(literal.text);
    }
  });
  return found;
}
