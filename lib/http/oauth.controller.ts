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
import { type Introspection, IntrospectionService } from '../tokens/introspection.service';
import { Public } from './decorators';
import { ClientGuard, TokenForm } from './oauth-request';
import { ErrorHeaders, NoStoreGuard } from './response-headers';

/**
 * `POST introspect` (RFC 7662) and `POST revoke` (RFC 7009), off by default. The hint of the token's type is not read:
 * a token says itself what it is.
 */
@UseGuards(NoStoreGuard, ClientGuard)
@UseInterceptors(ErrorHeaders)
export class OAuthController {
  constructor(private readonly service: IntrospectionService) {}

  @Post('introspect')
  @Public()
  @Version(VERSION_NEUTRAL)
  @HttpCode(HttpStatus.OK)
  @Header('Pragma', 'no-cache')
  async introspect(@TokenForm() token: string): Promise<Introspection> {
    return this.service.introspect(token);
  }

  @Post('revoke')
  @Public()
  @Version(VERSION_NEUTRAL)
  @HttpCode(HttpStatus.OK)
  @Header('Pragma', 'no-cache')
  async revoke(@TokenForm() token: string): Promise<void> {
    await this.service.revoke(token);
  }
}
