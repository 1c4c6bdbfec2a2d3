// The code of docs/20-openapi.md. A test runs it, and holds the page to it.
import { Controller, Get, type INestApplication, UseGuards } from '@nestjs/common';
import { ApiOkResponse, ApiProperty, DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { CurrentUser, JwtKnoxGuard, Public } from '../../lib';
import { describeJwtKnox } from '../../lib/swagger';

/** Example: the document */
class Order {
  @ApiProperty() id!: number;
}

@Controller('orders')
@UseGuards(JwtKnoxGuard) // what the document says of security comes from here
export class OrdersController {
  @Get() @ApiOkResponse({ type: [Order] }) list(@CurrentUser('id') _userId: number): Order[] {
    return [{ id: 1 }];
  }

  @Get('about') @Public() about(): void {}
}

/** Call it after `setGlobalPrefix` and `enableVersioning`, and before `listen`. */
export function serveDocument(app: INestApplication): void {
  const config = new DocumentBuilder()
    .setTitle('Orders')
    .setVersion('1.0')
    .addServer('https://api.example.com')
    .build();
  const document = describeJwtKnox(app, SwaggerModule.createDocument(app, config));
  SwaggerModule.setup('docs', app, document, { jsonDocumentUrl: 'docs-json' });
}
/** End of example */
