// A guarded route of the host that tells whom it takes the caller for, and a public one.
import { createRequire } from 'node:module';
import { Controller, Get, Req, UseGuards } from '@nestjs/common';

const require = createRequire(import.meta.url);
const { JwtKnoxGuard, Public } = require('nestjs-jwt-knox');

export class WhoAmIController {
  whoAmI({ user, knox }) {
    return { userId: user.id, username: user.username, sessionId: knox.session.id };
  }

  about() {
    return { about: 'everybody' };
  }
}
Controller('whoami')(WhoAmIController);
UseGuards(JwtKnoxGuard)(WhoAmIController);
const whoAmI = Object.getOwnPropertyDescriptor(WhoAmIController.prototype, 'whoAmI');
Get()(WhoAmIController.prototype, 'whoAmI', whoAmI);
Req()(WhoAmIController.prototype, 'whoAmI', 0);
const about = Object.getOwnPropertyDescriptor(WhoAmIController.prototype, 'about');
Get('about')(WhoAmIController.prototype, 'about', about);
Public()(WhoAmIController.prototype, 'about', about);
