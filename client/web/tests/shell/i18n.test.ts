// The two languages (src/i18n): complete, with the same placeholders, and with the plural forms each language needs.

import { describe, expect, test } from 'vitest';
import { en } from '../../src/i18n/en.ts';
import {
  chooseLocale,
  formatDate,
  formatDuration,
  formatNumber,
  languages,
  setLocale,
  t,
} from '../../src/i18n/index.svelte.ts';
import { leaves, type Message } from '../../src/i18n/messages.ts';

function forms(message: Message): readonly string[] {
  return typeof message === 'string' ? [message] : Object.values({ ...message });
}

function placeholders(text: string): string[] {
  return [...new Set([...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? ''))].sort();
}

const english = new Map(leaves(en));

describe.each(Object.entries(languages))('%s', (_code, { tag, messages }) => {
  const texts = leaves(messages);

  test('has exactly the keys of English', () => {
    expect(texts.map(([path]) => path)).toEqual([...english.keys()]);
  });

  test('has no empty text', () => {
    expect(
      texts.filter(([, message]) => forms(message).some((text) => text.trim() === '')).map(([path]) => path),
    ).toEqual([]);
  });

  test('fills the placeholders of English and no other', () => {
    for (const [path, message] of texts) {
      const expected = new Set(forms(english.get(path) ?? '').flatMap(placeholders));
      const found = new Set(forms(message).flatMap(placeholders));
      found.delete('count'); // a form may say "one" in words
      expected.delete('count');
      expect([path, [...found].sort()]).toEqual([path, [...expected].sort()]);
    }
  });

  test('has every plural form that its language uses for whole numbers', () => {
    const rules = new Intl.PluralRules(tag);
    const used = new Set(Array.from({ length: 200 }, (_, count) => rules.select(count)));
    for (const [path, message] of texts)
      if (typeof message !== 'string')
        expect([path, [...used].filter((form) => message[form] === undefined)]).toEqual([path, []]);
  });

  test('is plural where English is', () => {
    expect(texts.filter(([, message]) => typeof message !== 'string').map(([path]) => path)).toEqual(
      [...english].filter(([, message]) => typeof message !== 'string').map(([path]) => path),
    );
  });
});

test('Russian texts are Russian', () => {
  const same = leaves(languages.ru.messages).filter(
    ([path, message]) =>
      JSON.stringify(message) === JSON.stringify(english.get(path)) &&
      /[a-z]{4}/i.test(
        forms(message)
          .join(' ')
          .replace(/\{\w+\}/g, ''),
      ),
  );
  expect(same.map(([path]) => path).filter((path) => path !== 'app.name')).toEqual([]);
});

describe('the language shown', () => {
  test('is the one asked for, else the stored choice, else the device’s, else English', () => {
    expect(chooseLocale('?lang=ru', 'en', ['en'])).toBe('ru');
    expect(chooseLocale('?lang=xx', 'ru', ['en'])).toBe('ru');
    expect(chooseLocale('', null, ['de-DE', 'RU-ru', 'en'])).toBe('ru');
    expect(chooseLocale('', 'constructor', ['fr'])).toBe('en');
  });

  test('decides plural forms, digits and dates', () => {
    setLocale('en');
    expect(t('common.duration.minutes', { count: 1 })).toBe('1 minute');
    expect(t('common.duration.minutes', { count: 1200 })).toBe('1,200 minutes');
    expect(formatDuration(3725)).toBe('1 hour 2 minutes');
    expect(formatDate(1811836800, 'date')).toMatch(/June 2027$/);
    setLocale('ru');
    expect([1, 2, 5, 21].map((count) => t('common.duration.minutes', { count }))).toEqual([
      '1 минута',
      '2 минуты',
      '5 минут',
      '21 минута',
    ]);
    expect(formatNumber(1234567.5).replaceAll(/\s/g, ' ')).toBe('1 234 567,5');
    setLocale('en');
  });

  test('leaves a placeholder standing that nobody filled, and takes values as they are', () => {
    expect(t('common.copyWhat', { label: '{label}$&' })).toBe('Copy: {label}$&');
    expect(t('common.copyWhat')).toBe('Copy: {label}');
  });
});
