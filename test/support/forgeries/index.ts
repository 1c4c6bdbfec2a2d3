import './signatures';
import './headers';
import './spelling';
import './payloads';
import { type Forgery, forgeries } from './corpus';

export type { Booty, Forgery } from './corpus';

/** Bad tokens of every known kind, for an application with `configuredKeys`. */
export const FORGERIES: readonly Forgery[] = forgeries;
