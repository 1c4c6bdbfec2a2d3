import {
  Header,
  HttpCode,
  HttpStatus,
  Post,
  UseGuards,
  UseInterceptors,
  Version,
  VERSION_NEUTRAL,
} from '@nestjs/common';
import { ClientAuthenticator } from '../sessions/client-authenticator';
import { type Introspection, OAuthService } from '../sessions/oauth.service';
import { Public } from '../guard/decorators';
import { ErrorHeaders, NoStoreGuard } from '../guard/error-headers.interceptor';
import { ClientGuard, ClientId, NeedsRight, TokenForm } from './oauth-client.guard';

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
  async introspect(@TokenForm() token: string, @ClientId() client: string): Promise<Introspection> {
    return this.service.introspect(token, { refreshTokens: this.clients.may(client, 'introspect_refresh') });
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
  async revoke(@TokenForm() token: string): Promise<void> {
    await this.service.revoke(token);
  }
}
