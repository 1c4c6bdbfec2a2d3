import { HttpStatus } from '@nestjs/common';
import { addVary, setHeader } from '../guard/error-headers.interceptor';

const POLICY = 'Content-Security-Policy';

/** The headers of every page, whatever the application's own are: the policies of both hold. */
export function setPageHeaders(
  response: any,
  { formTarget, hasScripts }: { formTarget: string | null; hasScripts: boolean },
): void {
  const forms = formTarget === null ? "'self'" : `'self' ${formTarget}`;
  const scripts = hasScripts ? "script-src 'self'; connect-src 'self'; " : '';
  const policy =
    `default-src 'none'; ${scripts}style-src 'self'; img-src 'self' data:; form-action ${forms}; base-uri 'none'; ` +
    "frame-ancestors 'none'";
  const present = [response.getHeader(POLICY) ?? []].flat().join(', ');
  if (!present.includes(policy)) setHeader(response, POLICY, present === '' ? policy : `${present}, ${policy}`);
  setHeader(response, 'X-Content-Type-Options', 'nosniff');
  setHeader(response, 'Cache-Control', 'no-store');
  // Under `no-referrer`, a form would send `Origin: null`.
  setHeader(response, 'Referrer-Policy', 'same-origin');
  setHeader(response, 'Cross-Origin-Opener-Policy', 'same-origin');
  addVary(response, 'Cookie');
  addVary(response, 'Accept-Language');
}

/** Past the interceptors of the application, which may wrap what handlers return. */
export function sendPage(response: any, status: number, html: string): void {
  setHeader(response, 'Content-Type', 'text/html; charset=utf-8');
  response.status(status).send(html);
}

/** After a form: the browser asks for a page, and a reload sends nothing again (RFC 9110 section 15.4.4). */
export function seeOther(response: any, location: string): void {
  setHeader(response, 'Location', location);
  response.status(HttpStatus.SEE_OTHER).send('');
}
