/**
 * Freezes a plain object and all that it holds.
 * @throws TypeError for what is not plain: requests would share it, and could change it
 */
export function frozen<T>(value: T, path = 'snapshot', seen = new Set<unknown>()): T {
  if (typeof value === 'function' || typeof value === 'symbol') throw notPlain(path);
  // It may hold itself.
  if (typeof value !== 'object' || value === null || seen.has(value)) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) throw notPlain(path);
  seen.add(value);
  for (const [name, member] of Object.entries(value)) frozen(member, `${path}.${name}`, seen);
  return Object.freeze(value);
}

function notPlain(path: string): TypeError {
  return new TypeError(
    `UserProvider.${path} must be plain: objects, lists, texts, numbers and booleans; write a Date as its time in ms.`,
  );
}
