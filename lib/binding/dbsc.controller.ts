import { Controller, Post, Req, Res } from '@nestjs/common';
import type { RouteDescription } from '../contracts/feature';
import { Public } from '../guard/decorators';
import { DbscDoor } from './dbsc-door';

/** Where the two routes are; the door answers before Nest does, where adapter and spelling of the path are ones that it knows. */
@Public()
@Controller('dbsc')
export class DbscController {
  constructor(private readonly door: DbscDoor) {}

  @Post('register')
  register(@Req() request: unknown, @Res() response: unknown): Promise<void> {
    return this.door.answer('register', request, response);
  }

  @Post('refresh')
  refresh(@Req() request: unknown, @Res() response: unknown): Promise<void> {
    return this.door.answer('refresh', request, response);
  }
}

export const DBSC_SCHEMAS = {
  DbscInstructions: {
    type: 'object',
    required: ['session_identifier'],
    properties: {
      session_identifier: { type: 'string' },
      continue: { type: 'boolean' },
      refresh_url: { type: 'string' },
      scope: { type: 'object' },
      credentials: { type: 'array', items: { type: 'object' } },
    },
  },
};

const FAILURES = { 400: null, 401: null, 503: null };

export const DBSC_ROUTES: RouteDescription[] = [
  {
    method: 'POST',
    path: 'dbsc/register',
    summary: 'Binds the session of a browser to a key of its device (Device Bound Session Credentials).',
    auth: 'public',
    responses: { 200: 'DbscInstructions', ...FAILURES, 409: null },
  },
  {
    method: 'POST',
    path: 'dbsc/refresh',
    summary: 'Renews the cookies of a session that is bound to a key of its device.',
    auth: 'public',
    responses: { 200: 'DbscInstructions', ...FAILURES, 403: null },
  },
];
