/** What keeps Nest from making the user provider that a module is configured with. */
export function userProviderProblems(userProvider: unknown): string[] {
  if (userProvider === undefined || typeof userProvider === 'function') return [];
  return ['userProvider: must be a class, not an instance; export the class from a module, and list that in imports.'];
}
