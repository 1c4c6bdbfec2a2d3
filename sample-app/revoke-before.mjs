// `npm run revoke-before -w sample-app -- <moment>`: builds what is out of date, then ends sessions.
import './build.mjs';

await import('./dist/revoke-before.js');
