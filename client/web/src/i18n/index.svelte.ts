// The language of the page: which one, its texts, and numbers, dates and durations as it writes them. Adding a language
// is one file beside en.ts and one line in `languages`.

import { en } from './en.ts';
import { fill, find, type Params, type Path } from './messages.ts';
import { ru } from './ru.ts';

export const languages = {
  en: { name: 'English', tag: 'en-GB', messages: en },
  ru: { name: 'Русский', tag: 'ru-RU', messages: ru },
} as const;

export type Locale = keyof typeof languages;
export type Key = Path<typeof en>;

const STORED = 'retally.language';

function isLocale(value: string | null | undefined): value is Locale {
  return value !== null && value !== undefined && Object.hasOwn(languages, value);
}

/** The first of: ?lang= in the address, the stored choice, the browser's languages, English. */
export function chooseLocale(search: string, stored: string | null, preferred: readonly string[]): Locale {
  const asked = new URLSearchParams(search).get('lang');
  if (isLocale(asked)) return asked;
  if (isLocale(stored)) return stored;
  return preferred.map((tag) => tag.split('-')[0]?.toLowerCase()).find((tag) => isLocale(tag)) ?? 'en';
}

function storedChoice(): string | null {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null; // storage is refused in some private windows and for files
  }
}

function initialLocale(): Locale {
  return typeof document === 'undefined' ? 'en' : chooseLocale(location.search, storedChoice(), navigator.languages);
}

const state = $state<{ locale: Locale }>({ locale: initialLocale() });

if (typeof document !== 'undefined') document.documentElement.lang = state.locale;

/** The language shown now (reactive). */
export function locale(): Locale {
  return state.locale;
}

/** Shows another language and remembers it on this device; only the language is stored. */
export function setLocale(chosen: Locale): void {
  state.locale = chosen;
  if (typeof document === 'undefined') return;
  document.documentElement.lang = chosen;
  try {
    localStorage.setItem(STORED, chosen);
  } catch {
    // not remembered, still shown
  }
}

/** The text of a key in the language shown, its {placeholders} filled; `count` chooses the plural form. */
export function t(key: Key, params: Params = {}): string {
  const { tag, messages } = languages[state.locale];
  const message = find(messages, key);
  if (message === null) return key;
  return fill(message, params, (count) => pluralRules(tag).select(count), formatNumber);
}

/** Like `t` for a key that is put together at run time; null where the language has no such text. */
export function translate(key: string, params: Params = {}): string | null {
  return find(en, key) === null ? null : t(key as Key, params);
}

const rules = new Map<string, Intl.PluralRules>();

function pluralRules(tag: string): Intl.PluralRules {
  const known = rules.get(tag) ?? new Intl.PluralRules(tag);
  rules.set(tag, known);
  return known;
}

export function formatNumber(value: number | bigint, options: Intl.NumberFormatOptions = {}): string {
  return new Intl.NumberFormat(languages[state.locale].tag, options).format(value);
}

/** A share from 0 to 1 as a percentage. */
export function formatPercent(share: number, digits = 1): string {
  return formatNumber(share, { style: 'percent', minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export type DateForm = 'date' | 'dateTime' | 'dateTimeSeconds' | 'time' | 'shortDate';

const FORMS: Record<DateForm, Intl.DateTimeFormatOptions> = {
  date: { day: 'numeric', month: 'long', year: 'numeric' },
  shortDate: { day: 'numeric', month: 'short' },
  time: { hour: '2-digit', minute: '2-digit' },
  dateTime: {
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
  },
  dateTimeSeconds: {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'short',
  },
};

/** A time, given in POSIX seconds as everywhere in the protocol or as a Date, in the reader's time zone. */
export function formatDate(time: number | Date, form: DateForm = 'dateTime'): string {
  const date = typeof time === 'number' ? new Date(time * 1000) : time;
  return new Intl.DateTimeFormat(languages[state.locale].tag, FORMS[form]).format(date);
}

/** A length of time in words, in its two largest units: "2 minutes 5 seconds". */
export function formatDuration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 1) return t('common.duration.lessThanASecond');
  const [days, hours] = [Math.floor(whole / 86_400), Math.floor(whole / 3600) % 24];
  const [minutes, rest] = [Math.floor(whole / 60) % 60, whole % 60];
  const parts = [
    days > 0 ? t('common.duration.days', { count: days }) : '',
    hours > 0 ? t('common.duration.hours', { count: hours }) : '',
    minutes > 0 && days === 0 ? t('common.duration.minutes', { count: minutes }) : '',
    rest > 0 && days + hours === 0 ? t('common.duration.seconds', { count: rest }) : '',
  ];
  return parts.filter((part) => part !== '').join(' ');
}
