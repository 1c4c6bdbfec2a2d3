import { Controller, Get, Header, Headers, type Type } from '@nestjs/common';
import { DEMO_USERS } from '../database/seed.js';

const ROUTES: [string, string][] = [
  ['/health', 'whether the application answers'],
  ['/notes', 'the notes of whoever is logged in; 401 for everybody else'],
  ['/auth/session', 'who is logged in, and for how long'],
  ['/auth/sessions', 'all devices on which they are logged in'],
];
const PAGES: [string, string][] = [
  ['/auth/login', 'log in'],
  ['/auth/devices', 'where you are logged in: name a device, end a session'],
  ['/auth/admin', 'for admin: statistics, and the sessions of a user'],
];

/** What a stranger sees who opens the address in a browser. */
export function homeController(hasPages: boolean): Type {
  @Controller()
  class HomeController {
    @Get()
    @Header('Content-Type', 'text/html; charset=utf-8')
    @Header(
      'Content-Security-Policy',
      "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'",
    )
    @Header('X-Content-Type-Options', 'nosniff')
    home(@Headers('host') host = ''): string {
      // What a client sends is text, not markup.
      const address = /^[\w.:-]+$/.test(host) ? host : '127.0.0.1:3000';
      const users = DEMO_USERS.map(({ username, password }) => `<tr><td>${username}</td><td>${password}</td></tr>`);
      const links = [...(hasPages ? PAGES : []), ...ROUTES].map(
        ([path, about]) => `<li><a href="${path}">${path}</a>: ${about}</li>`,
      );
      return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,">
<title>nestjs-jwt-knox: sample application</title>
<style>
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
  body { margin: 2rem auto; max-width: 42rem; padding: 0 1rem; }
  pre { overflow-x: auto; padding: 0.75rem; border: 1px solid; }
  td, th { padding-right: 2rem; text-align: start; }
</style>
<h1>Sessions that really end</h1>
<p>This is the sample application of nestjs-jwt-knox. Its users:</p>
<table><thead><tr><th>user</th><th>password</th></tr></thead><tbody>${users.join('')}</tbody></table>
<h2>Look</h2>
<ul>${links.join('')}</ul>
<h2>Or from a terminal</h2>
<pre>curl -s http://${address}/auth/login \\
  -H 'Content-Type: application/json' \\
  -d '{"username": "alice", "password": "alice-password"}'</pre>
`;
    }
  }
  return HomeController;
}
