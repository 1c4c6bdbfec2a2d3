import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { root } from './pages';

/** A member of an interface, with the `@default` of its doc comment. */
export interface Member {
  name: string;
  fallback: string | undefined;
}

export function sourceOf(file: string): ts.SourceFile {
  return ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.ESNext, true);
}

/** The members of the interfaces of a file, under the prefix that each interface is given: `accessToken.ttl`. */
export function membersOf(file: string, interfaces: Record<string, string>): Member[] {
  return sourceOf(file)
    .statements.filter(ts.isInterfaceDeclaration)
    .flatMap((one) => {
      const prefix = interfaces[one.name.text];
      if (prefix === undefined) return [];
      return one.members.map((member) => ({
        name: prefix + member.name!.getText(),
        fallback: ts
          .getJSDocTags(member)
          .filter((tag) => tag.tagName.text === 'default')
          .map((tag) => String(tag.comment))[0],
      }));
    });
}

/** The options and extras of a verifier, by the interfaces that hold them. */
export const VERIFIER_OPTIONS = {
  CommonVerifierOptions: '',
  JwksOptions: 'jwks.',
  IntrospectionOptions: 'introspection.',
  StorageVerifierOptions: '',
  JwtKnoxVerifierExtras: '',
};

/** The options of the main module, by the interfaces that hold them. */
const OPTIONS = {
  JwtKnoxOptions: '',
  AccessTokenOptions: 'accessToken.',
  RefreshTokenOptions: 'refreshToken.',
  SessionOptions: 'session.',
  JwtKnoxExtras: '',
  JwtKnoxRoutes: 'routes.',
};

/** The options and extras of the main module. */
export function optionMembers(): Member[] {
  return ['options', 'route-options'].flatMap((file) => membersOf(`lib/options/${file}.ts`, OPTIONS));
}
