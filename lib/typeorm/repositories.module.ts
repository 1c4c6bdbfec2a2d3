import type { DynamicModule, FactoryProvider, Type } from '@nestjs/common';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import { JwtKnoxConfigurationError } from '../contracts/errors';

/**
 * `TypeOrmModule.forFeature`, but that it says the cure where there is no such data source: Nest would name a token of
 * TypeORM's that no application wrote.
 * @param dataSource its name; the default one when left out
 */
export function repositoriesOf(entities: Type<object>[], dataSource: string | undefined): DynamicModule {
  const definition = TypeOrmModule.forFeature(entities, dataSource);
  const providers = (definition.providers as FactoryProvider[]).map((provider) => ({
    ...provider,
    inject: [{ token: getDataSourceToken(dataSource) as string | Type, optional: true }],
    useFactory: (source: unknown) => {
      if (source === undefined) throw new JwtKnoxConfigurationError([missing(dataSource)]);
      return provider.useFactory(source) as unknown;
    },
  }));
  return { ...definition, providers, exports: providers };
}

function missing(dataSource: string | undefined): string {
  if (dataSource === undefined) {
    return (
      'storage: no module provides the default data source of TypeORM; import TypeOrmModule.forRoot(…) in your root module, ' +
      "name another one in typeOrm({ dataSource: '…' }), or set another storage."
    );
  }
  return (
    `storage: no module provides the data source '${dataSource}'; import TypeOrmModule.forRoot({ name: '${dataSource}', … }) ` +
    'in your root module, or write the name of yours in typeOrm({ dataSource }).'
  );
}
