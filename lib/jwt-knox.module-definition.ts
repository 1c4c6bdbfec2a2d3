import { ConfigurableModuleBuilder } from '@nestjs/common';
import { EXTRAS, withPlacement } from './options/extras';
import type { JwtKnoxExtras, JwtKnoxOptions } from './options/options';

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<JwtKnoxOptions>({ moduleName: 'JwtKnox' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createJwtKnoxOptions')
    .setExtras<JwtKnoxExtras>(EXTRAS, withPlacement)
    .build();
