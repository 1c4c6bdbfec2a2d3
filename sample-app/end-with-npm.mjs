// npm tells only its shell to stop, and the shell does not tell us: then its end is the signal.
if (/^start(?::\w+)?$/.test(process.env.npm_lifecycle_event ?? '')) {
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && process.kill(process.pid, 'SIGTERM'), 250).unref();
}
