import type { Session } from '../contracts/session';
import type { DeviceDescriptions } from './device-description';
import type { PageLanguage, ShownMoment } from './page-language';

/** A session as a page shows it: text, in the language of whoever looks. */
export interface SessionView {
  id: string;
  /** The device's own name, else what its user-agent tells. */
  title: string;
  /** What its user-agent tells, where the title is a name. */
  description: string | null;
  name: string;
  isCurrent: boolean;
  marks: string[];
  facts: { label: string; text: string }[];
  moments: (ShownMoment & { label: string })[];
  /** When a copy of its token was refused, until the user has seen it; `at` in epoch milliseconds. */
  refusal: (ShownMoment & { at: number }) | null;
}

/** By whom, when and in which words a session is looked at. */
export interface Viewing {
  readonly currentId: string;
  /** Epoch milliseconds. */
  readonly now: number;
  readonly language: PageLanguage;
  readonly descriptions: DeviceDescriptions;
}

/** So many sessions are shown. */
export const MOST = 100;

/** What is said above more sessions than are shown. */
export function newestOf(found: readonly unknown[], language: PageLanguage): string | null {
  return found.length > MOST ? language.text('devices.newest', { count: language.number(MOST) }) : null;
}

export function viewOf(session: Session, { currentId, now, language, descriptions }: Viewing): SessionView {
  const { id, deviceName, ipAddress, lastIpAddress, boundRefusedAt: refusedAt } = session;
  const description = descriptions.describe(session.lastUserAgent ?? session.userAgent, language);
  const isCurrent = id === currentId;
  const facts = [{ label: language.text('device.ip'), text: ipAddress }];
  if (lastIpAddress !== ipAddress) facts.push({ label: language.text('device.lastIp'), text: lastIpAddress });
  const moments = [
    { label: language.text('device.signedIn'), ...language.moment(session.createdAt, now) },
    { label: language.text('device.lastUsed'), ...language.moment(session.lastUsedAt, now) },
    { label: language.text('device.expires'), ...language.moment(session.expiresAt, now) },
  ];
  return {
    id,
    title: deviceName ?? description,
    description: deviceName === null ? null : description,
    name: deviceName ?? '',
    isCurrent,
    marks: marksOf(session, isCurrent, now).map((key) => language.text(key)),
    facts: facts.filter((fact): fact is { label: string; text: string } => fact.text !== null),
    moments,
    refusal: refusedAt === null ? null : { at: refusedAt, ...language.moment(refusedAt, now) },
  };
}

function marksOf(session: Session, isCurrent: boolean, now: number) {
  const isOfStaff = session.kind === 'impersonation' || session.actorId !== null;
  return [
    ...(isCurrent ? (['devices.current'] as const) : []),
    ...(session.boundKind === null ? [] : (['device.bound'] as const)),
    ...(session.kind === 'program' ? (['device.program'] as const) : []),
    ...(isOfStaff ? (['device.staff'] as const) : []),
    ...(session.expiresAt <= now ? (['device.expired'] as const) : []),
  ];
}
