// The sources are shared with an ESM host, where relative imports carry their extension.
module.exports = (options) => ({
  ...options,
  resolve: { ...options.resolve, extensionAlias: { '.js': ['.ts', '.js'] } },
});
