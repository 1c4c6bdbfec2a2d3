import { describe, expect, it } from 'vitest';
import { readPage, type Snippet } from './pages';
import { check } from './type-check';

/** The block of the page is checked apart from all others: what it declares would count for them too. */
const [, declaration = ''] = /^```typescript\n([\s\S]*?)^```$/m.exec(readPage('docs/01-getting-started.md').text) ?? [];

const USER = 'interface User { id: number; username: string }\n';
const USES = `
import { CurrentSession, CurrentUser, type JwtKnoxRequest, type Session, type TokenSession } from 'nestjs-jwt-knox';

export class Notes {
  list(@CurrentUser() user: User, @CurrentUser('username') username: string, @CurrentSession() session: Session) {}
  greet(@CurrentUser('username') username?: string, @CurrentSession() session?: TokenSession) {}
  wide(@CurrentUser() user: { id: number } | undefined, @CurrentUser() any: any, @CurrentSession() id: unknown) {}
  other(
    @CurrentUser() // wrong 1
    user: { id: string },
    @CurrentUser('username') // wrong 2
    username: number,
    @CurrentUser('password') // wrong 3
    password: unknown,
    @CurrentSession() // wrong 4
    session: { id: number },
  ) {}
  of({ user, knox }: JwtKnoxRequest): string {
    const id: number = user.id;
    const wrong: string = user.id; // wrong 5
    return knox.session.id + id + wrong + String(knox.claims.tenant);
  }
  explicit({ user }: JwtKnoxRequest<{ email: string }>): string {
    return user.email;
  }
}
`;

const snippet = (page: string, code: string): Snippet => ({ page, line: 1, file: undefined, preamble: '', code });
const wrongIn = (code: string) => {
  const lines = code.split('\n');
  return check([snippet('registered.md', code)]).map((problem) => {
    const line = Number(/:(\d+) /.exec(problem)![1]);
    return /\/\/ (wrong \d)/.exec(lines[line - 1] ?? '')?.[1] ?? problem;
  });
};

describe('the types of the decorators', () => {
  it('are those that an application registers', () => {
    expect(declaration).toContain("declare module 'nestjs-jwt-knox'");
    const code = declaration.replace(/^import .*user\.entity.*\n/m, '') + USER + USES;
    expect(wrongIn(code)).toEqual(['wrong 1', 'wrong 2', 'wrong 3', 'wrong 4', 'wrong 5']);
  });

  it('ask nothing of a user that nobody registered', () => {
    expect(wrongIn(USER + USES)).toEqual(['wrong 4']);
  });

  it('let a guard be extended with exported names alone', () => {
    const code = `
import { Injectable } from '@nestjs/common';
import { JwtKnoxGuard, RequestAuthenticator, RequestContextReader } from 'nestjs-jwt-knox';

@Injectable()
export class OwnGuard extends JwtKnoxGuard {
  constructor(reader: RequestContextReader, authenticator: RequestAuthenticator, readonly own: Date) {
    super(reader, authenticator);
  }
}
`;
    expect(wrongIn(code)).toEqual([]);
  });
});
