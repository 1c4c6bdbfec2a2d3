import { forge, rightful } from '../forge';
import { add } from './corpus';

// Spelling.
const respell = (token: string, index: number, change: (part: string) => string) =>
  token
    .split('.')
    .map((part, i) => (i === index ? change(part) : part))
    .join('.');
const padded = (part: string) => part + '='.repeat((4 - (part.length % 4)) % 4 || 4);
/** Another last character with the same meaning: the unused bits set. */
function nonCanonical(part: string): string {
  const bytes = Buffer.from(part, 'base64url');
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const twin = [...alphabet]
    .map((last) => part.slice(0, -1) + last)
    .find((other) => other !== part && Buffer.from(other, 'base64url').equals(bytes));
  if (twin === undefined) throw new Error('This part has no unused bits.');
  return twin;
}
// RS256's signature is 256 bytes long, which leaves four bits of its last character unused.
add('malformed', 'a signature in non-canonical base64url', ({ access }) => respell(access, 2, nonCanonical));
// Two bytes more than a multiple of three leave two bits unused.
const spacedHeader = '{"alg":"RS256","kid":"rsa","typ":"at+jwt"}  ';
add('malformed', 'a header in non-canonical base64url', ({ access }) =>
  respell(forge(access, rightful.rsa, { headerText: spacedHeader }), 0, nonCanonical),
);
for (const [index, name] of ['header', 'payload', 'signature'].entries()) {
  add('malformed', `a ${name} with padding`, ({ access }) => respell(access, index, padded));
  add('malformed', `a ${name} with a space in it`, ({ access }) =>
    respell(access, index, (part) => `${part.slice(0, 8)} ${part.slice(8)}`),
  );
  add('malformed', `a ${name} with a tab in it`, ({ access }) =>
    respell(access, index, (part) => `${part.slice(0, 8)}\t${part.slice(8)}`),
  );
  add('malformed', `a ${name} with a character of plain base64`, ({ access }) =>
    respell(access, index, (part) => `+${part.slice(1)}`),
  );
  add('malformed', `a ${name} with a character more than base64url can have`, ({ access }) =>
    respell(access, index, (part) => part.slice(0, part.length - (part.length % 4)) + 'A'),
  );
  add('malformed', `an empty ${name}`, ({ access }) => respell(access, index, () => ''));
}
add('malformed', 'a space and a tab before the token', ({ access }) => ` \t${access}`);
add('malformed', 'a tab before the token', ({ access }) => `\t${access}`);
add('malformed', 'a word after the token', ({ access }) => `${access} junk`);
add('malformed', 'two tokens', ({ access }) => `${access},${access}`);
add('malformed', 'a token in quotes', ({ access }) => `"${access}"`);
add('malformed', 'one part', ({ access }) => access.split('.')[1]!);
add('malformed', 'two parts', ({ access }) => access.split('.').slice(1).join('.'));
add('malformed', 'four parts', ({ access }) => `${access}.AAAA`);
add('malformed', 'five parts, as an encrypted token has', ({ access }) => `${access}.AAAA.AAAA`);
add('malformed', 'a dot before the token', ({ access }) => `.${access}`);
add('malformed', 'a dot after the token', ({ access }) => `${access}.`);
for (const text of ['.', '..', '...', 'a', 'null', 'undefined', '[object Object]', '%00', '{}', "' OR 1=1 --"]) {
  add('malformed', `the word ${text}`, () => text);
}
add('malformed', 'a rightly signed token of 5 KB', ({ access }) =>
  forge(access, rightful.rsa, { payload: { padding: 'x'.repeat(3_000) } }),
);
add('malformed', 'five thousand dots', () => '.'.repeat(5_000));
add('malformed', 'a token in the JSON serialization', ({ access }) => {
  const [header, payload, signature] = access.split('.');
  return JSON.stringify({ protected: header, payload, signature });
});
