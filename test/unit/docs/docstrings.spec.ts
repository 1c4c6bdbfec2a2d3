import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { type Member, membersOf, optionMembers, sourceOf, VERIFIER_OPTIONS } from './interfaces';

/** Where the argument that is the default stands, by the method of the OptionReader. */
const FALLBACK_AT: Record<string, number> = { duration: 2, timeout: 2, choice: 3 };

/** What a file falls back to, by the name of the option: `read.duration('cacheTtl', …, '0s')`, `{ prefix = 'auth' }`. */
function fallbacksIn(file: string, prefix = ''): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const [name, fallback] = [node.arguments[0], node.arguments[FALLBACK_AT[node.expression.name.text] ?? Infinity]];
      if (name && fallback && ts.isStringLiteral(name)) found.set(name.text, valuesOf(fallback));
    }
    if (ts.isBindingElement(node) && node.initializer)
      found.set(prefix + node.name.getText(), valuesOf(node.initializer));
    ts.forEachChild(node, visit);
  };
  visit(sourceOf(file));
  return found;
}

function valuesOf(node: ts.Expression): string[] {
  if (ts.isConditionalExpression(node)) return [...valuesOf(node.whenTrue), ...valuesOf(node.whenFalse)];
  return [ts.isNumericLiteral(node) ? String(Number(node.text)) : node.getText()];
}

/** The members whose `@default` is not what the code falls back to. */
function wrongDefaults(members: Member[], fallbacks: Map<string, string[]>): string[] {
  return members
    .filter(({ name, fallback }) => fallback !== undefined && fallbacks.get(name)?.includes(fallback) === false)
    .map(({ name }) => name);
}

describe('the doc comments', () => {
  const fallbacks = new Map([
    ...['options', 'lifetimes', 'programs'].flatMap((name) => [...fallbacksIn(`lib/options/resolve-${name}.ts`)]),
    ...fallbacksIn('lib/options/extras.ts', 'routes.'),
  ]);
  const ofVerifier = fallbacksIn('lib/verifier/resolve-verifier-options.ts');

  it('give the defaults that the options have', () => {
    const members = optionMembers();
    expect(members.filter(({ name }) => fallbacks.has(name)).length).toBeGreaterThan(14);
    expect(wrongDefaults(members, fallbacks)).toEqual([]);
  });

  it('give the defaults that the options of a verifier have', () => {
    const members = membersOf('lib/verifier/verifier.options.ts', VERIFIER_OPTIONS);
    expect(members.filter(({ name }) => ofVerifier.has(name)).length).toBeGreaterThan(8);
    expect(wrongDefaults(members, ofVerifier)).toEqual([]);
  });

  it('control: a default of another spelling is found', () => {
    expect(wrongDefaults([{ name: 'introspection.cacheTtl', fallback: '0' }], ofVerifier)).toEqual([
      'introspection.cacheTtl',
    ]);
  });

  it('of what a token says name no member that there is not', () => {
    const [claims] = sourceOf('lib/tokens/token-claims.ts').statements.filter(
      (one) => ts.isInterfaceDeclaration(one) && one.name.text === 'TokenClaims',
    ) as ts.InterfaceDeclaration[];
    const members = claims!.members.map((member) => member.name!.getText());
    const [comment] = ts.getJSDocCommentsAndTags(claims!);
    const named = Array.from(comment!.getText().matchAll(/`(\w+)`/g), ([, name]) => name!);
    expect(named.filter((name) => !members.includes(name))).toEqual([]);
  });
});
