import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { describeJwtKnox } from 'nestjs-jwt-knox/swagger';

/** Swagger UI at `/docs`, the document at `/docs-json`: the routes of the application and those of the library. */
export function serveDocs(app: INestApplication): void {
  const config = new DocumentBuilder().setTitle('Sample application').addServer('/').build();
  const document = describeJwtKnox(app, SwaggerModule.createDocument(app, config));
  SwaggerModule.setup('docs', app, document, { jsonDocumentUrl: 'docs-json' });
}
