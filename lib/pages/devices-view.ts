import { Inject, Injectable, Optional } from '@nestjs/common';
import { scopeList } from '../contracts/scopes';
import type { Session } from '../contracts/session';
import { currentSessionOf, deadlineOf } from '../guard/authenticated-request';
import { JWT_KNOX_OPTIONS, type ResolvedOptions } from '../options/resolve-options';
import { lastUseOf, OwnPrograms } from '../routes/own-programs';
import { OwnSessions } from '../routes/own-sessions';
import type { RequestDeadline } from '../sessions/request-deadline';
import { SessionList } from '../sessions/session-list';
import { HELD_BY_PEOPLE } from '../sessions/session-revoker';
import type { PageLanguage } from './page-language';
import { PageRenderer } from './page-renderer';
import { MOST, newestOf, viewOf } from './session-view';
import type { PageTexts } from './texts';

/** What a person may choose from, in days; as far as the longest lifetime allows. */
const LIFETIMES = [30, 90, 365];
const DAY_MS = 86_400_000;

/** What a form before this page has done, or why it has not. */
export interface Outcome {
  done?: string | null;
  problem?: keyof PageTexts;
  /** A token for a program that was just made: shown this once. */
  token?: string;
  status?: number;
}

/** The page of devices, with what its user holds and may do there. */
@Injectable()
export class DevicesView {
  constructor(
    private readonly pages: PageRenderer,
    private readonly sessions: SessionList,
    private readonly own: OwnSessions,
    @Inject(JWT_KNOX_OPTIONS) private readonly options: ResolvedOptions,
    @Optional() private readonly programs?: OwnPrograms,
  ) {}

  async show(request: any, response: unknown, outcome: Outcome = {}): Promise<void> {
    const { pages } = this;
    const language = pages.languageOf(request);
    const { problem, done = null, token = null, status } = outcome;
    const data = {
      ...(await this.list(currentSessionOf(request), language, deadlineOf(request))),
      ...(await this.programsOf(request, language)),
      notices: (await pages.options.notices?.(request.user)) ?? [],
      done,
      token,
      problem: problem ? language.text(problem) : null,
    };
    const title = language.text('devices.title');
    await pages.show(request, response, { name: 'devices', title, data, ...(status !== undefined && { status }) });
  }

  /** The devices, and what the user may do to them in a session. */
  async list(current: Session, language: PageLanguage, deadline?: RequestDeadline) {
    const isLogin = current.kind === 'login';
    const wanted = { limit: MOST + 1, kinds: HELD_BY_PEOPLE };
    const found = await this.sessions.of(current.userId, wanted, deadline);
    const others = found.filter(({ id }) => id !== current.id);
    const now = this.options.clock.now();
    const viewing = { currentId: current.id, now, language, descriptions: this.pages.descriptions };
    // Of the present session, the list knows the last use better.
    const mine = found.find(({ id }) => id === current.id) ?? current;
    return {
      current: [viewOf(mine, viewing)],
      others: others.slice(0, MOST).map((one) => viewOf(one, viewing)),
      newest: newestOf(others, language),
      needsProof: isLogin && this.own.needsProof(current) && !this.options.routes.hasLoginGuards,
      isLogin,
    };
  }

  /** Null in place of the list where the user has no such tokens to see: without the routes, or acted for by staff. */
  private async programsOf(request: any, language: PageLanguage) {
    const { routes, programs, session, clock } = this.options;
    if (!this.programs || !routes.tokens || currentSessionOf(request).kind !== 'login') return { programs: null };
    const found = await this.programs.list(request, { limit: MOST + 1 });
    const now = clock.now();
    return {
      programs: found.slice(0, MOST).map((one) => programView(one, now, language)),
      newestPrograms: newestOf(found, language),
      scopes: programs.scopes,
      lifetimes: LIFETIMES.filter((days) => days * DAY_MS <= session.maxProgramLifetime).map((days) => ({
        seconds: (days * DAY_MS) / 1_000,
        text: language.text('programs.days', { count: language.number(days) }),
      })),
      wantsPassword: !routes.hasLoginGuards,
    };
  }
}

function programView(session: Session, now: number, language: PageLanguage) {
  const { id, deviceName, scopes, createdAt, expiresAt } = session;
  const lastUse = lastUseOf(session);
  return {
    id,
    title: deviceName ?? id,
    scopes: scopeList(scopes) ?? ['*'],
    moments: [
      { label: language.text('programs.made'), ...language.moment(createdAt, now) },
      ...(lastUse === null ? [] : [{ label: language.text('device.lastUsed'), ...language.moment(lastUse, now) }]),
      { label: language.text('device.expires'), ...language.moment(expiresAt, now) },
    ],
  };
}
