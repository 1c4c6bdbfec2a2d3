import { Controller, Get } from '@nestjs/common';

/** Whether the process answers: open to all, and independent of the database. */
@Controller('health')
export class HealthController {
  @Get()
  check() {
    return { status: 'ok' };
  }
}
