import { randomBytes } from 'node:crypto';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { describeJwtKnox } from 'nestjs-jwt-knox/swagger';
import { appWith, forRoot } from '../src/apps.js';
import { type Running, start } from './start.js';

describe('The OpenAPI document of an application', () => {
  let running: Running;
  beforeAll(async () => {
    const secret = randomBytes(48).toString('base64');
    running = await start(appWith(forRoot({ secret })), false, (app) => void app.setGlobalPrefix('api'));
  });
  afterAll(() => running.app.close());

  it('has the routes of the library where they are, and the security of the others', () => {
    const config = new DocumentBuilder().setTitle('Notes').build();
    const { paths } = describeJwtKnox(running.app, SwaggerModule.createDocument(running.app, config));
    expect(paths['/api/auth/login']?.post?.operationId).toBe('auth_login');
    expect(paths['/api/auth/sessions/{id}']?.delete?.security).toEqual([{ accessToken: [] }]);
    expect(paths['/api/notes']?.get?.security).toEqual([{ accessToken: [] }]);
    expect(Object.keys(paths['/api/notes']?.get?.responses ?? {})).toEqual(['200', '401', '503']);
  });
});
