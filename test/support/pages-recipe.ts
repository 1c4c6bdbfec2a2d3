// The code of docs/18-pages.md. A test runs it, and holds the page to it.
import { pages, type PageFrame } from '../../lib/pages';

/** Example: theme, layout and texts */
const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** `/theme.css` is yours, and comes after the style sheet of the pages: `:root { --knox-accent: #7a1fa2 }`. */
function layout({ language, head, body, user }: PageFrame): string {
  const name = user ? `<p>${escapeHtml(user.username)}</p>` : '';
  return `<!doctype html>
<html lang="${language}">
<head>${head}<link rel="stylesheet" href="/theme.css"></head>
<body><header><a href="/">Example Shop</a>${name}</header><main>${body}</main></body>
</html>`;
}

export const shopPages = pages({
  layout,
  texts: {
    en: { 'login.title': 'Welcome back', 'login.username': 'Email address' },
    de: { 'login.title': 'Willkommen zurück', 'login.username': 'E-Mail-Adresse' },
  },
  notices: (user) => (user.passwordIsOld ? ['Your password is older than a year.'] : []),
});
/** End of example */
