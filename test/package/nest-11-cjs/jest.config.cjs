module.exports = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.spec.ts'],
  transform: { '^.+\\.ts$': 'ts-jest' },
  // The sources are shared with an ESM host, where relative imports carry their extension.
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
};
