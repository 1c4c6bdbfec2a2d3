import { ConfigurableModuleBuilder, type DynamicModule } from '@nestjs/common';
import { withPlacement } from '../options/extras';
import type { JwtKnoxVerifierExtras, JwtKnoxVerifierOptions } from './verifier.options';

// Every extra is listed: what is not a key here would be taken for an option.
const EXTRAS = {
  mode: undefined,
  isGlobal: true,
  imports: undefined,
  userProvider: undefined,
  guard: undefined,
  dataSource: undefined,
  sessionEntity: undefined,
  sessionUser: undefined,
  sessionRepository: undefined,
} as unknown as JwtKnoxVerifierExtras;

const built = new ConfigurableModuleBuilder<JwtKnoxVerifierOptions>({ moduleName: 'JwtKnoxVerifier' })
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createJwtKnoxVerifierOptions')
  .setExtras(EXTRAS, withPlacement)
  .build();

// The builder takes every extra for an optional one; the mode has no default.
export type VerifierRoot = typeof built.OPTIONS_TYPE & JwtKnoxVerifierExtras;
export type AsyncVerifierRoot = typeof built.ASYNC_OPTIONS_TYPE & JwtKnoxVerifierExtras;

export const VERIFIER_OPTIONS_TOKEN = built.MODULE_OPTIONS_TOKEN;
export const ConfigurableVerifierClass = built.ConfigurableModuleClass as unknown as (new () => object) & {
  forRoot(options: VerifierRoot): DynamicModule;
  forRootAsync(options: AsyncVerifierRoot): DynamicModule;
};
