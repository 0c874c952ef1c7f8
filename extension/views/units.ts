/** Sizes and times as people say them: coarse, so that nothing on the screen changes while nothing happens. */
import type { Wording } from './wording.ts';

const sizeUnits = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Bytes in decimal units: `42 GB`, `1.3 GB`, `940 kB`. */
export function size(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < sizeUnits.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${sizeUnits[unit] ?? ''}`;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** A length of time in its one largest unit: `2 d`, `5 h`, `12 min`, `1 min` for anything shorter. */
export function span(ms: number, { t }: Wording): string {
  // Rounded: a lease of 7 days has 7 days left a second later.
  if (Math.round(ms / hourMs) >= 48) return t('{0} d', Math.round(ms / dayMs));
  if (Math.round(ms / minuteMs) >= 120) return t('{0} h', Math.round(ms / hourMs));
  return t('{0} min', Math.max(1, Math.round(ms / minuteMs)));
}

/** How much of a lease is left: `2 d left`, `expired`, `never expires`. */
export function left(expiresAt: string | null, wording: Wording): string {
  const { t, now } = wording;
  if (expiresAt === null) return t('never expires');
  const ms = Date.parse(expiresAt) - now.getTime();
  return ms <= 0 ? t('expired') : t('{0} left', span(ms, wording));
}

/** A lease that ends within half an hour is worth a warning: there is still time to extend it. */
export function isExpiring(expiresAt: string | null, now: Date): boolean {
  return expiresAt !== null && Date.parse(expiresAt) - now.getTime() < 30 * minuteMs;
}

/** A moment as told today: `today 06:12`, `yesterday 23:40`, `Nov 3`, `Nov 3, 2024`. */
export function moment(time: string, { t, now, locale, timeZone }: Wording): string {
  const at = new Date(time);
  const format = (options: Intl.DateTimeFormatOptions, date = at): string =>
    new Intl.DateTimeFormat(locale, { ...options, ...(timeZone !== undefined && { timeZone }) }).format(date);
  const day = (date: Date): string => format({ year: 'numeric', month: '2-digit', day: '2-digit' }, date);
  const clock = format({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  if (day(at) === day(now)) return t('today {0}', clock);
  if (day(at) === day(new Date(now.getTime() - dayMs))) return t('yesterday {0}', clock);
  if (day(at) === day(new Date(now.getTime() + dayMs))) return t('tomorrow {0}', clock);
  const year: Intl.DateTimeFormatOptions =
    format({ year: 'numeric' }) === format({ year: 'numeric' }, now) ? {} : { year: 'numeric' };
  return format({ month: 'short', day: 'numeric', ...year });
}

/** `mariadb` and `11.8.3-MariaDB-0+deb13u1` together: `mariadb 11.8`. */
export function engine(name: string, version: string | undefined): string {
  const short = /^\d+(?:\.\d+)?/.exec(version ?? '')?.[0];
  return short === undefined ? name : `${name} ${short}`;
}
