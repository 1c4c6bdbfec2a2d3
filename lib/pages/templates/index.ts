import { admin, user } from './admin';
import { devices, list } from './devices';
import { error, reload } from './error';
import { document, head } from './document';
import { login } from './login';
import { programs } from './programs';
import { session } from './session';

/** Templates of eta by name: `<%= … %>` writes text, and `<%~ … %>` HTML that another template made. */
export const TEMPLATES: Readonly<Record<string, string>> = {
  '@document': document,
  '@head': head,
  '@session': session,
  '@login': login,
  '@devices': devices,
  '@list': list,
  '@programs': programs,
  '@admin': admin,
  '@user': user,
  '@error': error,
  '@reload': reload,
};
