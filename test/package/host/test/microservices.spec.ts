import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Metadata } from '@grpc/grpc-js';
import { Controller, Module, UseGuards } from '@nestjs/common';
import {
  type ClientGrpcProxy,
  ClientProxyFactory,
  type GrpcOptions,
  GrpcMethod,
  Transport,
} from '@nestjs/microservices';
import { CurrentUser, JwtKnoxGuard } from 'nestjs-jwt-knox';
import { MicroserviceContextReader, withToken } from 'nestjs-jwt-knox/microservices';
import { firstValueFrom, type Observable } from 'rxjs';
import { appWith, forRoot } from '../src/apps.js';
import { type Running, start } from './start.js';

const secret = randomBytes(48).toString('base64');

@Controller()
@UseGuards(JwtKnoxGuard)
class NotesMessages {
  @GrpcMethod('Notes', 'mine') mine(@CurrentUser('id') userId: string) {
    return { userId };
  }
}

@Module({
  imports: [appWith(forRoot({ secret, contextReader: MicroserviceContextReader }))],
  controllers: [NotesMessages],
})
class MessagesModule {}

interface Notes {
  mine(ask: object, metadata: Metadata): Observable<{ userId: string }>;
}

const options: GrpcOptions = {
  transport: Transport.GRPC,
  options: { package: 'notes', protoPath: join(process.cwd(), 'test/notes.proto'), url: '127.0.0.1:50787' },
};

describe('Messages over gRPC', () => {
  let running: Running;
  let client: ClientGrpcProxy;
  beforeAll(async () => {
    running = await start(MessagesModule, false, (app) => void app.connectMicroservice(options));
    await running.app.startAllMicroservices();
    client = ClientProxyFactory.create(options) as unknown as ClientGrpcProxy;
  });
  afterAll(async () => {
    client?.close();
    await running?.app.close();
  });

  it('are let in by the token in their metadata, and refused as UNAUTHENTICATED without', async () => {
    const json = { username: 'alice', password: 'correct horse' };
    const { body } = await running.request('POST', '/auth/login', { json });
    const notes = client.getService<Notes>('Notes');
    const metadata = withToken(new Metadata(), body.access_token);
    expect(await firstValueFrom(notes.mine({}, metadata))).toEqual({ userId: '7' });
    const refused = await firstValueFrom(notes.mine({}, new Metadata())).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 16 });
    expect((refused as { metadata: Metadata }).metadata.get('error-code')).toEqual(['missing_token']);
  });
});
