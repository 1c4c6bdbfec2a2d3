import {
  Header,
  HttpCode,
  HttpStatus,
  Post,
  Req,
  Res,
  UseGuards,
  UseInterceptors,
  Version,
  VERSION_NEUTRAL,
} from '@nestjs/common';
import { ClientAuthenticator } from '../sessions/client-authenticator';
import { type Introspection, OAuthService } from '../sessions/oauth.service';
import { Public } from '../guard/decorators';
import { ErrorHeaders, NoStoreGuard } from '../guard/error-headers.interceptor';
import { ClientGuard, clientIdOf, NeedsRight, tokenOf } from './oauth-client.guard';
import { sendVerbatim } from './verbatim-body';

/** `POST introspect` (RFC 7662), off by default. The hint of the token's type is not read: a token says itself what it is. */
@UseGuards(NoStoreGuard)
@UseInterceptors(ErrorHeaders)
export class IntrospectController {
  constructor(
    private readonly service: OAuthService,
    private readonly clients: ClientAuthenticator,
  ) {}

  @Post('introspect')
  @Public()
  @UseGuards(ClientGuard)
  @NeedsRight('introspect')
  @Version(VERSION_NEUTRAL)
  @HttpCode(HttpStatus.OK)
  @Header('Pragma', 'no-cache')
  async introspect(@Req() request: unknown, @Res({ passthrough: true }) response: unknown): Promise<Introspection> {
    const refreshTokens = this.clients.may(clientIdOf(request), 'introspect_refresh');
    const introspection = await this.service.introspect(tokenOf(request), { refreshTokens });
    sendVerbatim(response, introspection);
    return introspection;
  }
}

/** `POST revoke` (RFC 7009), off by default. */
@UseGuards(NoStoreGuard)
@UseInterceptors(ErrorHeaders)
export class RevokeController {
  constructor(private readonly service: OAuthService) {}

  @Post('revoke')
  @Public()
  @UseGuards(ClientGuard)
  @NeedsRight('revoke')
  @Version(VERSION_NEUTRAL)
  @HttpCode(HttpStatus.OK)
  @Header('Pragma', 'no-cache')
  async revoke(@Req() request: unknown): Promise<void> {
    await this.service.revoke(tokenOf(request));
  }
}
