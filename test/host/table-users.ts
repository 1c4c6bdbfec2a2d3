import { timingSafeEqual } from 'node:crypto';
import { Body, Controller, HttpCode, Module, Put, Req, Res, UseGuards } from '@nestjs/common';
import { getDataSourceToken } from '@nestjs/typeorm';
import {
  CurrentSession,
  JwtKnoxGuard,
  type Session,
  TokenService,
  TokenTransport,
  UserProvider,
} from 'nestjs-jwt-knox';
import type { DataSource } from 'typeorm';
import { hashPassword } from './passwords';

/** A row of the table `app_users`. */
export interface TableUser {
  id: string;
  username: string;
  hash: string;
  active: number;
}

/** What a proof changes about the users. */
export interface UserSettings {
  /** The `N` of scrypt. */
  passwordCost: number;
  /** Planted: an unknown user is refused without a hash. */
  answersEarly?: boolean;
  /** Fails where the proof wants a failure. */
  fail?: (place: 'credentials' | 'user') => void;
  /** Hears that a login has read its user. */
  begun?: (deviceName: string | undefined) => void;
}

/** Users in a table of the host's own, read by plain SQL on every database. */
export class TableUsers extends UserProvider<TableUser> {
  constructor(
    private readonly source: DataSource,
    private readonly settings: UserSettings,
  ) {
    super();
  }

  async validateCredentials({ username, password }: any, request: any, exclude: any): Promise<TableUser | null> {
    this.settings.fail?.('credentials');
    const user = await this.findByName(username);
    this.settings.begun?.(request.body.device_name);
    if (!user && this.settings.answersEarly) return null;
    const salt = Buffer.from((user?.hash ?? '00:00').split(':')[0]!, 'hex');
    const presented: string = await exclude(() => hashPassword(password, this.settings.passwordCost, salt));
    return user && timingSafeEqual(Buffer.from(presented), Buffer.from(user.hash)) ? user : null;
  }

  async findById(id: string): Promise<TableUser | null> {
    this.settings.fail?.('user');
    return (await this.query('SELECT * FROM app_users WHERE id = ?', [id]))[0] ?? null;
  }

  async findByName(username: string): Promise<TableUser | null> {
    return (await this.query('SELECT * FROM app_users WHERE username = ?', [username]))[0] ?? null;
  }

  override snapshot({ id, username, active }: TableUser) {
    return { id, username, active };
  }

  /** Stores a new password, when it is called. */
  async passwordOf(id: string, password: string): Promise<() => Promise<unknown>> {
    const fresh = await hashPassword(password, this.settings.passwordCost);
    return () => this.query('UPDATE app_users SET hash = ? WHERE id = ?', [fresh, id]);
  }

  override isActive(user: TableUser): boolean {
    return Boolean(Number(user.active));
  }

  override isAdmin(user: TableUser): boolean {
    return user.username === 'admin';
  }

  private query(sql: string, parameters: unknown[]): Promise<any> {
    let n = 0;
    const text = this.source.options.type === 'postgres' ? sql.replace(/\?/g, () => `$${++n}`) : sql;
    return this.source.query(text, parameters);
  }
}

/** The module of such users. */
export function tableUsersModule(settings: UserSettings) {
  @Module({
    providers: [
      {
        provide: TableUsers,
        useFactory: (source: DataSource) => new TableUsers(source, settings),
        inject: [getDataSourceToken()],
      },
    ],
    exports: [TableUsers],
  })
  class TableUsersModule {}
  return TableUsersModule;
}

@Controller('password')
@UseGuards(JwtKnoxGuard)
export class PasswordController {
  constructor(
    private readonly users: TableUsers,
    private readonly tokens: TokenService<TableUser>,
    private readonly transport: TokenTransport,
  ) {}

  @Put()
  @HttpCode(200)
  async change(
    @Body() { password }: any,
    @CurrentSession() session: Session,
    @Req() request: unknown,
    @Res({ passthrough: true }) response: unknown,
  ) {
    const store = await this.users.passwordOf(session.userId, password);
    const tokens = await this.tokens.changeCredentials(session, store as () => Promise<void>);
    return tokens && this.transport.write(response, tokens, request);
  }
}
