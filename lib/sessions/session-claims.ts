/**
 * The custom claims that `issue` was given, as the row keeps them: what JSON makes of them, so that every refresh signs
 * what the first access token said. Null: what the option `claims` returns, each time anew.
 * @throws TypeError for anything but a plain object that JSON can write
 */
export function storedClaims(given: unknown): Record<string, unknown> | null {
  if (given === undefined || given === null) return null;
  // A Map or a Date would be kept as an object without members.
  const prototype: unknown = typeof given === 'object' ? Object.getPrototypeOf(given) : undefined;
  if (prototype === null || prototype === Object.prototype)
    return JSON.parse(JSON.stringify({ ...given })) as Record<string, unknown>;
  throw new TypeError("issue: claims must be an object, such as { 'https://example.com/tenant': 7 }.");
}
