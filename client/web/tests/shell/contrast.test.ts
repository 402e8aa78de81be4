// Contrast of the design's colours, computed as WCAG 2.2 does (1.4.3, 1.4.11) from src/design/tokens.css itself.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const css = readFileSync(new URL('../../src/design/tokens.css', import.meta.url), 'utf8');

function colours(block: string): Record<string, string> {
  return Object.fromEntries(
    [...block.matchAll(/--color-([\w-]+):\s*(#[0-9a-f]{6});/g)].map(([, name = '', value = '']) => [name, value]),
  );
}

const [light = {}, darkDevice = {}, darkChosen = {}] = css.split(/@media screen/).map(colours);

function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [lighter = 0, darker = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (lighter + 0.05) / (darker + 0.05);
}

test('the scheme that is chosen is the scheme of the device', () => {
  expect(darkChosen).toEqual(darkDevice);
  expect(Object.keys(darkDevice).sort()).toEqual(Object.keys(light).sort());
  expect(Object.keys(light).length).toBeGreaterThan(20);
});

test('contrast is 21 between black and white, 1 between equals', () => {
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5);
  expect(contrast('#777777', '#777777')).toBe(1);
  expect(contrast('#767676', '#ffffff')).toBeCloseTo(4.54, 2);
});

describe.each([
  ['light', light],
  ['dark', darkDevice],
])('%s', (_name, scheme) => {
  const colour = (name: string): string => scheme[name] ?? '#';
  const surfaces = ['page', 'surface', 'sunken'];
  const tones = ['info', 'good', 'warning', 'bad'];
  const texts: [string, string][] = [
    ...surfaces.flatMap((under) =>
      ['text', 'muted', 'link', 'accent', 'accent-strong', ...tones].map((on): [string, string] => [on, under]),
    ),
    ...tones.flatMap((tone) => ['text', 'muted', 'link', tone].map((on): [string, string] => [on, `${tone}-surface`])),
    ['on-accent', 'accent'],
    ['on-accent', 'accent-strong'],
  ];

  test.each(texts)('text %s on %s has at least 4.5:1', (on, under) => {
    expect(contrast(colour(on), colour(under))).toBeGreaterThanOrEqual(4.5);
  });

  const shapes = ['control', 'focus', 'series-1', 'series-2', 'series-3', 'series-4'];
  test.each(shapes.flatMap((on) => surfaces.map((under) => [on, under])))(
    '%s on %s has at least 3:1',
    (on = '', under = '') => {
      expect(contrast(colour(on), colour(under))).toBeGreaterThanOrEqual(3);
    },
  );
});
