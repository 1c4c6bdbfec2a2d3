import { HttpErrorResponse, HttpHeaders, type HttpInterceptorFn, HttpResponse } from '@angular/common/http';
import { defer } from 'rxjs';
import type { JwtKnoxClient } from '../../../lib/client/index.mjs';

/** For `provideHttpClient(withInterceptors([jwtKnoxInterceptor(client)]))`. */
export const jwtKnoxInterceptor =
  (client: JwtKnoxClient): HttpInterceptorFn =>
  (request) =>
    defer(async () => {
      const { method, responseType, urlWithParams: url } = request;
      const headers = new Headers(request.headers.keys().map((name) => [name, request.headers.get(name)!]));
      const type = request.detectContentTypeHeader();
      if (type !== null && !headers.has('content-type')) headers.set('content-type', type);
      const init = { method, headers, body: request.serializeBody() as RequestInit['body'] };
      const response = await client.fetch(url, init);
      const { ok, status, statusText } = response;
      const json = /json/.test(response.headers.get('content-type') ?? '') ? 'json' : 'text';
      const read = { json, text: 'text', blob: 'blob', arraybuffer: 'arrayBuffer' } as const;
      const body: unknown = status === 204 ? null : await response[read[responseType]]();
      const answer = { status, statusText, url, headers: new HttpHeaders(response.headers) };
      if (!ok) throw new HttpErrorResponse({ ...answer, error: body });
      return new HttpResponse({ ...answer, body });
    });
