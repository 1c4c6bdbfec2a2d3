import type { SessionStatistics } from '../sessions/session-admin.service';
import type { DeviceDescriptions } from './device-description';
import type { PageLanguage } from './page-language';

/** The longest bar of the chart, in units of its view box; beside it stands a number. */
const LONGEST = 260;

/** One bar of the chart. */
export interface Bar {
  name: string;
  width: number;
  count: string;
}

export function tilesOf(statistics: SessionStatistics, language: PageLanguage): { label: string; text: string }[] {
  const { users, sessions, averagePerUser, maxActivePerUser } = statistics;
  const tiles = [
    ['admin.users', users.all],
    ['admin.active', sessions.active],
    ['admin.expired', sessions.expired],
    ['admin.average', averagePerUser.active],
    ['admin.most', maxActivePerUser],
  ] as const;
  return tiles.map(([key, value]) => ({ label: language.text(key), text: language.number(value) }));
}

/** Active sessions by browser, most first; what no browser is known for, last. */
export function barsOf(
  { byUserAgent, sessions }: SessionStatistics,
  language: PageLanguage,
  descriptions: DeviceDescriptions,
): Bar[] {
  const counts = new Map<string, number>();
  for (const { userAgent, active } of byUserAgent) {
    const browser = descriptions.browserOf(userAgent);
    if (browser !== null) counts.set(browser, (counts.get(browser) ?? 0) + active);
  }
  const known = [...counts].toSorted(([, one], [, other]) => other - one);
  // The statistics name the ten user-agents that are used most.
  const others = sessions.active - known.reduce((sum, [, count]) => sum + count, 0);
  const all = others > 0 ? [...known, [language.text('admin.otherBrowser'), others] as const] : known;
  const most = Math.max(1, ...all.map(([, count]) => count));
  return all.map(([name, count]) => ({
    name,
    width: Math.max(2, Math.round((count / most) * LONGEST)),
    count: language.number(count),
  }));
}
