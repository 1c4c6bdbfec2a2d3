import { Injectable, Module } from '@nestjs/common';

@Injectable()
export class ConfigService {
  getOrThrow(name: string): string {
    const value = process.env[name];
    if (value === undefined) throw new Error(`The environment variable ${name} is not set.`);
    return value;
  }
}

@Module({ providers: [ConfigService], exports: [ConfigService] })
export class ConfigModule {}
