import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { AuthenticationCache } from '../../../lib/guard/authentication-cache';

const verdict = Promise.resolve({ user: { id: '1' }, session: {} as any, claims: {} });

/** As deep as it goes, symbols and prototypes too. */
function cloneDeep<T>(value: T, seen = new Map<unknown, unknown>()): T {
  if (typeof value !== 'object' || value === null || value instanceof Promise) return value;
  if (seen.has(value)) return seen.get(value) as T;
  const clone = Object.create(Object.getPrototypeOf(value) as object) as any;
  seen.set(value, clone);
  for (const key of Reflect.ownKeys(value)) clone[key] = cloneDeep((value as any)[key], seen);
  return clone as T;
}

/** Anything but its own members is a mistake. */
function strict(target: object): object {
  const fail = (): never => {
    throw new Error('strict');
  };
  return new Proxy(target, { get: fail, set: fail, defineProperty: fail });
}

describe('what is known of a request', () => {
  const known = (verdicts: AuthenticationCache, lifetime: object, request: object = lifetime) =>
    verdicts.get(lifetime, request);

  it.each([
    ['a request', () => ({ headers: {} })],
    ['a frozen request', () => Object.freeze({ headers: {} })],
    ['a request that refuses to be changed', () => new Proxy({}, { set: () => false })],
  ])('is known again: %s', (_, make) => {
    const [verdicts, others] = [new AuthenticationCache(), new AuthenticationCache()];
    const request = make();
    expect(known(verdicts, request)).toBeUndefined();
    verdicts.set(request, request, verdict);
    expect(known(verdicts, request)).toBe(verdict);
    expect(known(others, request)).toBeUndefined();
  });

  it.each([
    ['a context', () => ({ req: {} })],
    ['a frozen context', () => Object.freeze({ req: {} })],
    ['a context that refuses everything', () => strict({ req: {} })],
  ])('is known again, and leaves no trace: %s', (_, make) => {
    const verdicts = new AuthenticationCache();
    const [context, request] = [make(), {}];
    verdicts.set(context, request, verdict);
    expect(known(verdicts, context, request)).toBe(verdict);
    expect(known(verdicts, context, {})).toBeUndefined();
    expect(Reflect.ownKeys(context)).toEqual(['req']);
  });

  it('is not known of a copy, however it was made', () => {
    const verdicts = new AuthenticationCache();
    const request = { headers: {} };
    verdicts.set(request, request, verdict);
    for (const copy of [{ ...request }, Object.create(request) as object, cloneDeep(request)])
      expect(known(verdicts, copy)).toBeUndefined();
    const context = { req: request };
    verdicts.set(context, request, verdict);
    const copy = cloneDeep(context);
    expect(known(verdicts, copy, copy.req)).toBeUndefined();
    expect(known(verdicts, { ...context }, request)).toBeUndefined();
  });

  it('is not printed with its request', () => {
    const verdicts = new AuthenticationCache();
    const request = { path: '/me' };
    verdicts.set(request, request, verdict);
    expect(inspect(request)).toContain('[CachedAuthentication]');
    expect(inspect(request)).not.toContain('user');
    expect(JSON.stringify(request)).toBe('{"path":"/me"}');
  });
});
