import { ConfigurableModuleBuilder } from '@nestjs/common';
import { withPlacement } from './options/extras';
import type { JwtKnoxExtras, JwtKnoxOptions } from './options/options';

// Every extra is listed: what is not a key here would be taken for an option.
const EXTRAS: JwtKnoxExtras = {
  isGlobal: true,
  imports: undefined,
  userProvider: undefined,
  dataSource: undefined,
  sessionEntity: undefined,
  sessionUser: undefined,
  sessionRepository: undefined,
  routes: undefined,
  guard: undefined,
  loginGuards: undefined,
};

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<JwtKnoxOptions>({ moduleName: 'JwtKnox' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createJwtKnoxOptions')
    .setExtras(EXTRAS, withPlacement)
    .build();
