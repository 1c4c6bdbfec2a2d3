import { Get, Req, Res, UseGuards, UseInterceptors, Version, VERSION_NEUTRAL } from '@nestjs/common';
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
  @Get('revocations')
  @Public()
  @UseGuards(ClientGuard)
  @NeedsRight('revocations')
  @Version(VERSION_NEUTRAL)
  follow(@Req() request: any, @Res() response: unknown): void {
    this.stream.follow(nonceOf(request), response);
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
