import {
  type MessageEvent,
  Req,
  RequestMethod,
  Res,
  Sse,
  UseGuards,
  UseInterceptors,
  Version,
  VERSION_NEUTRAL,
} from '@nestjs/common';
import type { Observable } from 'rxjs';
import { Public } from '../guard/decorators';
import { ErrorHeaders, NoStoreGuard } from '../guard/error-headers.interceptor';
import { ClientGuard, NeedsRight, refusal } from './oauth-client.guard';
import { RevocationStream } from './revocation-stream';

/** What a client draws for each connection: nobody can answer it with what was recorded before. */
const NONCE = /^[\w-]{16,64}$/;

/** `GET revocations`, off by default: what ends, while the client listens. */
@UseGuards(NoStoreGuard)
@UseInterceptors(ErrorHeaders)
export class RevocationsController {
  constructor(private readonly stream: RevocationStream) {}

  /** @throws InvalidRequestError, StorageUnavailableError */
  // A snapshot is long, and is written at once: who reads none of it is found by the heartbeat.
  @Sse('revocations', { method: RequestMethod.GET, maxPendingDataLength: 0 })
  @Public()
  @UseGuards(ClientGuard)
  @NeedsRight('revocations')
  @Version(VERSION_NEUTRAL)
  follow(@Req() request: any, @Res({ passthrough: true }) response: any): Observable<MessageEvent> {
    return this.stream.follow(nonceOf(request), response.raw ?? response);
  }
}

/** @throws InvalidRequestError */
function nonceOf({ query }: { query: Record<string, unknown> }): string {
  const { nonce } = query;
  if (typeof nonce !== 'string' || !NONCE.test(nonce)) {
    throw refusal('nonce: must be 16 to 64 letters, digits, - or _, drawn anew for each connection.');
  }
  return nonce;
}
