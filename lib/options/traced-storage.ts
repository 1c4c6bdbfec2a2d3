import { STORAGE } from '../contracts/diagnostics';
import type { SessionRepository } from '../contracts/session.repository';

/** What is told of: every call that reaches the storage for a request. */
export const STORAGE_CALLS = [
  'findById',
  'findByIds',
  'findByUser',
  'insert',
  'findSlots',
  'vacate',
  'reinstate',
  'rotate',
  'prolong',
  'touch',
  'moveAccessKey',
  'bindKey',
  'acceptProof',
  'noteRefusal',
  'forgetRefusal',
  'renewKeys',
  'rename',
  'deleteById',
  'narrow',
  'deleteByUser',
  'deleteSurplus',
  'findCrowded',
  'deleteCreatedBefore',
  'deleteExpired',
  'statistics',
  'readCounter',
  'raiseFence',
  'isFenced',
] as const satisfies readonly (keyof SessionRepository)[];

const TRACED = Symbol('traced');

type Call = (...args: unknown[]) => Promise<unknown>;
type Traceable = SessionRepository & Record<(typeof STORAGE_CALLS)[number], Call> & { [TRACED]?: true };

/**
 * Makes a repository tell of its calls, while somebody listens. It stays the object that it is: applications inject it by
 * their own class, and compare it.
 */
export function traceStorage(repository: SessionRepository, owner: { readonly realm: string }): void {
  const traced = repository as Traceable;
  // One of two modules that share it is enough: neither may be told of a call twice.
  if (traced[TRACED] || !Object.isExtensible(traced)) return;
  hide(traced, TRACED, true);
  for (const name of STORAGE_CALLS) {
    const own = Object.hasOwn(traced, name) ? traced[name] : undefined;
    const prototype = Object.getPrototypeOf(traced) as Traceable;
    hide(traced, name, function (this: Traceable, ...args: unknown[]) {
      // Asked anew: a test may spy on the class.
      const call = own ?? prototype[name];
      if (!STORAGE.isHeard) return call.apply(this, args);
      return STORAGE.trace(owner, { call: name }, () => call.apply(this, args));
    });
  }
  traceTransactions(traced, owner);
}

function traceTransactions(repository: Traceable, owner: { readonly realm: string }): void {
  const within = repository.within;
  hide(repository, 'within', function (this: Traceable, manager: object) {
    const found = within.call(this, manager);
    if (found && STORAGE.isHeard) traceStorage(found.repository, owner);
    return found;
  });
}

function hide(target: object, name: PropertyKey, value: unknown): void {
  Object.defineProperty(target, name, { value, enumerable: false, configurable: true, writable: true });
}
