import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidRequestError } from '../../../lib';
import { CookieJar } from '../../../lib/guard/cookie-jar';
import { often } from '../../support/lengths';

const NAME = '__Host-knox-access';
const jarNamed = (access?: string) =>
  new CookieJar({
    names: access === undefined ? {} : { access },
    secure: true,
    sameSite: 'lax',
    partitioned: false,
    path: '/',
  });
const jar = jarNamed();
const read = (cookie: unknown, from = jar) => from.read({ headers: { cookie } }, 'access');

/** The whole header taken apart (RFC 6265 section 5.4, and 5.2 for blanks): slow, and easy to see through. */
function valuesIn(header: string, name: string): string[] {
  const trimmed = (text: string) => text.replace(/^[ \t]+/, '').replace(/[ \t]+$/, '');
  return header.split(';').flatMap((pair) => {
    const [found, ...value] = pair.split('=');
    return value.length > 0 && trimmed(found!) === name ? [trimmed(value.join('='))] : [];
  });
}

/** What a jar makes of a header: one value, none, or a refusal. */
function verdictOf(cookie: string, from: CookieJar): string | null | 'refused' {
  try {
    return read(cookie, from);
  } catch (error) {
    if (error instanceof InvalidRequestError) return 'refused';
    throw error;
  }
}

describe('the access cookie in a header', () => {
  it.each([
    ['alone', `${NAME}=v`, 'v'],
    ['among others', `a=1; ${NAME}=v; b=2`, 'v'],
    ['last, behind a semicolon without a space', `a=1;${NAME}=v`, 'v'],
    ['with blanks around name and value', ` \t${NAME}\t = \t v \t; a=1`, 'v'],
    ['with an equals sign in its value', `${NAME}=v=w==`, 'v=w=='],
    ['in quotes, which are part of the value', `${NAME}="v"`, '"v"'],
    ['empty', `${NAME}=; a=1`, ''],
    ['of nothing but blanks', `${NAME}= \t `, ''],
    ['with a percent sign, which nobody decodes', `${NAME}=%zz%41`, '%zz%41'],
    ['behind what is no pair', `;;=;==; a ;${NAME}=v`, 'v'],
    ['behind 8 KB of other cookies', `${'other=12345678;'.repeat(600)} ${NAME}=v`, 'v'],
    ['behind 8 KB of its own name', `${NAME};`.repeat(450) + `${NAME}=v`, 'v'],
    ['behind the names that objects have', `__proto__=x; constructor=y; toString=z; ${NAME}=v`, 'v'],
  ])('is found %s', (_title, cookie, value) => {
    expect(read(cookie)).toBe(value);
  });

  it.each([
    ['of another prefix', 'knox-access=v; __Secure-knox-access=v'],
    ['whose name begins with its name', `${NAME}-2=v; ${NAME}x=v; ${NAME}.=v`],
    ['whose name ends with its name', `x${NAME}=v; -${NAME}=v; __Host-${NAME}=v`],
    ['in other letters', NAME.toUpperCase() + '=v'],
    ['with its name in quotes', `"${NAME}"=v`],
    ['with its name in the value', `a=${NAME}=v; b="${NAME}=v"`],
    ['with a comma in front of its name', `a=1,${NAME}=v`],
    ['with another white space than blanks in its name', `\u00a0${NAME}=v; ${NAME}\u00a0=v; \n${NAME}=v; \v${NAME}=v`],
    ['without an equals sign', `${NAME}; ${NAME} v`],
    ['without a name', `=${NAME}; =${NAME}=v`],
    ['with a name of objects', '__proto__=v; constructor=v; hasOwnProperty=v'],
  ])('is not one %s', (_title, cookie) => {
    expect([read(cookie), jar.isIn({ headers: { cookie } })]).toEqual([null, false]);
  });

  it.each([
    ['one after the other', `${NAME}=v; ${NAME}=w`],
    ['that are the same', `${NAME}=v;${NAME}=v`],
    ['of which one is empty', `${NAME}=; ${NAME}=v`],
    ['of which one has blanks in front', `a=1;  \t${NAME} =v; b=2; ${NAME}=v`],
    ['with 8 KB between them', `${NAME}=v; ${'x'.repeat(8_192)}=1; ${NAME}=w`],
  ])('is refused where there are two, %s', (_title, cookie) => {
    expect(() => read(cookie)).toThrow('Two cookies of one name');
  });

  it.each([undefined, '', ['__Host-knox-access=v'], null])('is not in what is no text: %j', (cookie) => {
    expect(read(cookie)).toBeNull();
  });

  it('is the one that a parser of the whole header finds, in whatever header', () => {
    const names = [NAME, 'aa', '__proto__'];
    const pairs = names.flatMap((name) => [name, `${name}=v`, `;${name} = w;`]);
    const piece = fc.constantFrom(...pairs, 'a', ';', '; ', '=', ' ', '\t', '"', ',', '\u00a0', '__Host-', '-');
    const headers = fc.array(piece, { maxLength: 16 }).map((pieces) => pieces.join(''));
    const seen = { one: 0, refused: 0 };
    fc.assert(
      fc.property(fc.constantFrom(...names), headers, (name, header) => {
        const [value, another] = valuesIn(header, name);
        const verdict = verdictOf(header, jarNamed(name));
        expect(verdict).toBe(another !== undefined ? 'refused' : (value ?? null));
        if (verdict === 'refused') seen.refused++;
        else if (verdict !== null) seen.one++;
      }),
      { numRuns: often(3_000, 100_000) },
    );
    // Otherwise it would say no more than that nothing is found in nonsense.
    expect(Math.min(seen.one, seen.refused)).toBeGreaterThan(50);
  });

  it('takes time as long as the header, however hostile that is', () => {
    const parts = [`${NAME} ;`, `${NAME}\t`, ` ${NAME}`, `=${NAME}`, 'a', ' '];
    // A look that began anew at every name, or every blank, would take minutes.
    for (const part of parts) {
      const header = part.repeat(1_048_576 / part.length);
      for (const one of [jar, jarNamed('aaaaaaaa')]) expect(read(header, one)).toBeNull();
    }
  }, 10_000); // prettier-ignore
});

it('the names are made anew for a realm', () => {
  const staff = jarNamed();
  staff.serve('staff');
  expect(staff.names).toEqual({ access: '__Host-knox-staff-access', refresh: '__Host-knox-staff-refresh' });
  expect(read('__Host-knox-access=v; __Host-knox-staff-access=w', staff)).toBe('w');
});
