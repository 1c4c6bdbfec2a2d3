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

/** The arguments of calls of a logger: `this.logger.warn(…)`, `this.log.write('warn', …)`. */
function logLinesIn(node: ts.Node): string[] {
  const found: string[] = [];
  if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
    const { name, expression } = node.expression;
    const [first, second] = node.arguments;
    const isWrite = name.text === 'write' && !!first && ts.isStringLiteral(first) && LEVELS.includes(first.text);
    const isLog = LEVELS.includes(name.text) && /logger|Logger/.test(expression.getText());
    const text = textOf((isWrite ? second : isLog ? first : undefined) ?? node);
    if (text !== null) found.push(text);
  }
  ts.forEachChild(node, (child) => void found.push(...logLinesIn(child)));
  return found;
}

/** What a message says is wrong: all before its remedy. */
export const problemOf = (message: string) => message.split(/; |\. |\.$/)[0]!;

/** Every start-up problem of the library, without its remedy. */
export function startUpProblems(): string[] {
  const literals = CHECKS.flatMap((file) => literalsIn(sourceOf(`lib/${file}`)));
  return [...new Set(literals.filter((text) => /\w .*\w.*(?:\.|[;:] …)$/s.test(text)).map(problemOf))];
}

/** Every line that the library logs, without its remedy. */
export function logLines(): string[] {
  const files = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' });
  const sources = files.filter((file) => /\.m?ts$/.test(file)).map((file) => sourceOf(`lib/${file}`));
  return [...new Set(sources.flatMap(logLinesIn).map(problemOf))];
}
