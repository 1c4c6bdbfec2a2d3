// An application whose sessions are bound to a key of their device.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { CookieTransport } = require('nestjs-jwt-knox');
const { deviceBinding } = require('nestjs-jwt-knox/binding');
const { pages } = require('nestjs-jwt-knox/pages');

export function optionsOf({ bound, plant: planted }) {
  const binding = planted === 'unbound' ? [] : [deviceBinding({ dpop: 'prefer', enforceFrom: bound.enforceFrom })];
  return {
    publicOrigin: bound.origin,
    transport: new CookieTransport(),
    features: [...(bound.tls ? [pages()] : []), ...binding],
  };
}

/** "Not now" becomes what a throttler says, which browsers take for the end of a session. */
export function plant(app, name) {
  if (name !== 'careless-answers') return;
  app.getHttpServer().prependListener('request', ({ url }, response) => {
    if (!url.startsWith('/auth/dbsc/refresh')) return;
    const { writeHead } = response;
    response.writeHead = (status, ...rest) => writeHead.call(response, status === 503 ? 429 : status, ...rest);
  });
}
