import { Controller, Get, Header, HttpException, HttpStatus, Req, Res } from '@nestjs/common';
import { currentSessionOf, RequestSession } from '../guard/authenticated-request';
import { Public } from '../guard/decorators';
import { RequirePerson } from '../guard/route-rights';
import { JwtKnoxRoute } from '../routes/knox-routes';
import { DeviceStreams } from './device-streams';
import { DevicesView } from './devices-view';
import { EventStream } from '../routes/event-stream';
import { rootAbove } from './page-address';
import { PageRenderer } from './page-renderer';
import { LIVE_SCRIPT, LIVE_SCRIPT_NAME } from './templates/live-script';

/** `GET pages/devices/events`, which the page of devices listens to. */
@Controller()
@RequirePerson()
@JwtKnoxRoute()
export class DeviceEvents {
  constructor(
    private readonly pages: PageRenderer,
    private readonly view: DevicesView,
    private readonly streams: DeviceStreams,
  ) {}

  @Get('pages/devices/events')
  open(@Req() request: any, @Res() response: unknown): void {
    const session = currentSessionOf(request);
    if (!this.streams.hasRoom(session))
      throw new HttpException('As many pages of this session are open as may be.', HttpStatus.TOO_MANY_REQUESTS);
    const { user, knox } = request;
    const language = this.pages.languageOf(request);
    const root = rootAbove(request.query?.up);
    this.streams.add({
      stream: new EventStream(response),
      shown: { user, session, claims: knox.claims },
      tokenEnd: RequestSession.tokenEndOf(knox),
      render: async () => {
        const data = await this.view.list(session, language);
        const html = this.pages.renderPart('@list', { language, root, data });
        return { html, ids: [...data.current, ...data.others].map(({ id }) => id) };
      },
    });
  }
}

/** The script of the page of devices. Its name changes with its content. */
@Controller()
export class LiveScript {
  @Get(`pages/${LIVE_SCRIPT_NAME}`)
  @Public()
  @Header('Cache-Control', 'public, max-age=31536000, immutable')
  @Header('X-Content-Type-Options', 'nosniff')
  get(@Res() response: any): void {
    response.header('Content-Type', 'text/javascript; charset=utf-8');
    response.status(200).send(LIVE_SCRIPT);
  }
}
