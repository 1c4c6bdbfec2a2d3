export { addressOf, onServer, SERVERS, type ServerKind } from './database-servers';
export { freePort } from './free-port';
export { Gate } from './gate';
export { hashPassword, verifyPassword } from './passwords';
export { NUMBERS, SPREAD_ID, SPREAD_NUMBER, spreadId } from './spread-ids';
export { PasswordController, type TableUser, TableUsers, tableUsersModule, type UserSettings } from './table-users';
export { WhoAmIController } from './who-am-i.controller';
