import { Injectable, NotFoundException, Optional } from '@nestjs/common';
import { InvalidRequestError } from '../contracts/errors';
import { currentSessionOf } from '../guard/authenticated-request';
import { OwnPrograms } from '../routes/own-programs';
import { OwnSessions } from '../routes/own-sessions';
import { rootOf } from './page-address';
import { PageRenderer } from './page-renderer';

/** What the forms of the page of devices do. */
@Injectable()
export class DeviceActions {
  constructor(
    private readonly pages: PageRenderer,
    private readonly own: OwnSessions,
    @Optional() private readonly programs?: OwnPrograms,
  ) {}

  /**
   * Does what a form asks for; returns where to go on.
   * @param context `isProven`: whether the user has just proven their credentials
   */
  async run(
    { action, id = '', device_name: name = '', refused_at: refusedAt = '' }: Record<string, string>,
    { request, response, isProven }: { request: unknown; response: unknown; isProven: boolean },
  ): Promise<string> {
    const [login, devices] = [this.pages.loginUrl(request, null), `${rootOf(request)}devices`];
    switch (action) {
      case 'end':
        await this.own.end(id, request, response, isProven);
        return id === currentSessionOf(request).id ? login : `${devices}?ended=1`;
      case 'rename':
        await this.own.rename(id, name, request);
        return `${devices}?renamed`;
      case 'dismiss':
        await this.own.forgetRefusal(id, refusedAt === '' ? NaN : Number(refusedAt), request);
        return devices;
      case 'end-others':
        return `${devices}?ended=${await this.own.endOthers(request, isProven)}`;
      case 'end-all':
        await this.own.endAll(request, response, isProven);
        return login;
      case 'end-token':
        if (!this.programs || currentSessionOf(request).kind !== 'login') throw new NotFoundException();
        await this.programs.end(id, request, isProven);
        return `${devices}?token-ended`;
      default:
        throw new InvalidRequestError('action must be end, rename, dismiss, end-others, end-all or end-token.');
    }
  }
}
