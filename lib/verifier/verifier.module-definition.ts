import { ConfigurableModuleBuilder, type DynamicModule } from '@nestjs/common';
import { withPlacement } from '../options/extras';
import type { JwtKnoxVerifierExtras, JwtKnoxVerifierOptions, JwtKnoxVerifierSettings } from './verifier.options';

/** Every extra with its default: what is not a key here is taken for an option. */
export const VERIFIER_EXTRAS = {
  isGlobal: true,
  realm: '',
  imports: undefined,
  userProvider: undefined,
  storage: undefined,
  guard: undefined,
  contextReader: undefined,
} satisfies Record<keyof JwtKnoxVerifierExtras, unknown>;

const built = new ConfigurableModuleBuilder<JwtKnoxVerifierOptions>({ moduleName: 'JwtKnoxVerifier' })
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createJwtKnoxVerifierOptions')
  .setExtras<JwtKnoxVerifierExtras>(VERIFIER_EXTRAS, withPlacement)
  .build();

export type AsyncVerifierSettings = typeof built.ASYNC_OPTIONS_TYPE;

export const VERIFIER_OPTIONS_TOKEN = built.MODULE_OPTIONS_TOKEN;
// The builder knows no union: of the ways to verify, one goes with a storage and two without.
export const ConfigurableVerifierClass = built.ConfigurableModuleClass as unknown as (new () => object) & {
  forRoot(options: JwtKnoxVerifierSettings): DynamicModule;
  forRootAsync(options: AsyncVerifierSettings): DynamicModule;
};
